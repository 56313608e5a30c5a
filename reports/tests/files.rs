//! What is written reads back equal, and nothing that is read makes a reader panic.

use adjudicate_reports::Run;
use adjudicate_reports::columns::{Holds, Row};
use adjudicate_reports::criterion::{read_key, read_samples};
use adjudicate_reports::files::{
    ReadError, header, line, read_manifest, read_matrix, read_rows, write_manifest, write_rows,
};
use adjudicate_reports::history::{Entry, History};
use adjudicate_reports::rows::{
    Cell, Check, Claim, Count, Key, Manifest, SCHEMA_VERSION, Sample, StageTime, Status, Valid,
};
use proptest::prelude::*;

const KEY: &str = "suite,size,function,strategy,kernels,threads";

/// The message with which `cells.csv` of these bytes is refused.
fn refusal(bytes: &[u8]) -> String {
    read_rows::<Cell>(bytes, "cells.csv").map_or_else(|error| error.to_string(), |rows| format!("accepted: {rows:?}"))
}

#[test]
fn errors_name_file_line_column_and_what_is_wrong() {
    let cells = |rows: &str| refusal(format!("{KEY},status,valid,median_ns\n{rows}").as_bytes());
    let cases = [
        (refusal(b""), "cells.csv:1: empty, where a line of column names should be"),
        (refusal(b"suite,size\n"), "cells.csv:1: column function: missing"),
        (refusal(b"suite,suite\n"), "cells.csv:1: column suite: named twice"),
        (cells("m,1,value,tape,embedded,1,ok\n"), "cells.csv:2: 7 fields under 9 columns"),
        (
            cells("m,1,value,tape,embedded,one,ok,true,\n"),
            "cells.csv:2: column threads: `one` is not a whole number below 2^32",
        ),
        (
            cells("m,1,value,tape,embedded,1,ok,yes,\n"),
            "cells.csv:2: column valid: `yes` is none of true, false, unchecked",
        ),
        (
            cells("m,1,value,tape,embedded,1,ok,true,inf\n"),
            "cells.csv:2: column median_ns: `inf` is not finite; leave it empty instead",
        ),
        (cells("m,1,,tape,embedded,1,ok,true,1\n"), "cells.csv:2: column function: it is empty"),
        (
            cells("\"a\nb\",1,v,t,e,1,ok,true,1\nm,1,v,t,e,1,ok,true,x\n"),
            "cells.csv:4: column median_ns: `x` is not a number",
        ),
        (
            cells("m,1,v,t,e,1,ok,true,1\r\nm,1,v,t,e,1,ok,true,2\r\nm,1,v,t,e,1,ok,true,x\r\n"),
            "cells.csv:4: column median_ns: `x` is not a number",
        ),
        (
            cells("\"m\",1,v,t,e,1,ok,true,1\n\r\n\nm,1,v,t,e,1,ok,true,x\n"),
            "cells.csv:5: column median_ns: `x` is not a number",
        ),
        (
            refusal(b"suite,size,function,strategy,kernels,threads,status,valid\n\xff,1,v,t,e,1,ok,true\n"),
            "cells.csv:2: column suite: not UTF-8",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_row_that_is_there_twice_is_refused_with_both_lines() {
    let fixture = |name: &str| std::fs::read_to_string(format!("{}/tests/fixture/{name}", env!("CARGO_MANIFEST_DIR")));
    for (file, row) in [("cells.csv", 4), ("stages.csv", 3)] {
        let doubled = |name: &str| {
            let text = fixture(name).ok()?;
            let again = text.lines().nth(row - 1).filter(|_| name == file).map(|line| format!("{line}\n"));
            Some((text.clone() + &again.unwrap_or_default()).into_bytes())
        };
        let lines = fixture(file).unwrap().lines().count();
        for read in [Run::read(doubled), Run::read_to_compare(doubled)] {
            // Comparing does not look at stages.
            let Err(error) = read else { panic!("{file} was read") };
            assert_eq!((&*error.file, error.line), (file, lines as u64 + 1), "{error}");
            assert!(error.wrong.ends_with(&format!("is there twice; it was in line {row}")), "{error}");
            if file == "stages.csv" {
                break;
            }
        }
    }
}

#[test]
fn a_time_of_a_stage_is_there_finite_and_not_below_zero() {
    let read = |row: &str| {
        let text =
            format!("{KEY},place,stage,preparations,median_ns\nm,1,value,dataflow,embedded,1,0,parse,5,7.0\n{row}");
        let read = read_rows::<StageTime>(text.as_bytes(), "stages.csv");
        read.map_or_else(|error| error.to_string(), |(rows, warnings)| format!("{} {warnings:?}", rows.len()))
    };
    let cases = [
        ("m,1,value,dataflow,embedded,1,1,fuse,5,0.0\n", "2 []"),
        ("m,1,value,dataflow,embedded,1,1,fuse,5,-3\n", "stages.csv:3: column median_ns: `-3` is a time below zero"),
        (
            "m,1,value,dataflow,embedded,1,1,fuse,5,NaN\n",
            "stages.csv:3: column median_ns: `NaN` is not finite; leave it empty instead",
        ),
        ("m,1,value,dataflow,embedded,1,1,fuse,5,\n", "stages.csv:3: column median_ns: it is empty"),
        (
            "m,1,value,dataflow,embedded,1,-1,fuse,5,3\n",
            "stages.csv:3: column place: `-1` is not a whole number below 2^32",
        ),
        ("m,1,value,dataflow,embedded,1,1,fuse\n", "stages.csv:3: 8 fields under 10 columns"),
    ];
    for (row, expected) in cases {
        assert_eq!(read(row), expected);
    }
    assert!(read("m,1,value,data").contains("breaks off in this line"));
}

#[test]
fn json_errors_have_a_position() {
    let error: ReadError =
        read_manifest(b"{\n  \"schema_version\": 1,\n  \"run_id\": 7\n}", "manifest.json").unwrap_err();
    assert_eq!((error.line, error.column.as_str()), (3, "13"), "{error}");
    let newer = Manifest { schema_version: SCHEMA_VERSION + 1, ..Manifest::default() };
    let error = read_manifest(write_manifest(&newer).as_bytes(), "manifest.json").unwrap_err();
    assert_eq!(
        error.to_string(),
        "manifest.json:1: column schema_version: schema version 2, but this program reads 1 to 1"
    );
}

#[test]
fn an_interrupted_file_keeps_the_rows_before_the_break() {
    let text = write_rows(&[cell("a"), cell("b \"quoted\",\n two lines"), cell("c")]);
    let whole = read_rows::<Cell>(text.as_bytes(), "cells.csv").unwrap();
    assert_eq!((whole.0.len(), whole.1.len()), (3, 0));
    let start = header::<Cell>().len();
    for cut in start + 1..text.len() {
        let (rows, warnings) = read_rows::<Cell>(&text.as_bytes()[..cut], "cells.csv").unwrap();
        assert!(whole.0.starts_with(&rows), "cut at byte {cut}");
        let clean = write_rows(&rows).len() == cut;
        assert_eq!(warnings.is_empty(), clean, "cut at byte {cut}: {warnings:?}");
    }
}

#[test]
fn columns_nobody_knows_are_passed_over_and_optional_ones_may_be_absent() {
    let text = format!("colour,{KEY},status,valid\r\nred,m,1,value,tape,embedded,1,ok,true\r\n");
    let (rows, warnings) = read_rows::<Cell>(text.as_bytes(), "cells.csv").unwrap();
    assert!(warnings.is_empty());
    assert_eq!((rows[0].key.strategy.as_str(), rows[0].median_ns), ("tape", None));
}

#[test]
fn what_is_not_finite_is_written_as_missing() {
    let row =
        Check { key: key("m"), reference: "finite".into(), largest_relative_error: Some(f64::NAN), ..Check::default() };
    let text = write_rows(&[row]);
    assert!(!text.contains("NaN"), "{text}");
    assert_eq!(read_rows::<Check>(text.as_bytes(), "checks.csv").unwrap().0[0].largest_relative_error, None);
}

fn key(suite: &str) -> Key {
    let text = str::to_owned;
    Key {
        suite: text(suite),
        size: text("1"),
        function: text("value"),
        strategy: text("tape"),
        kernels: text("embedded"),
        threads: 1,
    }
}

fn cell(suite: &str) -> Cell {
    Cell { key: key(suite), status: Status::Ok, valid: Valid::True, median_ns: Some(1.5), ..Cell::default() }
}

prop_compose! {
    fn any_key()(text in prop::array::uniform5(".{1,12}"), threads in any::<u32>()) -> Key {
        let [suite, size, function, strategy, kernels] = text;
        Key { suite, size, function, strategy, kernels, threads }
    }
}

prop_compose! {
    fn any_cell()(
        key in any_key(),
        status in prop::sample::select(Status::ALL),
        valid in prop::sample::select(Valid::ALL),
        reason in prop::option::of("(.|\n|\r|\"){1,20}"),
        median_ns in prop::option::of(prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL),
        flops in any::<Option<u64>>(),
    ) -> Cell {
        Cell { key, status, valid, reason, median_ns, flops, ..Cell::default() }
    }
}

proptest! {
    #[test]
    fn cells_read_back_equal(cells in prop::collection::vec(any_cell(), 0..6)) {
        let (rows, warnings) = read_rows::<Cell>(write_rows(&cells).as_bytes(), "cells.csv").unwrap();
        prop_assert_eq!(rows, cells);
        prop_assert!(warnings.is_empty());
    }

    #[test]
    fn rows_written_one_by_one_are_the_table(cells in prop::collection::vec(any_cell(), 0..4)) {
        let by_row: String = cells.iter().map(line).collect();
        prop_assert_eq!(header::<Cell>() + &by_row, write_rows(&cells));
    }

    #[test]
    fn mangled_tables_never_panic(
        cells in prop::collection::vec(any_cell(), 0..4),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..12),
    ) {
        let mut bytes = write_rows(&cells).into_bytes();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len().max(1));
            match edit {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), byte),
                _ => if let Some(target) = bytes.get_mut(at) { *target = byte },
            }
        }
        read_everything(&bytes);
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_everything(&bytes);
    }
}

/// Every reader over the same bytes: an error is fine, a panic is not.
fn read_everything(bytes: &[u8]) {
    for Kind { read, .. } in kinds() {
        if let Err(error) = read(bytes) {
            assert!(error.line >= 1 && !error.wrong.is_empty(), "{error}");
        }
    }
}

/// A kind of file: a good one, and its reader.
struct Kind {
    name: &'static str,
    good: Vec<u8>,
    read: fn(&[u8]) -> Result<(), ReadError>,
}

fn kinds() -> Vec<Kind> {
    let fixture = |name: &str| std::fs::read(format!("{}/tests/fixture/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (run, _) = Run::read(|name| Some(fixture(name))).unwrap();
    let history = format!("{}{}", Entry::of(&run).line(), Entry { run_id: "other".into(), ..Entry::of(&run) }.line());
    let table = |name: &'static str, read| Kind { name, good: fixture(name), read };
    let json = |name: &'static str, good: &str, read| Kind { name, good: good.as_bytes().to_vec(), read };
    let names = r#"{"group_id":"mlp/gradient","function_id":"tape","value_str":"1"}"#;
    vec![
        table("cells.csv", |bytes| read_rows::<Cell>(bytes, "f").map(drop)),
        table("samples.csv", |bytes| read_rows::<Sample>(bytes, "f").map(drop)),
        table("checks.csv", |bytes| read_rows::<Check>(bytes, "f").map(drop)),
        table("counts.csv", |bytes| read_rows::<Count>(bytes, "f").map(drop)),
        table("stages.csv", |bytes| read_rows::<StageTime>(bytes, "f").map(drop)),
        table("claims.csv", |bytes| read_rows::<Claim>(bytes, "f").map(drop)),
        table("manifest.json", |bytes| read_manifest(bytes, "f").map(drop)),
        table("matrix.json", |bytes| read_matrix(bytes, "f").map(drop)),
        json("history.jsonl", &history, |bytes| History::read(bytes, "f").map(drop)),
        json("benchmark.json", names, |bytes| read_key(bytes, "f", "embedded").map(drop)),
        json("sample.json", r#"{"iters":[1.0,2.0],"times":[3.0,4.0]}"#, |bytes| {
            read_samples(bytes, "f", &Key::default()).map(drop)
        }),
    ]
}

/// The names of the columns of a table that hold numbers, flags or words.
fn typed_columns(name: &str) -> Vec<&'static str> {
    fn typed<R: Row>() -> Vec<&'static str> {
        R::columns().iter().filter(|column| column.holds != Holds::Text).map(|column| column.name).collect()
    }
    match name {
        "cells.csv" => typed::<Cell>(),
        "samples.csv" => typed::<Sample>(),
        "checks.csv" => typed::<Check>(),
        "counts.csv" => typed::<Count>(),
        "stages.csv" => typed::<StageTime>(),
        "claims.csv" => typed::<Claim>(),
        _ => Vec::new(),
    }
}

#[test]
fn good_files_are_read() {
    for Kind { name, good, read } in kinds() {
        assert_eq!(read(&good), Ok(()), "{name}");
    }
}

#[test]
fn a_file_of_another_kind_is_refused_with_its_place() {
    for Kind { name, read, .. } in kinds() {
        for foreign in kinds().into_iter().filter(|other| other.name != name) {
            // A table whose required columns another has, and an object whose fields another has, cannot be told from it.
            if let Err(error) = read(&foreign.good) {
                assert!(
                    error.file == "f" && error.line >= 1 && !error.column.is_empty(),
                    "{name} from {}: {error}",
                    foreign.name
                );
            } else {
                let told = name.ends_with(".csv") != foreign.name.ends_with(".csv");
                assert!(!told, "{} was read as {name}", foreign.name);
            }
        }
    }
}

#[test]
fn every_cut_of_every_file_is_read_or_refused() {
    for Kind { good, read, .. } in kinds() {
        for cut in (0..good.len()).step_by(7) {
            if let Err(error) = read(&good[..cut]) {
                assert!(error.line >= 1 && error.file == "f" && !error.wrong.is_empty(), "{error}");
            }
        }
    }
}

proptest! {
    #[test]
    fn mangled_files_of_every_kind_never_panic(
        kind in 0..11_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..8),
    ) {
        let Kind { name, mut good, read } = kinds().swap_remove(kind);
        for (at, byte, edit) in edits {
            let at = at.index(good.len().max(1));
            match edit {
                0 => good.truncate(at),
                1 => good.insert(at.min(good.len()), byte),
                2 => drop(good.drain(at.min(good.len())..good.len().min(at + usize::from(byte)))),
                _ => if let Some(target) = good.get_mut(at) { *target = byte },
            }
        }
        let lines = good.iter().filter(|byte| **byte == b'\n').count() as u64;
        if let Err(error) = read(&good) {
            prop_assert!((1..=lines + 1).contains(&error.line) && !error.wrong.is_empty(), "{name}: {error}");
        }
        let fixture = |file: &str| std::fs::read(format!("{}/tests/fixture/{file}", env!("CARGO_MANIFEST_DIR"))).ok();
        let mangled = |file: &str| if file == name { Some(good.clone()) } else { fixture(file) };
        if let Err(error) = Run::read(mangled) {
            prop_assert_eq!(error.file, name);
        }
    }

    #[test]
    fn what_no_column_can_hold_is_refused_with_its_line_and_column(
        kind in 0..6_usize,
        line in any::<prop::sample::Index>(),
        column in any::<prop::sample::Index>(),
        bad in prop::sample::select(&["NaN", "inf", "-inf", "1e999", "maybe", "1;2", "\u{661}"][..]),
    ) {
        let Kind { name, good, read } = kinds().swap_remove(kind);
        let columns = typed_columns(name);
        let wanted = columns[column.index(columns.len())];
        let mut records: Vec<csv::StringRecord> =
            csv::ReaderBuilder::new().has_headers(false).from_reader(&good[..]).records().map(Result::unwrap).collect();
        // A column that the fixture does not have yet cannot be wrong in it.
        let Some(place) = records[0].iter().position(|name| name == wanted) else { return Ok(()) };
        let line = 1 + line.index(records.len() - 1);
        records[line] = records[line].iter().enumerate().map(|(at, text)| if at == place { bad } else { text }).collect();
        let written = |records: &[csv::StringRecord]| {
            let mut writer = csv::Writer::from_writer(Vec::new());
            records.iter().for_each(|record| writer.write_record(record).unwrap());
            writer.into_inner().unwrap()
        };
        let error = read(&written(&records)).unwrap_err();
        let lines_before = written(&records[..line]).iter().filter(|byte| **byte == b'\n').count() as u64;
        prop_assert_eq!((error.line, error.column.as_str()), (lines_before + 1, wanted), "{}", error.wrong);
    }
}

/// A table without quotes is read by another way than one with them; both must say the same of it.
#[test]
fn a_table_reads_the_same_with_and_without_quotes() {
    let head = "suite,size,function,strategy,kernels,threads,metric,value\n";
    let read = |text: &str| read_rows::<Count>(text.as_bytes(), "f");
    for rows in [
        "a,1,v,t,e,1,flops,3\n\na,1,v,t,e,1,gemm,4\n",
        "a,1,v,t,e,1,flops,3\nb,1,v,t,e,1,flo",
        "a,1,v,t,e,1,flops,3\nb,1,v,t,e,1,flops\n",
        "a,1,v,t,e,1,flops,3\nb,1,v,t,e,x,flops,3\n",
        "a,1,v,t,e,,flops,3\n",
        "\n\n",
        "",
    ] {
        let plain = format!("{head}{rows}");
        assert_eq!(read(&plain), read(&plain.replacen("suite", "\"suite\"", 1)), "{rows:?}");
    }
    assert_eq!(read(&format!("\n{head}")).unwrap(), (vec![], vec![]));
}
