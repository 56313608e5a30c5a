//! dump
use adjudicate_ir::{program::*, datum::Datum, text, interp, verify};
use adjudicate_strategies::closure::*;
fn main() {
    let src = std::fs::read_to_string("/tmp/r.py").unwrap();
    let p = Program::parse("r.py", &src).unwrap();
    let args = [Datum::F64(2.0), Datum::I64(5)];
    let r = Request::new("f", Ask::Gradient, &[0], 2, &args);
    let s = p.specialise(&r).unwrap_or_else(|e| panic!("{e}"));
    for c in [&UNOPTIMISED, &CLOSURE] {
    let m = c.transform(&s.module, &mut |name, m| { if let Err(e) = verify::verify(m) { println!("after {name}: {e:?}"); } });
    println!("{}", text::print(&m));
    println!("{:?}", interp::eval(&m, args.iter().flat_map(Datum::leaves).collect()));
    }
}
