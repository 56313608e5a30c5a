//! Every report of one fixture run: text as stored, pages and pictures by their structure.
//!
//! `UPDATE_EXPECT=1 cargo test -p adjudicate-reports` stores the text anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use adjudicate_reports::chart::Body;
use adjudicate_reports::derive::is_preparation;
use adjudicate_reports::figures::{FIGURES, draw_all};
use adjudicate_reports::rows::{Cell, Status};
use adjudicate_reports::view::View;
use adjudicate_reports::{Artifact, Material, REPORTS, Run};
use expect_test::expect_file;

/// A run with something of everything: cells that are right, wrong, refused, failed and timed out, and missing counts.
pub(crate) fn fixture() -> Run {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    let (run, warnings) = Run::read(|name| std::fs::read(folder.join(name)).ok()).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    run
}

fn render(name: &str, run: &Run) -> BTreeMap<String, Vec<u8>> {
    let report = REPORTS.iter().find(|report| report.name == name).unwrap();
    (report.render)(&Material::new(run)).unwrap().into_iter().map(|Artifact { path, bytes }| (path, bytes)).collect()
}

pub(crate) fn text(name: &str, path: &str, run: &Run) -> String {
    String::from_utf8(render(name, run)[path].clone()).unwrap()
}

/// The ends of every tag that has no content: they open and do not close.
const VOID: [&str; 4] = ["meta", "link", "input", "br"];

/// Whether every element of a page or drawing is closed, in order.
fn check_nesting(what: &str, markup: &str) {
    let mut open = Vec::new();
    for piece in markup.split('<').skip(1) {
        let tag = piece.split('>').next().unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{what}: </{name}>");
        } else if !tag.starts_with(['!', '?']) && !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{what}: {open:?} left open");
}

#[test]
fn reports_have_distinct_names_and_paths_and_the_same_bytes_each_time() {
    let run = fixture();
    let mut paths = Vec::new();
    for report in REPORTS {
        let render = || (report.render)(&Material::new(&run)).unwrap();
        let (once, again) = (render(), render());
        assert!(once == again, "{} differs from time to time", report.name);
        assert!(!once.is_empty() && !report.about.is_empty(), "{}", report.name);
        paths.extend(once.into_iter().map(|artifact| artifact.path));
    }
    let count = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), count, "two reports write one file");
}

#[test]
fn text_is_as_stored() {
    let run = fixture();
    expect_file!["expected/report.md"].assert_eq(&text("md", "report.md", &run));
    for path in ["tables/verdicts.tex", "tables/problems.tex", "tables/preparation.tex", "tables/times.tex"] {
        expect_file![format!("{}/tests/expected/{path}", env!("CARGO_MANIFEST_DIR"))]
            .assert_eq(&text("latex", path, &run));
    }
    expect_file!["expected/tables/summary.csv"].assert_eq(&text("csv", "tables/summary.csv", &run));
    let tidy = text("csv", "tables/tidy.csv", &run);
    let first: String = tidy.split_inclusive('\n').take(40).collect();
    expect_file!["expected/tables/tidy-head.csv"].assert_eq(&first);
}

/// The tables that the page's script makes rows of: each row begins with the row of `cells.csv` that it shows, or 0.
fn packed(page: &str) -> Vec<serde_json::Value> {
    let scripts = page.split("<script type=\"application/json\">").skip(1);
    let tables = scripts.map(|rest| rest.split("</script>").next().unwrap());
    tables.map(|text| serde_json::from_str(text).expect("JSON")).collect()
}

/// The rows of `cells.csv` that can be linked to.
fn cells_shown(page: &str) -> Vec<String> {
    let rows = packed(page).into_iter().flat_map(|table| table["rows"].as_array().cloned().expect("rows"));
    let made = rows.map(|row| format!("cell-{}", row[0])).filter(|id| id != "cell-0");
    let there = page.split(" id=\"cell-").skip(1).map(|rest| format!("cell-{}", rest.split('"').next().unwrap()));
    made.chain(there).collect()
}

#[test]
fn the_page_needs_nothing_else_and_every_link_in_it_leads_somewhere() {
    let page = text("html", "index.html", &fixture());
    let (markup, script) = page.split_once("<script>").unwrap();
    check_nesting("index.html", &format!("{markup}{}", script.split_once("</script>").unwrap().1));
    assert!(
        !page.contains("http-equiv")
            && !page.contains("src=")
            && !markup.replace("http://www.w3.org/2000/svg", "").contains("://")
    );
    let ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for (index, id) in ids.iter().enumerate() {
        assert!(!ids[..index].contains(id), "two elements are called {id}");
    }
    let cells = cells_shown(&page);
    for target in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let is_there = ids.contains(&target) || cells.iter().any(|cell| cell == target);
        assert!(is_there, "nothing is called {target}");
    }
    for table in packed(&page) {
        let words = table["words"].as_array().expect("words").len() as u64;
        let rows = table["rows"].as_array().expect("rows").iter().flat_map(|row| row.as_array().expect("a row"));
        let used: Vec<u64> = rows.filter(|f| f[1].is_null()).filter_map(|field| field[0].as_u64()).collect();
        assert_eq!(used.iter().max().map_or(0, |most| most + 1), words);
    }
}

#[test]
fn every_cell_is_on_the_page_and_what_is_wrong_is_never_ranked() {
    let run = fixture();
    let page = text("html", "index.html", &run);
    let repeats = |cell: &Cell| is_preparation(cell) && cell.status != Status::Ok;
    let shown = cells_shown(&page);
    for number in (1..=run.cells.len()).filter(|number| !repeats(&run.cells[number - 1])) {
        let times = shown.iter().filter(|id| **id == format!("cell-{number}")).count();
        assert_eq!(times, 1, "row {number}");
    }
    assert!(page.contains("class=\"invalid\""));
    assert!(page.contains("differs from `tape` by 2.4e-3"));
    let invalid =
        run.cells.iter().find(|cell| cell.reason.as_deref().is_some_and(|why| why.starts_with("differs"))).unwrap();
    assert_eq!(View::new(&run).to_fastest(invalid), None);
}

#[test]
fn a_reason_is_said_once_with_every_cell_that_it_holds_for() {
    let report = text("md", "report.md", &fixture());
    let (_, problems) = report.split_once("## Refused").unwrap();
    let (problems, _) = problems.split_once("\n## ").unwrap();
    let said: Vec<&str> = problems.lines().filter(|line| line.contains("recursion of unknown depth")).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("value, gradient at 25, 100 (rows 42, 46, 52, 56)"), "{said:?}");
}

#[test]
fn what_is_not_controlled_is_red_and_never_ranked() {
    let mut run = fixture();
    let ranked = |run: &Run| run.cells.iter().position(|cell| View::new(run).to_fastest(cell).is_some());
    let first = ranked(&run).expect("a ranked cell");
    run.cells[first].controlled = Some(false);
    run.cells[first].reason = Some("not controlled: gemm 4 instead of 3".to_owned());
    assert_eq!(View::new(&run).to_fastest(&run.cells[first]), None);
    let page = text("html", "index.html", &run);
    assert!(page.contains("not controlled: gemm 4 instead of 3") && page.contains("class=\"not-controlled\""));
}

#[test]
fn a_restructured_model_has_a_column_of_its_own_and_is_never_ranked() {
    let mut run = fixture();
    let first = run.cells.iter().position(|cell| View::new(&run).to_fastest(cell).is_some()).expect("a ranked cell");
    let mut other = run.cells[first].clone();
    other.key.strategy.push_str(" restructured");
    other.median_ns = other.median_ns.map(|ns| ns / 100.0);
    run.cells.push(other);
    let (before, after) = (fixture(), View::new(&run));
    assert_eq!(after.to_fastest(run.cells.last().expect("just pushed")), None);
    assert_eq!(after.to_fastest(&run.cells[first]), View::new(&before).to_fastest(&before.cells[first]));
    assert!(after.verdicts().iter().flat_map(|v| &v.ranking).all(|ranked| !ranked.strategy.ends_with("restructured")));
    assert!(text("html", "index.html", &run).contains(&run.cells.last().expect("just pushed").key.strategy));
}

/// The fixture with its cells on null kernels too, where each takes a quarter of the time.
fn with_null_kernels() -> Run {
    let mut run = fixture();
    let twins = fixture().cells.into_iter().filter(|cell| !cell.key.function.starts_with("prepare"));
    run.cells.extend(twins.map(|mut cell| {
        cell.key.kernels = "null".to_owned();
        cell.median_ns = cell.median_ns.map(|ns| ns / 4.0);
        cell.allocation_ns = cell.median_ns.map(|ns| ns / 10.0);
        cell.own_ns_per_call = cell.median_ns.zip(cell.kernel_calls).map(|(ns, calls)| ns / calls as f64);
        cell
    }));
    run
}

#[test]
fn null_kernels_show_where_the_time_goes_and_are_never_ranked() {
    let (run, plain) = (with_null_kernels(), fixture());
    let view = View::new(&run);
    assert_eq!(view.verdicts().len(), View::new(&plain).verdicts().len());
    let tables = adjudicate_reports::tables::all(&view);
    let table = tables.iter().find(|table| table.name == "whereabouts").expect("where the time goes");
    let at = |name: &str| table.columns.iter().position(|head| head.text == name).expect("a column of this name");
    for line in &table.rows {
        let number = |name: &str| line.fields[at(name)].sort.expect("a number");
        assert!((number("own share") - 0.25).abs() < 1e-12, "{line:?}");
        assert!((number("time") - number("own") - number("arithmetic")).abs() < 1e-9, "{line:?}");
    }
    assert!(!table.rows.is_empty());
    assert!(adjudicate_reports::tables::all(&View::new(&plain)).iter().all(|table| table.name != "whereabouts"));
}

#[test]
fn figures_are_well_formed_and_name_their_run() {
    let run = with_null_kernels();
    let drawn = draw_all(&View::new(&run)).unwrap();
    for kind in FIGURES {
        assert!(drawn.iter().any(|drawn| drawn.kind.name == kind.name), "the fixture shows no {}", kind.name);
    }
    for figure in &drawn {
        check_nesting(&figure.figure.name, &figure.svg);
        assert!(figure.svg.contains(&run.manifest.run_id) && figure.svg.contains("adjudicate run"));
        assert!(!figure.svg.contains("NaN") && !figure.svg.contains("stroke-width=\"900"), "{}", figure.figure.name);
    }
    for (path, bytes) in render("png", &run) {
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{path}");
    }
}

/// What the figure of passes shows: the label of the horizontal axis of each panel, and how many points are in it.
fn passes_shown(run: &Run) -> Vec<(String, usize)> {
    let drawn = draw_all(&View::new(run)).unwrap();
    let figures = drawn.into_iter().filter(|drawn| drawn.kind.name == "passes").map(|drawn| drawn.figure);
    let panels = figures.flat_map(|figure| match figure.body {
        Body::Panels { panels, .. } => panels,
        Body::Grid(_) => panic!("a grid of passes"),
    });
    panels.map(|panel| (panel.x.label, panel.series.iter().map(|series| series.points.len()).sum())).collect()
}

#[test]
fn passes_are_shown_with_nodes_and_time_and_with_nodes_alone_where_no_time_is_known() {
    let mut run = fixture();
    let shown =
        |panels: &[(&str, usize)]| panels.iter().map(|(label, n)| ((*label).to_owned(), *n)).collect::<Vec<_>>();
    // `parse` and `lower` have a time and no nodes.
    assert_eq!(
        passes_shown(&run),
        shown(&[
            ("nodes after it", NODES[0]),
            ("time", NODES[0] + 4),
            ("nodes after it", NODES[1]),
            ("time", NODES[1] + 2)
        ])
    );
    let slowest = run.stages.iter_mut().max_by(|a, b| a.median_ns.total_cmp(&b.median_ns)).unwrap();
    slowest.median_ns *= 1e3;
    assert!(passes_svg(&run) != passes_svg(&fixture()), "a time changed, and the figure did not");
    // Rows in another order are the same stages.
    let mut reversed = fixture();
    reversed.stages.reverse();
    assert_eq!(passes_svg(&reversed), passes_svg(&fixture()));
    run.stages.clear();
    assert_eq!(passes_shown(&run), shown(&[("nodes after it", NODES[0]), ("nodes after it", NODES[1])]));
}

/// Points of nodes in the fixture: of closure's gradient and value, and of dataflow's gradient.
const NODES: [usize; 2] = [7 + 5, 5];

fn passes_svg(run: &Run) -> Vec<String> {
    let drawn = draw_all(&View::new(run)).unwrap();
    drawn.into_iter().filter(|drawn| drawn.kind.name == "passes").map(|drawn| drawn.svg).collect()
}

#[test]
fn a_page_of_two_thousand_cells_stays_below_five_megabytes() {
    let (small, mut run) = (with_null_kernels(), Run::default());
    run.manifest = small.manifest.clone();
    let mut copies = 0;
    while run.cells.iter().filter(|cell| !is_preparation(cell)).count() < 2000 {
        copies += 1;
        let renamed = |suite: &str| format!("{suite} {copies}");
        run.cells.extend(small.cells.iter().cloned().map(|mut row| {
            row.key.suite = renamed(&row.key.suite);
            row.median_ns = row.median_ns.map(|ns| ns * (1.0 + 0.001 * f64::from(copies)));
            row
        }));
        run.checks.extend(small.checks.iter().cloned().map(|mut row| {
            row.key.suite = renamed(&row.key.suite);
            row
        }));
        run.counts.extend(small.counts.iter().cloned().map(|mut row| {
            Arc::make_mut(&mut row.key).suite = renamed(&row.key.suite);
            row
        }));
    }
    let page = render("html", &run).remove("index.html").expect("the page");
    assert!(page.len() < 5_000_000, "{} bytes for {} cells", page.len(), run.cells.len());
}

/// Reports of odd runs are made without error, and hold no number that is none.
fn check_odd(what: &str, run: &Run) {
    let material = Material::new(run);
    for report in REPORTS {
        for artifact in (report.render)(&material).unwrap_or_else(|error| panic!("{what}: {}: {error}", report.name)) {
            let text = String::from_utf8_lossy(&artifact.bytes);
            let is_text = !artifact.path.ends_with(".png");
            assert!(!is_text || !(text.contains("NaN") || text.contains(">inf<")), "{what}: {}", artifact.path);
        }
    }
}

#[test]
fn odd_runs_have_reports_too() {
    check_odd("an empty run", &Run::default());
    let only = |keep: &dyn Fn(&Cell) -> bool| {
        let mut run = fixture();
        run.cells.retain(|cell| keep(cell));
        run
    };
    check_odd(
        "one cell",
        &only(&|cell| cell.key.size.starts_with("32x") && cell.key.function == "value" && cell.key.strategy == "tape"),
    );
    check_odd("one size", &only(&|cell| cell.key.size == "100"));
    check_odd("nothing finished", &only(&|cell| cell.status != Status::Ok));
    let mut crowded = fixture();
    for (index, cell) in crowded.cells.iter_mut().enumerate() {
        cell.key.size = format!("a long name of size number {}", index % 9);
        cell.work = None;
    }
    check_odd("more names of sizes than fit", &crowded);
    let mut zero = fixture();
    zero.cells.iter_mut().for_each(|cell| (cell.median_ns, cell.peak_live_bytes) = (Some(0.0), Some(0)));
    zero.samples.clear();
    check_odd("times of zero", &zero);
    let mut mixed = fixture();
    mixed.cells.extend(fixture().cells.into_iter().map(|mut cell| {
        cell.key.threads = 2;
        cell
    }));
    check_odd("two thread counts", &mixed);
    let mut hostile = fixture();
    for cell in &mut hostile.cells {
        cell.key.suite = format!("<script>alert(\"{}\")</script> \\ $ & | µ", cell.key.suite);
    }
    check_odd("names that need escaping", &hostile);
    assert!(!text("html", "index.html", &hostile).contains("<script>alert"));
}

#[test]
fn what_does_not_fit_together_is_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    let without = |absent: &'static str| {
        let (_, warnings) =
            Run::read(|name| std::fs::read(folder.join(name)).ok().filter(|_| name != absent)).expect("a manifest");
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(without("stages.csv"), Vec::<String>::new(), "an older run has none");
    assert!(without("samples.csv").contains(&"samples.csv: missing".to_owned()));
    let unchecked = without("checks.csv");
    assert!(unchecked[0] == "checks.csv: missing" && unchecked[1].contains("is called valid, but"), "{unchecked:?}");
}

#[test]
fn a_run_that_broke_off_says_so_first() {
    let mut run = fixture();
    run.manifest.planned_cells = Some(1000);
    let overview = adjudicate_reports::overview::overview(&View::new(&run));
    assert!(overview.headlines[0].starts_with("This run broke off: "), "{:?}", overview.headlines);
    assert!(overview.outcomes.iter().any(|(name, _)| name == "not reached"));
}
