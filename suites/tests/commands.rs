//! What the command line prints, as a person sees it: `TRYCMD=overwrite cargo test -p adjudicate-suites commands`
//! stores it anew.

#[test]
fn transcripts_are_as_stored() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
