//! Arguments and results as JSON: what reads as what, and that nothing makes the reader panic.

use adjudicate_suites::json::{arguments, datum, to_text};
use proptest::prelude::*;

/// Reads a value and shows it, or the error.
fn check(text: &str, expected: &str) {
    let found = match datum(text) {
        Ok(datum) => format!("{datum:?}").split_whitespace().collect::<Vec<_>>().join(" "),
        Err(error) => format!("error {error}"),
    };
    let found = found.split(", shape=").next().unwrap_or_default();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn numbers_are_ints_or_floats_by_how_they_are_written() {
    check("3", "I64(3)");
    check("3.0", "F64(3.0)");
    check("3e0", "F64(3.0)");
    check("-0.0", "F64(-0.0)");
    check("\"NaN\"", "F64(NaN)");
    check("\"-Infinity\"", "F64(-inf)");
}

#[test]
fn lists_are_arrays_of_one_element_type() {
    check("[1, 2]", "Ints([1, 2]");
    check("[1, 2.5]", "Array([1.0, 2.5]");
    check("[1, \"Infinity\"]", "Array([1.0, inf]");
    check("[[true], [false]]", "Bools([[true], [false]]");
    check("[]", "Array([]");
}

#[test]
fn objects_are_tuples_and_records() {
    check("{\"tuple\": [1, true]}", "Tuple([I64(1), Bool(true)])");
    check("{\"tuple\": []}", "Tuple([])");
    check("{\"b\": 1, \"a\": null}", "Record(RecordType { name: \"dict\", fields: [\"b\", \"a\"] }, [I64(1), None])");
    check("\"text\"", "Str(\"text\")");
}

#[test]
fn errors_name_the_place() {
    check("[1, 2", "error not JSON: EOF while parsing a list at line 1 column 5");
    check("[1,\n x]", "error not JSON: expected value at line 2 column 2");
    check("[[1, 2], [3]]", "error at $[1]: the rows of an array are equally long: 1 where the first has 2");
    check("[1, [2]]", "error at $[1]: a list stands where the first row has a number");
    check("[[1], 2]", "error at $[1]: a number stands where the first row has a list");
    check("[1, true]", "error at $: an array holds numbers or booleans, not both");
    check(
        "{\"w\": [1, {}]}",
        "error at $.w[1]: the items of a list are numbers; write {\"tuple\": […]} for a list of other things",
    );
    check(
        "{\"a\\\"9\": [1,\n 9223372036854775808]}",
        "error at line 2 column 2: 9223372036854775808 does not fit a 64-bit integer; \
         write 9223372036854775808.0 for a float",
    );
    check(
        "[-99999999999999999999]",
        "error at line 1 column 2: -99999999999999999999 does not fit a 64-bit integer; \
         write -99999999999999999999.0 for a float",
    );
    check(
        "{\"w\": 1.0,\n \"v\": {\"w\": [2.0], \"x\": \"w\"}, \"\\u0077\": 2.0}",
        "error at line 2 column 31: the key \"\\u0077\" occurs twice",
    );
    check(
        "{\"w\": {\"tuple\": 1}}",
        "error at $.w: {\"tuple\": […]} is a tuple of the items of a list; this has a number",
    );
    check("99999999999999999999.0", "F64(1e20)");
    check("-9223372036854775808", "I64(-9223372036854775808)");
    check("\"Inf\"", "error at $: \"Inf\" is not a float; write \"Infinity\"");
    check("[1.0, \"-inf\"]", "error at $[1]: \"-inf\" is not a float; write \"-Infinity\"");
}

#[test]
fn arguments_are_a_list() {
    assert_eq!(arguments("[3.0, [1, 2]]").unwrap().len(), 2);
    let error = arguments("3.0").unwrap_err().to_string();
    assert!(error.contains("the arguments are a list"), "{error}");
    let error = arguments("[1, [[1], []]]").unwrap_err().to_string();
    assert!(error.starts_with("at $[1][1]: "), "{error}");
}

#[test]
fn numbers_keep_their_bits() {
    for text in ["0.1", "1e-320", "1.7976931348623157e308", "-0.0", "3.0", "123456789.12345679"] {
        let written = to_text(&datum(text).unwrap());
        assert_eq!(written.parse::<f64>().unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
        assert!(written.contains(['.', 'e']), "{written} would read as an int");
    }
}

/// JSON values that stand for something.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|i| i.to_string()),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(|x| format!("{x:?}")),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("\"NaN\"".to_owned()),
        "[a-z]{0,3}".prop_map(|s| format!("\"{s}\"")),
        prop::collection::vec(any::<i32>(), 0..4).prop_map(|v| format!("{v:?}")),
        prop::collection::vec(prop::collection::vec(-1e9..1e9_f64, 3), 1..4).prop_map(|v| format!("{v:?}")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("{{\"tuple\": [{}]}}", v.join(", "))),
            prop::collection::vec(inner, 1..4).prop_map(|v| {
                let fields = v.iter().enumerate().map(|(i, item)| format!("\"f{i}\": {item}"));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text in json()) {
        let first = to_text(&datum(&text).unwrap());
        let again = to_text(&datum(&first).unwrap());
        prop_assert_eq!(first, again);
    }

    #[test]
    fn mangled_text_never_panics(text in json(), cut in any::<prop::sample::Index>(), junk in "[\\[\\]{}:,\"0-9.eE+-]{0,3}") {
        let mut at = cut.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let _ = datum(&format!("{}{junk}{}", &text[..at], &text[at..]));
        let _ = arguments(&format!("{}{junk}", &text[..at]));
        let _ = datum(&text[at..]);
    }
}
