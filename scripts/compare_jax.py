"""The driver behind compare-jax.sh: runs the same model files under JAX, `np` bound to `jax.numpy`, and takes samples of
ours and of JAX's in turn.

Both start from the same arguments and must agree to 1e-10. Every sample lasts as long as asked at least; compiling is not
timed with it but shown apart. JAX compiles a function several times, since how fast the result is differs from one time to
the next; the fastest is what ours is compared with. Integers are constants when JAX traces; where a model branches on
an array of integers, that too is a constant, and the line says so. For recurrences a restructured
model with `lax.scan` has a column of its own.
"""

import argparse
import builtins
import fnmatch
import json
import os
import random
import statistics
import subprocess
import sys
import time
import types

import jax
import jax.numpy as jnp
import numpy as np

TOLERANCE = 1e-10

SHIM = types.SimpleNamespace(
    grad=jax.grad, value_and_grad=jax.value_and_grad, vjp=jax.vjp, jvp=jax.jvp, jacobian=jax.jacrev,
    hessian=jax.hessian, vmap=jax.vmap,
)


def load(cell):
    """The functions of a model file under JAX."""
    bound = {"numpy": jnp, "adjudicate": SHIM}

    def imported(name, *rest):
        return bound[name] if name in bound else builtins.__import__(name, *rest)

    scope = {"__builtins__": {**vars(builtins), "__import__": imported}, "__name__": cell["suite"]}
    exec(compile(cell["source"], cell["file"], "exec"), scope)
    return scope


def scan_rnn(params, xs, ys):
    wx, wh, b, wo, bo = params

    def step(h, pair):
        x, y = pair
        h = jnp.tanh((x @ wx if jnp.ndim(x) else x * wx) + h @ wh + b)
        err = h @ wo + bo - y
        return h, jnp.sum(err * err)

    h = jnp.zeros(ys.shape[1:] + wh.shape[:1])
    return jnp.sum(jax.lax.scan(step, h, (xs, ys))[1]) / ys.size


# Models restructured for JAX: by suite and entry.
SCANS = {("rnn", "loss"): scan_rnn, ("rnn_batch", "loss"): scan_rnn}


def from_json(value):
    if isinstance(value, dict) and list(value) == ["tuple"]:
        return tuple(from_json(item) for item in value["tuple"])
    if isinstance(value, dict):
        return {name: from_json(item) for name, item in value.items()}
    return np.array(value) if isinstance(value, list) else value


def is_constant(arg, arrays_too):
    whole = isinstance(arg, (int, str)) or arg is None
    return whole or (arrays_too and isinstance(arg, np.ndarray) and arg.dtype.kind == "i")


def asked(f, function, wrt):
    """The derivative of a function that is named as ours are, by the arguments `wrt`."""

    def product(*args):
        own, vectors = args[: -len(wrt)], args[-len(wrt) :]
        gradient = lambda *at: jax.grad(f, argnums=wrt)(*[at[wrt.index(i)] if i in wrt else a for i, a in enumerate(own)])
        return jax.jvp(gradient, tuple(own[i] for i in wrt), tuple(vectors))[1]

    return {
        "value": f,
        "gradient": jax.grad(f, argnums=wrt),
        "hessian": jax.hessian(f, argnums=wrt),
        "hvp": product,
    }[function]


class Compiled:
    """A function under jit, compiled anew, with its arguments and what cannot vary of them."""

    def __init__(self, f, cell, args, arrays_too):
        fixed = [is_constant(a, arrays_too) for a in args]
        varying = [a for a, constant in zip(args, fixed) if not constant]

        def whole(*given):
            rest = iter(given)
            merged = [a if constant else next(rest) for a, constant in zip(args, fixed)]
            return asked(f, cell["function"], tuple(cell["wrt"]))(*merged)

        self.args = jax.device_put(varying)
        self.f = jax.jit(whole)
        start = time.perf_counter()
        self.result = jax.block_until_ready(self.f(*self.args))
        self.seconds = time.perf_counter() - start
        self.times = []
        self.calls = 1

    def calibrate(self, sample_ns):
        while (taken := self.take()) * self.calls < sample_ns / 2:
            self.calls *= 2
        self.calls = max(1, int(np.ceil(sample_ns / taken)))

    def take(self):
        f, args, calls = self.f, self.args, self.calls
        start = time.perf_counter_ns()
        for _ in range(calls):
            jax.block_until_ready(f(*args))
        return (time.perf_counter_ns() - start) / calls


TRACING = (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError, jax.errors.TracerIntegerConversionError,
           jax.errors.TracerBoolConversionError)


def compiled(f, cell, args, times):
    """The function compiled several times, and what had to be a constant."""
    for arrays_too in (False, True):
        try:
            return [Compiled(f, cell, args, arrays_too) for _ in range(times)], "constant tree" if arrays_too else ""
        except TRACING as error:
            failure = type(error).__name__
        except ValueError as error:
            # Reverse mode through a loop whose number of trips is not known.
            failure = str(error).split(".")[0]
    raise LookupError(f"JAX cannot: {failure}")


def difference(ours, theirs):
    """The largest error relative to the largest of its leaf."""
    worst = 0.0
    leaves = [np.ravel(leaf) for leaf in jax.tree.leaves(theirs)]
    assert len(ours) == len(leaves), f"{len(ours)} leaves, not {len(leaves)}"
    for a, b in zip(map(np.array, ours), leaves):
        assert a.shape == b.shape, f"{a.shape} is not {b.shape}"
        worst = max(worst, float(np.max(np.abs(a - b), initial=0.0) / (np.max(np.abs(b), initial=0.0) or 1.0)))
    return worst


def interval(values):
    """The median and the order statistics that hold it with 95 % whatever the distribution, as `adjudicate run` has it."""
    values, n = sorted(values), len(values)
    rank, term = 0, 0.5**n
    below = term
    while below <= 0.025 and rank < n // 2:
        rank += 1
        term *= (n - rank + 1) / rank
        below += term
    rank = max(rank - 1, 0)
    return statistics.median(values), values[rank], values[n - 1 - rank]


class Ours:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        answer = json.loads(self.process.stdout.readline())
        if isinstance(answer, dict) and "error" in answer:
            raise LookupError(answer["error"])
        return answer


def compare(ours, cell, options):
    """One line of the table."""
    names = f"{cell['suite']} {cell['size']} {cell['function']}"
    prepared = ours.ask(f"prepare {names} {options.strategy} {options.sample}")
    args = [from_json(arg) for arg in ours.ask("arguments")]
    plain, note = compiled(load(cell)[cell["entry"]], cell, args, options.compiles)
    scan = SCANS.get((cell["suite"], cell["entry"]))
    scans = compiled(scan, cell, args, options.compiles)[0] if scan else []
    result = ours.ask("result")
    error = max(difference(result, each.result) for each in plain + scans)
    own = []
    for each in plain + scans:
        each.calibrate(options.sample * 1e6)
    order = [own, *plain, *scans]
    for _ in range(options.rounds):
        random.shuffle(order)
        for each in order:
            own.append(ours.ask("sample")) if each is own else each.times.append(each.take())
    fastest = lambda group: min(group, key=lambda each: statistics.median(each.times))
    best = fastest(plain)
    ratio, low, high = interval([a / b for a, b in zip(own, best.times)])
    columns = [
        f"{names:<44}", f"{statistics.median(own) / 1e3:>11.1f}", f"{statistics.median(best.times) / 1e3:>11.1f}",
        f"{ratio:>7.2f} [{low:.2f}, {high:.2f}]", f"{prepared['prepare_ns'] / 1e6:>9.1f}",
        f"{statistics.median(each.seconds for each in plain) * 1e3:>9.0f}", f"{error:>9.1e}",
    ]
    modes = sorted(statistics.median(each.times) / 1e3 for each in plain)
    columns.append("  modes " + " ".join(f"{m:.1f}" for m in modes))
    if scans:
        lean = fastest(scans)
        seconds = statistics.median(each.seconds for each in scans)
        ratio, low, high = interval([a / b for a, b in zip(own, lean.times)])
        columns.append(f"; scan {statistics.median(lean.times) / 1e3:.1f} (ours {ratio:.2f} [{low:.2f}, {high:.2f}] of it, compiled in {seconds * 1e3:.0f} ms)")
    if note:
        columns.append(f"; {note}")
    if not error <= TOLERANCE:
        columns.append("; WRONG")
    print(" ".join(columns), flush=True)
    return error <= TOLERANCE


def main():
    parser = argparse.ArgumentParser(prog="compare-jax.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help=argparse.SUPPRESS)
    for name in ("suite", "size", "function"):
        parser.add_argument(f"--{name}", action="append", metavar="GLOB", help=f"only such {name}s (repeatable)")
    parser.add_argument("--strategy", default="closure", help="ours: a strategy, or handwritten")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--sample", type=int, default=20, metavar="MILLISECONDS", help="how long a sample lasts at least")
    parser.add_argument("--compiles", type=int, default=3, help="how often JAX compiles each function")
    options = parser.parse_args()
    sys.setrecursionlimit(100_000)
    random.seed(1)
    ours = Ours(options.program)
    chosen = lambda cell, name: any(
        fnmatch.fnmatchcase(cell[name], pattern) or cell[name] == pattern for pattern in getattr(options, name) or ["*"]
    )
    cells = [c for c in ours.ask("cells") if all(chosen(c, name) for name in ("suite", "size", "function"))]
    if not cells:
        parser.error("no cell matches all of the selection")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"JAX {jax.__version__}, jaxlib {jax.lib.__version__}, {jax.devices()[0].platform}, 64-bit {jax.config.jax_enable_x64}, {cores} core;"
          f" XLA_FLAGS={os.environ.get('XLA_FLAGS', '').strip()}")
    print(f"ours: {options.strategy}; medians of {options.rounds} interleaved rounds of {options.sample} ms or more;"
          f" JAX is the best of {options.compiles} compilations (modes: all of them); a ratio below 1 is faster than JAX")
    print(f"{'cell':<44} {'ours us':>11} {'jax us':>11} {'ratio [95 %]':>20} {'prep ms':>9} {'jit ms':>9} {'error':>9}")
    right = True
    for cell in cells:
        try:
            right &= compare(ours, cell, options)
        except LookupError as reason:
            print(f"{cell['suite']} {cell['size']} {cell['function']}: {reason.args[0]}", flush=True)
    sys.exit(0 if right else 4)


main()
