"""The driver behind compare-numpy.sh: alternates one sample of ours and one of NumPy's, kernel by kernel, round by round."""

import statistics
import subprocess
import sys
import time

import numpy as np

SAMPLE_NS = 500_000


def floats(*shape):
    return (np.sin(np.arange(np.prod(shape)) * 0.618) + 1.1).reshape(shape)


def numpy_kernels():
    kernels = {}
    for n in (8, 32_768):
        x, y = floats(n), floats(n)
        for name in ("exp", "tanh", "log", "sin", "sqrt"):
            kernels[f"{name}/{n}"] = (lambda f, x: lambda: f(x))(getattr(np, name), x)
        kernels[f"sigmoid/{n}"] = (lambda x: lambda: 1.0 / (1.0 + np.exp(-x)))(x)
        for name, f in (("add", np.add), ("mul", np.multiply), ("pow", np.power)):
            kernels[f"{name}/{n}"] = (lambda f, x, y: lambda: f(x, y))(f, x, y)
        kernels[f"sum/{n}"] = (lambda x: lambda: np.sum(x))(x)
    a, b, v = floats(8, 8), floats(8, 8), floats(8)
    kernels["row_add/8"] = lambda: np.add(a, v)
    kernels["matmul/8"] = lambda: np.matmul(a, b)
    kernels["matvec/8"] = lambda: np.matmul(a, v)
    for n in (64, 128, 256, 512, 1024):
        p, q, c = floats(n, n), floats(n, n), np.empty((n, n))
        kernels[f"gemm/{n}"] = (lambda p, q, c: lambda: np.matmul(p, q, out=c))(p, q, c)
    return kernels


def sample(kernel):
    calls = 1
    while True:
        start = time.perf_counter_ns()
        for _ in range(calls):
            kernel()
        taken = time.perf_counter_ns() - start
        if taken >= SAMPLE_NS / 2:
            return taken / calls
        calls *= 2


def main():
    ours = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(line):
        ours.stdin.write(line + "\n")
        return ours.stdout.readline().strip()

    theirs = numpy_kernels()
    names = sorted(ask("names").split(), key=lambda name: (name.split("/")[0], int(name.split("/")[1].split("@")[0]), name))
    times = {name: ([], []) for name in names}
    for _ in range(int(sys.argv[2])):
        for name in names:
            times[name][0].append(float(ask(name)))
            times[name][1].append(sample(theirs[name.split("@")[0]]))
    print(f"NumPy {np.__version__}, one thread, medians of {sys.argv[2]} interleaved rounds; a ratio below 1 is faster than NumPy")
    print(f"{'kernel':<24}{'ours ns':>14}{'numpy ns':>14}{'ratio':>8}{'GFLOP/s':>9}")
    for name, pair in times.items():
        a, b = map(statistics.median, pair)
        size = int(name.split("/")[1].split("@")[0])
        rate = f"{2 * size**3 / a:9.1f}" if name.startswith("gemm") else ""
        print(f"{name:<24}{a:14.1f}{b:14.1f}{a / b:8.2f}{rate}")
    for size in sorted({int(n.split("/")[1].split("@")[0]) for n in names if n.startswith("gemm")}):
        each = {n.split("@")[1]: statistics.median(times[n][0]) for n in names if n.startswith(f"gemm/{size}@")}
        best = min(each.values())
        print(f"gemm/{size}: " + ", ".join(f"{k} {best / v:.2f} of the faster" for k, v in each.items()))


main()
