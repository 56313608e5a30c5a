//! A program as text: what is run, and nothing else.
//!
//! Where two texts are equal, the same instructions work on the same registers and constants, whatever graphs are called,
//! however these are numbered, and wherever in a source they come from. So every table is written without names and
//! positions, and a graph is its code, or nothing where it has none of its own.

use std::fmt::{self, Write};

use super::code::{CallSite, Executable, Function, Instr, Part, PrimInstr, VjpInstr};
use super::fused::{Fused, Row};
use crate::graph::GraphId;
use crate::value::Value;

impl Executable {
    /// The program as text. Programs with equal texts differ in nothing that a run could show but the positions of
    /// errors.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("strings take all text");
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let Self {
            code,
            spans: _,
            operands,
            results,
            consts,
            prims,
            calls,
            vjps,
            fused,
            regions: _,
            scalars,
            parts,
            items,
            functions,
            entry,
        } = self;
        let mut functions: Vec<&Function> = functions.iter().flatten().collect();
        functions.sort_by_key(|function| function.pc);
        writeln!(out, "entry {:?}", self.at(*entry))?;
        functions.iter().try_for_each(|function| writeln!(out, "{function:?}"))?;
        code.iter().try_for_each(|&instr| writeln!(out, "{:?}", self.placed(instr)))?;
        writeln!(out, "{operands:?}\n{results:?}\n{items:?}")?;
        consts.iter().try_for_each(|value| self.constant(out, value))?;
        for PrimInstr { site, def, attrs, operands, ty, span: _ } in prims {
            writeln!(out, "{site:?} {def:?} {attrs:?} {operands:?} {ty:?}")?;
        }
        for call in calls {
            writeln!(out, "{:?}", CallSite { graph: self.at(call.graph), ..*call })?;
        }
        for VjpInstr { graph, wrt, params, items, seeds, span: _ } in vjps {
            writeln!(out, "{graph} {wrt:?} {params:?} {items:?} {seeds:?}")?;
        }
        for Fused { program, params, rows } in fused {
            writeln!(out, "{program:?} {params:?}")?;
            rows.iter().try_for_each(|Row { place, len, span: _ }| writeln!(out, "{place:?} {len:?}"))?;
        }
        scalars.iter().try_for_each(|scalars| scalars.write(out))?;
        for Part { work, args, results, lane_args, lane_results, span: _ } in parts {
            writeln!(out, "{work:?} {args:?} {results:?} {lane_args:?} {lane_results:?}")?;
        }
        Ok(())
    }

    /// A constant with all elements, of which `Debug` shows but some.
    fn constant(&self, out: &mut String, value: &Value) -> fmt::Result {
        match value {
            Value::Array(a, _) => writeln!(out, "{:?} {:?}", a.shape(), a.as_slice()),
            Value::Ints(a) => writeln!(out, "{:?} {:?}", a.shape(), a.as_slice()),
            Value::Bools(a) => writeln!(out, "{:?} {:?}", a.shape(), a.as_slice()),
            Value::Tuple(fields) => {
                writeln!(out, "{} fields", fields.as_slice().len())?;
                fields.as_slice().iter().try_for_each(|field| self.constant(out, field))
            }
            Value::Closure(graph, captures) => {
                writeln!(out, "{:?} with {}", self.at(*graph), captures.as_slice().len())?;
                captures.as_slice().iter().try_for_each(|capture| self.constant(out, capture))
            }
            Value::F64(..) | Value::I64(_) | Value::Bool(_) | Value::Stack(_) | Value::Env(_) => {
                writeln!(out, "{value:?}")
            }
        }
    }

    /// Where the code of a graph begins, for its number.
    fn at(&self, graph: GraphId) -> GraphId {
        let function = self.functions.get(graph.0 as usize).and_then(Option::as_ref);
        function.map_or(GraphId(u32::MAX), |function| GraphId(function.pc))
    }

    fn placed(&self, instr: Instr) -> Instr {
        match instr {
            Instr::Closure { count, graph, args, dst } => Instr::Closure { count, graph: self.at(graph), args, dst },
            other => other,
        }
    }
}
