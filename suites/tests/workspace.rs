//! The workspace's own order.

use std::fs;
use std::path::Path;

#[test]
fn no_file_of_tests_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let mut files = 0;
    for package in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(tests) = fs::read_dir(package.join("tests")) else { continue };
        let named = read(&package.join("tests/all.rs")) + &read(&package.join("Cargo.toml"));
        for file in tests.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "rs"))
        {
            let name = file.file_stem().unwrap().to_str().unwrap();
            let here = named.contains(&format!("mod {name};\n")) || named.contains(&format!("tests/{name}.rs"));
            assert!(here, "{} is in no test binary", file.display());
            files += 1;
        }
    }
    assert!(files > 50, "{files} files of tests were found");
}
