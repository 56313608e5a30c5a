//! The report in a real browser, headless: figures and tables are there, sorting and searching work, no script fails.
//!
//! Needs Chromium. Where there is none the page is not opened, which is a failure if `ADJUDICATE_BROWSER=required`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the page is asked to do to itself; what came of it is left in attributes of its body.
const EXERCISE: &str = r#"<script>
const count = (what) => document.querySelectorAll(what).length;
document.querySelectorAll("details").forEach((part) => { part.open = true; });
document.querySelectorAll("th button").forEach((button) => { button.click(); button.click(); });
const search = document.querySelector("input[type=search]");
search.value = "no row has this";
search.dispatchEvent(new Event("input"));
const shown = search.parentElement.querySelectorAll("tbody tr:not([hidden])").length;
const broad = Array.from(document.querySelectorAll("section")).filter((part) => part.scrollWidth > innerWidth + 1);
document.body.dataset.figures = count("figure svg");
document.body.dataset.tables = count("tbody tr") > 0 ? count("table") : 0;
document.body.dataset.sorted = count("th[aria-sort=descending]");
document.body.dataset.shown = shown;
document.body.dataset.empty = Array.from(document.querySelectorAll("table")).filter((table) => !table.tBodies[0].rows.length).length;
document.body.dataset.broad = broad.map((part) => part.id || part.className).join(" ");
</script>
</body>"#;

fn browser() -> Option<&'static str> {
    let starts = |name: &&str| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(starts)
}

/// The page after its scripts ran, and what the browser complained of.
fn opened(browser: &str, page: &Path, width: u32) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let fixed = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                 --disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=10000 --dump-dom";
    let output = Command::new(browser)
        .args(fixed.split_whitespace())
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},900"))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    let [page, complaints] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (page, complaints)
}

fn left(page: &str, name: &str) -> String {
    let start = page.find(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("the page did not say {name}"));
    page[start..].split('"').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn the_report_works_in_a_browser() {
    let Some(browser) = browser() else {
        assert!(std::env::var("ADJUDICATE_BROWSER").as_deref() != Ok("required"), "there is no browser");
        return;
    };
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("run");
    let cells = ["--suite", "cube", "--size", "{scalar,1}", "--profile", "quick", "--rounds", "3"];
    let mut run = Command::new(env!("CARGO_BIN_EXE_adjudicate"));
    run.arg("-q").arg("run").args(cells).arg("--out").arg(&folder);
    assert!(run.output().expect("the program starts").status.success());
    let text = fs::read_to_string(folder.join("index.html")).unwrap();
    let page = folder.join("exercised.html");
    fs::write(&page, text.replace("</body>", EXERCISE)).unwrap();
    for width in [1400, 500] {
        let (dom, complaints) = opened(browser, &page, width);
        assert!(!complaints.contains("Uncaught") && !complaints.contains("CONSOLE:ERROR"), "{complaints}");
        let number = |name: &str| left(&dom, name).parse::<u32>().unwrap();
        assert!(number("figures") >= 8, "{} figures", number("figures"));
        assert!(number("tables") >= 6 && number("sorted") == number("tables"), "{} tables", number("tables"));
        assert_eq!(number("empty"), 0, "tables without rows");
        assert_eq!(number("shown"), 0, "searching hides nothing");
        assert_eq!(left(&dom, "broad"), "", "wider than a window of {width} pixels");
    }
}
