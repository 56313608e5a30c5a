//! What is written reads back equal, and nothing that is read makes a reader panic.

use adjudicate_reports::files::{
    ReadError, header, line, read_manifest, read_matrix, read_rows, write_manifest, write_rows,
};
use adjudicate_reports::rows::{Cell, Check, Count, Key, Manifest, SCHEMA_VERSION, Sample, Status, Valid};
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
            refusal(b"suite,size,function,strategy,kernels,threads,status,valid\n\xff,1,v,t,e,1,ok,true\n"),
            "cells.csv:2: column suite: not UTF-8",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
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
    let outcomes = [
        read_rows::<Cell>(bytes, "f").map(drop),
        read_rows::<Sample>(bytes, "f").map(drop),
        read_rows::<Check>(bytes, "f").map(drop),
        read_rows::<Count>(bytes, "f").map(drop),
        read_manifest(bytes, "f").map(drop),
        read_matrix(bytes, "f").map(drop),
    ];
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert!(error.line >= 1 && !error.wrong.is_empty(), "{error}");
    }
}
