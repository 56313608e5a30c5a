//! The strategy's tapes, one for each order of derivative, as a domain of the executor.
//!
//! The mark of a float says on which tape it is active, and as which statement. What an inner tape
//! computes with are numbers that may be active on an outer one: of every statement of an inner tape is known as what
//! its value is active below ([`Level::below`]), and its partial derivatives and cotangents are such
//! numbers too. On the outermost tape they are plain floats, and everything takes a shorter way.
//!
//! A cotangent starts as -0.0, to which any sum can be added exactly; where it still is, nothing arrived.

use std::sync::Arc;

use adjudicate_ir::exec::{Domain, ExecError, Executable, PrimInstr, Run, VjpInstr};
use adjudicate_ir::graph::Module;
use adjudicate_ir::prims::{self, Args, Prim};
use adjudicate_ir::types::Elem;
use adjudicate_ir::value::{Fields, Mark, Value};
use adjudicate_kernels::Array;
use smallvec::SmallVec;

use super::active::{Edge, NOTHING, sweep};
use super::partials::{Function, Partials, Source, of_floats};
use super::region::{Operation, Origin, Region};

/// The most tapes at once: a mark holds the level in its upper bits.
pub(super) const MAX_LEVEL: u32 = 7;
const LEVEL_SHIFT: u32 = 29;

/// Why cotangents for several seeds at once are not differentiated.
const MANY_SEEDS: &str = "cotangents in arrays cannot be differentiated by a tape of scalars";

/// Why an array of floats is not made, where only running shows that its elements are differentiated.
const ARRAY: &str = "an array of floats that are differentiated, cannot be computed by a tape of scalar statements: write it with float \
                     scalars, or use the strategy `tape`";

/// Why a region is not differentiated that is not known to be one of functions of scalars.
const UNKNOWN: &str = "operations that a tape of scalars cannot express";

/// A tape.
#[derive(Debug, Default)]
struct Level {
    /// By statement: the number of its edges.
    counts: Vec<u8>,
    edges: Vec<Edge<f64>>,
    /// By statement and by edge: as what the value and the partial are active on outer tapes. Empty on the outermost.
    below: Vec<Mark>,
    partials_below: Vec<Mark>,
}

/// A float and where it comes from, or the bits of another scalar.
#[derive(Clone, Copy, Debug)]
struct Number {
    bits: u64,
    mark: Mark,
}

impl Number {
    fn float(x: f64) -> Number {
        Number { bits: x.to_bits(), mark: Mark::NONE }
    }

    fn level(self) -> u32 {
        level(self.mark)
    }
}

/// The level of a mark; 0 is none.
#[inline]
fn level(mark: Mark) -> u32 {
    mark.0 >> LEVEL_SHIFT
}

/// The statement of a mark.
#[inline]
fn statement(mark: Mark) -> usize {
    (mark.0 & ((1 << LEVEL_SHIFT) - 1)) as usize
}

/// All tapes.
pub(super) struct Levels {
    /// By level from 1; storage is kept.
    levels: Vec<Level>,
    depth: u32,
    /// By site of the program.
    functions: Vec<Option<Arc<Function>>>,
    /// By region of the program; `None` for what is no region of scalars.
    regions: Vec<Option<Region>>,
    /// Results of the region that was last applied.
    results: Vec<(Number, Elem)>,
    add: Arc<Function>,
    mul: Arc<Function>,
    steps: SmallVec<[u64; 8]>,
    cotangents: Vec<f64>,
    peak_statements: usize,
    peak_bytes: usize,
}

type Numbers = SmallVec<[Number; 3]>;
/// Of each float result of a derivative's function, the statement that it is.
type Outputs = SmallVec<[Option<usize>; 2]>;

impl Levels {
    /// For a program.
    pub(super) fn new(executable: &Executable, module: &Module) -> Self {
        let regions = executable.regions().map(|(graph, params)| Region::new(module.graph(graph), params));
        Levels {
            levels: Vec::new(),
            depth: 0,
            functions: vec![None; executable.sites()],
            regions: regions.collect(),
            results: Vec::new(),
            add: Arc::new(of_floats(&prims::ADD, &[], 2)),
            mul: Arc::new(of_floats(&prims::MUL, &[], 2)),
            steps: SmallVec::new(),
            cotangents: Vec::new(),
            peak_statements: 0,
            peak_bytes: 0,
        }
    }

    /// Begins a run.
    pub(super) fn reset(&mut self) {
        self.levels.iter_mut().for_each(Level::clear);
        (self.depth, self.peak_statements, self.peak_bytes) = (0, 0, 0);
    }

    /// Statements when the tapes were fullest.
    pub(super) fn peak_statements(&self) -> usize {
        self.peak_statements
    }

    /// Bytes of the tapes when they were fullest.
    pub(super) fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    fn level(&mut self, level: u32) -> &mut Level {
        &mut self.levels[level as usize - 1]
    }

    fn measure(&mut self) {
        let statements = self.levels.iter().map(|level| level.counts.len()).sum();
        let bytes = self.levels.iter().map(Level::bytes).sum();
        self.peak_statements = self.peak_statements.max(statements);
        self.peak_bytes = self.peak_bytes.max(bytes);
    }

    /// What a number is to the tapes below a level.
    fn lower(&self, number: Number, level: u32) -> Number {
        if number.level() != level {
            return number;
        }
        let below = &self.levels[level as usize - 1].below;
        Number { mark: below.get(statement(number.mark)).copied().unwrap_or(Mark::NONE), ..number }
    }

    /// Applies a function to numbers, on the tapes that they are active on.
    fn apply(&mut self, function: &Function, args: &[Number]) -> Result<Number, String> {
        let bits = function.eval(|i| args[i].bits);
        let level = args.iter().map(|arg| arg.level()).max().unwrap_or(0);
        if level == 0 || !function.is_float {
            return Ok(Number { bits, mark: Mark::NONE });
        }
        let partials = function.partials()?;
        if level == 1 {
            return self.levels[0].push_outermost(partials, args, bits, &mut self.steps);
        }
        let lowered: Numbers = args.iter().map(|&arg| self.lower(arg, level)).collect();
        let result = self.apply(function, &lowered)?;
        let mut steps: SmallVec<[Number; 8]> = SmallVec::new();
        for step in &partials.steps {
            let args: Numbers = step.args.iter().map(|&s| number(s, &lowered, result, &steps)).collect();
            let value = self.apply(&step.function, &args)?;
            steps.push(value);
        }
        let mut count = 0;
        for (arg, source) in args.iter().zip(&partials.of) {
            let (true, Some(source)) = (arg.level() == level, source) else { continue };
            let partial = number(*source, &lowered, result, &steps);
            let on = self.level(level);
            on.edges.push(Edge { partial: f64::from_bits(partial.bits), statement: statement(arg.mark) as u32 });
            on.partials_below.push(partial.mark);
            count += 1;
        }
        if count == 0 {
            return Ok(result);
        }
        self.level(level).below.push(result.mark);
        Ok(Number { bits: result.bits, mark: self.level(level).push(level, count)? })
    }

    /// Applies the operations of a region one after the other.
    fn apply_each(&mut self, region: usize, args: &Args<'_>) -> Result<(), String> {
        let Some(Region { operations, results, .. }) = &self.regions[region] else { panic!("a region of scalars") };
        let (operations, wanted) = (operations.clone(), results.clone());
        let mut numbers: Vec<Number> = Vec::with_capacity(operations.len());
        for Operation { function, args: from } in operations.iter() {
            let number = |from: &Origin| match *from {
                Origin::Operand(i) => scalar(&args[i]),
                Origin::Constant(bits) => Number { bits, mark: Mark::NONE },
                Origin::Operation(at) => numbers[at],
            };
            let operands: Numbers = from.iter().map(number).collect();
            let result = self.apply(function, &operands)?;
            numbers.push(result);
        }
        self.results.extend(wanted.iter().map(|&(of, elem)| (numbers[of], elem)));
        Ok(())
    }

    /// The function of a site.
    #[cold]
    fn learn(&mut self, instr: &PrimInstr) -> Result<(), String> {
        let prim = Prim { def: instr.def, attrs: instr.attrs.clone() };
        self.functions[instr.site.index()] = Some(Arc::new(Function::new(prim, &instr.operands)?));
        Ok(())
    }
}

/// What a source is.
fn number(source: Source, args: &[Number], result: Number, steps: &[Number]) -> Number {
    match source {
        Source::Const(x) => Number::float(x),
        Source::Bits(bits) => Number { bits, mark: Mark::NONE },
        Source::Arg(i) => args[usize::from(i)],
        Source::Result => result,
        Source::Step(i) => steps[usize::from(i)],
    }
}

impl Level {
    fn clear(&mut self) {
        self.counts.clear();
        self.edges.clear();
        self.below.clear();
        self.partials_below.clear();
    }

    fn bytes(&self) -> usize {
        let marks = self.below.len() + self.partials_below.len();
        self.counts.len() + self.edges.len() * size_of::<Edge<f64>>() + marks * size_of::<Mark>()
    }

    /// Applies a function of up to three scalars on the outermost tape, where only plain floats are below.
    #[inline]
    fn record_outermost(
        &mut self,
        function: &Function,
        args: &Args<'_>,
        steps: &mut SmallVec<[u64; 8]>,
    ) -> Result<Value, String> {
        let mut numbers = [Number::float(0.0); 3];
        let numbers = &mut numbers[..args.len()];
        for (number, arg) in numbers.iter_mut().zip(args.iter()) {
            *number = scalar(arg);
        }
        let bits = function.eval(|i| numbers[i].bits);
        self.push_outermost(function.partials()?, numbers, bits, steps).map(float)
    }

    /// Adds a statement to the outermost tape.
    #[inline]
    fn push_outermost(
        &mut self,
        partials: &Partials,
        args: &[Number],
        result: u64,
        steps: &mut SmallVec<[u64; 8]>,
    ) -> Result<Number, String> {
        let mut bits = [0; 3];
        bits.iter_mut().zip(args).for_each(|(bits, arg)| *bits = arg.bits);
        partials.run(&bits, result, steps);
        let mut count = 0;
        for (arg, source) in args.iter().zip(&partials.of) {
            let (true, Some(source)) = (arg.mark.is_some(), source) else { continue };
            let partial = f64::from_bits(Partials::bits(*source, &bits, result, steps));
            self.edges.push(Edge { partial, statement: statement(arg.mark) as u32 });
            count += 1;
        }
        let mark = if count == 0 { Mark::NONE } else { self.push(1, count)? };
        Ok(Number { bits: result, mark })
    }

    /// Adds a statement whose edges are there; its mark.
    #[inline]
    fn push(&mut self, level: u32, edges: u8) -> Result<Mark, String> {
        let index = self.counts.len();
        self.counts.push(edges);
        enough_room(index)?;
        Ok(Mark(level << LEVEL_SHIFT | index as u32))
    }
}

/// Whether statements up to this one can be told apart.
#[inline]
fn enough_room(statement: usize) -> Result<(), String> {
    if statement >> LEVEL_SHIFT == 0 {
        Ok(())
    } else {
        Err(format!(
            "more than 2^{LEVEL_SHIFT} statements, which is all that a tape of scalar statements holds: use the strategy `tape`"
        ))
    }
}

/// A scalar as a number.
#[inline]
fn scalar(value: &Value) -> Number {
    match value {
        Value::F64(x, mark) => Number { bits: x.to_bits(), mark: *mark },
        Value::I64(n) => Number { bits: *n as u64, mark: Mark::NONE },
        Value::Bool(b) => Number { bits: u64::from(*b), mark: Mark::NONE },
        other => panic!("a scalar was expected, not {other:?}"),
    }
}

fn float(number: Number) -> Value {
    Value::F64(f64::from_bits(number.bits), number.mark)
}

impl Domain for Levels {
    #[inline]
    fn prim(&mut self, instr: &PrimInstr, args: &mut Args<'_>) -> Result<Value, String> {
        if args.len() == 1
            && let Value::Array(one, mark) = &args[0]
            && mark.is_some()
            && instr.ty.is_scalar(Elem::F64)
        {
            // The cotangent for a single seed, taken out of its array.
            return Ok(Value::F64(one.item(), *mark));
        }
        let level = if self.depth == 0 { 0 } else { args.iter().map(|arg| level(arg.mark())).max().unwrap_or(0) };
        if level == 0 || !instr.ty.is_float() {
            return instr.eval(args);
        }
        if !instr.ty.is_scalar(Elem::F64) {
            return Err(format!("{}, {ARRAY}", instr.ty));
        }
        if self.functions[instr.site.index()].is_none() {
            self.learn(instr)?;
        }
        let Some(function) = &self.functions[instr.site.index()] else { panic!("a function that was learnt") };
        if level == 1 {
            return self.levels[0].record_outermost(function, args, &mut self.steps);
        }
        let function = function.clone();
        let args: Numbers = args.iter().map(scalar).collect();
        self.apply(&function, &args).map(float)
    }

    fn region(&mut self, at: usize, args: &Args<'_>) -> Result<bool, String> {
        if self.depth == 0 {
            return Ok(false);
        }
        let Some(region) = &mut self.regions[at] else {
            let active = args.iter().any(|arg| arg.mark().is_some());
            return if active { Err(UNKNOWN.to_owned()) } else { Ok(false) };
        };
        self.results.clear();
        let (mut marks, mut active) = (0, 0);
        if let Some(staged) = &mut region.staged {
            let places = staged.places.iter_mut().zip(&mut staged.statements);
            for ((i, arg), (place, from)) in args.iter().enumerate().zip(places) {
                let Number { bits, mark } = scalar(arg);
                (*place, *from) = (bits, statement(mark) as u32);
                marks |= mark.0;
                active |= u64::from(mark.is_some()) << i;
            }
        } else {
            marks = args.iter().fold(0, |marks, arg| marks | arg.mark().0);
        }
        if marks == 0 {
            return Ok(false);
        }
        let Some(staged) = region.staged.as_mut().filter(|_| marks >> LEVEL_SHIFT == 1) else {
            self.apply_each(at, args)?;
            return Ok(true);
        };
        let Level { counts, edges, .. } = &mut self.levels[0];
        let results = staged.run(active, counts, edges);
        let mark = |statement: Option<u32>| statement.map_or(Mark::NONE, |at| Mark(1 << LEVEL_SHIFT | at));
        let numbers = results.iter().map(|(bits, statement)| Number { bits, mark: mark(statement) });
        self.results.extend(numbers.zip(region.results.iter().map(|&(_, elem)| elem)));
        enough_room(counts.len())?;
        Ok(true)
    }

    fn region_result(&mut self, result: usize) -> Value {
        let (number, elem) = self.results[result];
        match elem {
            Elem::F64 => float(number),
            Elem::I64 => Value::I64(number.bits as i64),
            Elem::Bool => Value::Bool(number.bits != 0),
        }
    }

    fn vjp(&mut self, run: &mut Run<'_>, instr: &VjpInstr, values: &mut Vec<Value>) -> Result<(), ExecError> {
        let located = |message| ExecError::new(instr.span, message);
        let level = self.depth + 1;
        if level > MAX_LEVEL {
            let message = format!(
                "derivatives are nested more than {MAX_LEVEL} deep, and a tape of scalar statements nests no more"
            );
            return Err(ExecError::limit(
                instr.span,
                message,
                "take fewer inside each other, or use the strategy `tape`",
            ));
        }
        while self.levels.len() < level as usize {
            self.levels.push(Level::default());
        }
        // Single seeds are numbers and own nothing, so that they are quickly put aside and forgotten.
        let (mut single, mut arrays) = (Numbers::new(), SmallVec::<[Value; 2]>::new());
        if instr.seeds.is_some() {
            arrays.extend(instr.seeds(values));
        } else {
            let seeds = &values[instr.params.len()..];
            if let Some(array) = seeds.iter().find(|seed| matches!(seed, Value::Array(..))) {
                let ty = array.tensor_type().expect("an array is a tensor");
                return Err(located(format!("{ty}, {ARRAY}")));
            }
            seeds.iter().for_each(|seed| single.push(scalar(seed)));
            values.truncate(instr.params.len());
        }
        for &i in instr.wrt.iter() {
            let arg = &mut values[i as usize];
            let Value::F64(x, below) = *arg else {
                return Err(located("a derivative by something else than a float scalar cannot be taken".to_owned()));
            };
            let on = self.level(level);
            let mark = on.push(level, 0).map_err(located)?;
            if level > 1 {
                on.below.push(below);
            }
            *arg = Value::F64(x, mark);
        }
        self.depth = level;
        run.replace(self, instr.graph, values)?;
        self.depth = level - 1;
        self.measure();
        let mut outputs = Outputs::new();
        for (result, ty) in values.iter_mut().zip(&instr.items) {
            if ty.is_float() {
                outputs.push(on_level(result, level));
            }
            self.lower_value(result, level).map_err(located)?;
        }
        let wanted = instr.wrt.len();
        match instr.seeds {
            None if level == 1 => values.extend(self.sweep_outermost(&outputs, &single, wanted).iter().map(found)),
            None => {
                values.extend(self.sweep(level, &outputs, &single, wanted).map_err(located)?.into_iter().map(float))
            }
            Some(count) => self.sweep_all(level, count, (&outputs, &arrays), wanted, values).map_err(located)?,
        }
        self.level(level).clear();
        Ok(())
    }
}

/// The statement that a value is on the tape of a level.
fn on_level(value: &Value, level: u32) -> Option<usize> {
    let mark = value.mark();
    (mark.0 >> LEVEL_SHIFT == level).then(|| statement(mark))
}

impl Levels {
    /// The cotangents of a derivative's arguments, which are the first statements of its tape, for several seeds at once: an array
    /// for each.
    fn sweep_all(
        &mut self,
        level: u32,
        count: usize,
        (outputs, seeds): (&[Option<usize>], &[Value]),
        wanted: usize,
        into: &mut Vec<Value>,
    ) -> Result<(), String> {
        let mut columns = vec![(Vec::with_capacity(count), Mark::NONE); wanted];
        for k in 0..count {
            let seed = |value: &Value| match value {
                Value::Array(seeds, mark) if count == 1 || !mark.is_some() => {
                    Ok(Number { bits: seeds.as_slice()[k].to_bits(), mark: *mark })
                }
                _ => Err(MANY_SEEDS.to_owned()),
            };
            let seeds: Numbers = seeds.iter().map(seed).collect::<Result<_, _>>()?;
            for (column, found) in columns.iter_mut().zip(self.sweep(level, outputs, &seeds, wanted)?) {
                if found.mark.is_some() && count != 1 {
                    return Err(MANY_SEEDS.to_owned());
                }
                column.0.push(f64::from_bits(found.bits));
                column.1 = found.mark;
            }
        }
        let arrays = columns.into_iter().map(|(column, mark)| Value::Array(Array::from_vec(&[count], column), mark));
        into.extend(arrays);
        Ok(())
    }

    /// Sweeps a tape backwards; the cotangents of its first statements.
    fn sweep(
        &mut self,
        level: u32,
        outputs: &[Option<usize>],
        seeds: &[Number],
        wanted: usize,
    ) -> Result<Numbers, String> {
        if level == 1 {
            let plain = |x: &f64| Number::float(if x.to_bits() == NOTHING.to_bits() { 0.0 } else { *x });
            return Ok(self.sweep_outermost(outputs, seeds, wanted).iter().map(plain).collect());
        }
        let seeded = outputs.iter().zip(seeds).filter_map(|(output, seed)| Some(((*output)?, *seed)));
        let (add, mul) = (self.add.clone(), self.mul.clone());
        let mut cotangents = vec![Number::float(NOTHING); self.level(level).counts.len()];
        for (at, seed) in seeded {
            cotangents[at] = self.apply(&add, &[cotangents[at], seed])?;
        }
        let mut edge = self.level(level).edges.len();
        for at in (0..cotangents.len()).rev() {
            let count = usize::from(self.level(level).counts[at]);
            edge -= count;
            let cotangent = cotangents[at];
            if is_nothing(cotangent) {
                continue;
            }
            for i in edge..edge + count {
                let on = self.level(level);
                let Edge { partial, statement } = on.edges[i];
                let partial = Number { bits: partial.to_bits(), mark: on.partials_below[i] };
                let part = self.apply(&mul, &[cotangent, partial])?;
                let slot = statement as usize;
                cotangents[slot] =
                    if is_nothing(cotangents[slot]) { part } else { self.apply(&add, &[cotangents[slot], part])? };
            }
        }
        cotangents.truncate(wanted);
        Ok(cotangents.into_iter().map(|c| if is_nothing(c) { Number::float(0.0) } else { c }).collect())
    }

    /// The same for the outermost tape.
    fn sweep_outermost(&mut self, outputs: &[Option<usize>], seeds: &[Number], wanted: usize) -> &[f64] {
        let Level { counts, edges, .. } = &self.levels[0];
        let cotangents = &mut self.cotangents;
        cotangents.clear();
        cotangents.resize(counts.len(), NOTHING);
        for (output, seed) in outputs.iter().zip(seeds) {
            if let Some(at) = *output {
                cotangents[at] += f64::from_bits(seed.bits);
            }
        }
        sweep(counts, edges, cotangents);
        &cotangents[..wanted]
    }

    /// Makes a value what the tapes below a level know it as.
    #[inline]
    fn lower_value(&self, value: &mut Value, level: u32) -> Result<(), String> {
        match value {
            Value::F64(_, mark) => *mark = self.lower(Number { bits: 0, mark: *mark }, level).mark,
            Value::I64(_) | Value::Bool(_) => {}
            other => *other = self.lowered(std::mem::replace(other, Value::Bool(false)), level)?,
        }
        Ok(())
    }

    /// A value as the tapes below a level know it.
    fn lowered(&self, value: Value, level: u32) -> Result<Value, String> {
        let all = |fields: Fields| -> Result<Fields, String> {
            Ok(Fields::new(fields.into_vec().into_iter().map(|v| self.lowered(v, level)).collect::<Result<_, _>>()?))
        };
        Ok(match value {
            Value::F64(..) => float(self.lower(scalar(&value), level)),
            Value::Tuple(fields) => Value::Tuple(all(fields)?),
            Value::Closure(graph, fields) => Value::Closure(graph, all(fields)?),
            Value::Stack(_) | Value::Env(_) => {
                return Err("a stack cannot be the result of a derivative on a tape of scalars".to_owned());
            }
            plain @ (Value::I64(_) | Value::Bool(_) | Value::Array(..) | Value::Ints(_) | Value::Bools(_)) => plain,
        })
    }
}

/// A cotangent of the outermost tape that is asked for.
fn found(cotangent: &f64) -> Value {
    Value::f64(if cotangent.to_bits() == NOTHING.to_bits() { 0.0 } else { *cotangent })
}

fn is_nothing(number: Number) -> bool {
    number.bits == NOTHING.to_bits() && !number.mark.is_some()
}
