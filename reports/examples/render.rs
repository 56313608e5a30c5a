//! scratch
#![expect(clippy::print_stderr, reason = "x")]
use std::path::Path;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (run, warnings) =
        adjudicate_reports::Run::read(|name| std::fs::read(Path::new(&args[1]).join(name)).ok()).unwrap();
    for w in warnings {
        eprintln!("{w}");
    }
    for report in adjudicate_reports::REPORTS {
        let t = std::time::Instant::now();
        for a in (report.render)(&run).unwrap() {
            let p = Path::new(&args[2]).join(&a.path);
            std::fs::create_dir_all(p.parent().unwrap()).unwrap();
            std::fs::write(p, a.bytes).unwrap();
        }
        eprintln!("{} {:?}", report.name, t.elapsed());
    }
}
