//! The machine a run is made on, as far as it tells.
//!
//! Read from the files that Linux keeps; elsewhere the fields stay empty.

use std::collections::BTreeMap;
use std::fs;

use adjudicate_reports::rows::Machine;

/// Instruction sets that change how fast kernels are.
const FLAGS: &[&str] = &["sse4_2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "asimd", "sve"];

/// The prefixes of environment variables that change numerics or threads.
const VARIABLES: &[&str] = &[
    "OMP_",
    "OPENBLAS_",
    "GOTO_",
    "MKL_",
    "BLIS_",
    "RAYON_",
    "MALLOC_",
    "GLIBC_TUNABLES",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "KMP_",
    "LD_PRELOAD",
];

/// This machine, now.
pub fn machine() -> Machine {
    let cpuinfo = read("/proc/cpuinfo");
    let field = |names: &[&str]| {
        let line = cpuinfo.lines().find(|l| names.iter().any(|n| l.starts_with(n)));
        line.and_then(|l| l.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let flags = field(&["flags", "Features"]);
    let has = |flag: &&&str| flags.split_whitespace().any(|f| f == **flag);
    Machine {
        cpu: field(&["model name", "CPU part"]),
        cores: std::thread::available_parallelism().map_or(0, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        caches: caches(),
        flags: FLAGS.iter().filter(has).map(ToString::to_string).collect(),
        kernel: kernel(),
        load: read("/proc/loadavg").split_whitespace().next().and_then(|l| l.parse().ok()),
    }
}

/// The environment variables that change numerics or threads.
pub fn environment() -> BTreeMap<String, String> {
    let matters = |name: &str| VARIABLES.iter().any(|prefix| name.starts_with(prefix));
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    variables.filter(|(name, _)| matters(name)).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn kernel() -> String {
    let release = read("/proc/sys/kernel/osrelease");
    format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned()
}

/// Bytes of the first core's caches: `L1d`, `L1i`, `L2`, `L3`.
fn caches() -> BTreeMap<String, u64> {
    let mut caches = BTreeMap::new();
    for index in 0..8 {
        let file = |name: &str| {
            let text = read(&format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}"));
            text.trim().to_owned()
        };
        let kind = match file("type").as_str() {
            "Data" => "d",
            "Instruction" => "i",
            "Unified" => "",
            _ => continue,
        };
        if let Some(bytes) = bytes(&file("size")) {
            caches.insert(format!("L{}{kind}", file("level")), bytes);
        }
    }
    caches
}

/// `32K` is 32768.
fn bytes(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        'K' => 1 << 10,
        'M' => 1 << 20,
        'G' => 1 << 30,
        _ => return text.parse().ok(),
    };
    text[..text.len() - 1].parse::<u64>().ok().map(|n| n * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_caches_are_read() {
        assert_eq!(bytes("32K"), Some(32768));
        assert_eq!(bytes("1M"), Some(1 << 20));
        assert_eq!(bytes("7"), Some(7));
        assert_eq!(bytes(""), None);
        assert_eq!(bytes("K"), None);
    }
}
