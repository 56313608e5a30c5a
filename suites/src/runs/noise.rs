//! The noise floor of a machine, as `calibrate` finds it and manifests keep it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use adjudicate_reports::compare::Differences;
use adjudicate_reports::rows::Manifest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::machine::machine;
use crate::exit::Failure;

/// Where the noise floor is kept for later runs.
pub const NOISE: &str = "runs/noise.json";

/// What is kept of a calibration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// The 95th percentile over cells of the relative difference between two measurements, both corrected by
    /// hand-written code; of all cells where nothing was corrected.
    pub noise_floor: f64,
    /// The median of the same.
    pub typical: f64,
    /// How many cells.
    pub cells: usize,
    /// The floor of cells that are not corrected, if there are others.
    #[serde(default)]
    pub uncorrected_floor: Option<f64>,
    /// The median of the same.
    #[serde(default)]
    pub uncorrected_typical: Option<f64>,
    /// The machine's CPU: on another the floor says nothing.
    pub cpu: String,
    /// The profile.
    pub profile: String,
    /// The suites that were measured, in order; empty if nobody kept that.
    #[serde(default)]
    pub suites: Vec<String>,
}

impl Noise {
    /// The noise of these differences, which it sorts; `None` if there are none.
    pub fn of(mut differences: Differences, profile: &str, suites: Vec<String>) -> Option<Self> {
        let (corrected, uncorrected) = (level(&mut differences.corrected), level(&mut differences.uncorrected));
        let (noise_floor, typical, cells) = corrected.or(uncorrected)?;
        let others = corrected.and(uncorrected);
        Some(Self {
            noise_floor,
            typical,
            cells,
            uncorrected_floor: others.map(|(floor, ..)| floor),
            uncorrected_typical: others.map(|(_, typical, _)| typical),
            cpu: machine().cpu,
            profile: profile.to_owned(),
            suites,
        })
    }

    /// Has a manifest keep it.
    pub fn enter(self, manifest: &mut Manifest) {
        (manifest.noise_floor, manifest.typical_noise) = (Some(self.noise_floor), Some(self.typical));
        manifest.uncorrected_noise_floor = self.uncorrected_floor;
        manifest.uncorrected_typical_noise = self.uncorrected_typical;
        manifest.noise_suites = self.suites;
    }
}

/// The 95th percentile, the median, and of how many.
fn level(differences: &mut [f64]) -> Option<(f64, f64, usize)> {
    differences.sort_by(f64::total_cmp);
    let last = differences.len().checked_sub(1)?;
    let at = |share: f64| differences[((differences.len() as f64 * share) as usize).min(last)];
    Some((at(0.95), at(0.5), differences.len()))
}

/// What to say of suites of a run that its noise floor was not measured on, if there are any and that is known.
pub fn outside(manifest: &Manifest, suites: &[&str]) -> Option<String> {
    let measured = &manifest.noise_suites;
    let others: Vec<&str> =
        suites.iter().copied().filter(|suite| !measured.iter().any(|known| known == suite)).collect();
    (!measured.is_empty() && !others.is_empty()).then(|| {
        format!(
            "the noise floor of {} was measured on {} alone and says nothing of {}: calibrate on all suites",
            manifest.run_id,
            measured.join(", "),
            others.join(", ")
        )
    })
}

/// The noise that was found on this machine, if any was.
pub fn known_noise(file: &Path) -> Result<Option<Noise>, Failure> {
    let text = match fs::read_to_string(file) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|e| Failure::usage(format!("cannot read {}: {e}", file.display())))?,
    };
    let wrong = |place: String, what: String| {
        Failure::usage(format!("{}:{place}: {what}; calibrate again, or remove it", file.display()))
    };
    let noise: Noise = serde_json::from_str(&text)
        .map_err(|e| wrong(format!("{}: column {}", e.line().max(1), e.column()), e.to_string()))?;
    let levels = [
        ("noise_floor", Some(noise.noise_floor)),
        ("typical", Some(noise.typical)),
        ("uncorrected_floor", noise.uncorrected_floor),
        ("uncorrected_typical", noise.uncorrected_typical),
    ];
    for (column, level) in levels.into_iter().filter_map(|(column, level)| Some((column, level?))) {
        if level < 0.0 {
            return Err(wrong(format!("1: column {column}"), format!("{level} is no relative difference")));
        }
    }
    Ok(Some(noise).filter(|noise| noise.cpu == machine().cpu))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_that_the_noise_was_not_measured_on_are_named() {
        let of = |suites: &[&str]| Manifest {
            run_id: "nightly".into(),
            noise_suites: suites.iter().map(ToString::to_string).collect(),
            ..Manifest::default()
        };
        let said = outside(&of(&["cube", "mlp"]), &["cube", "rnn", "tree"]).expect("two suites are outside");
        assert!(said.contains("of nightly was measured on cube, mlp alone and says nothing of rnn, tree"), "{said}");
        assert_eq!(outside(&of(&["cube", "mlp"]), &["mlp"]), None);
        assert_eq!(outside(&of(&[]), &["mlp"]), None, "nobody kept it");
    }

    #[test]
    fn times_that_are_not_corrected_have_a_level_of_their_own() {
        let of = |corrected: &[f64], uncorrected: &[f64]| {
            let differences = Differences { corrected: corrected.to_vec(), uncorrected: uncorrected.to_vec() };
            let noise = Noise::of(differences, "quick", Vec::new())?;
            Some((noise.noise_floor, noise.typical, noise.cells, noise.uncorrected_floor, noise.uncorrected_typical))
        };
        assert_eq!(of(&[0.03, 0.01, 0.02], &[0.5, 0.4]), Some((0.03, 0.02, 3, Some(0.5), Some(0.5))));
        assert_eq!(of(&[], &[0.5, 0.4, 0.3]), Some((0.5, 0.4, 3, None, None)));
        assert_eq!(of(&[], &[]), None);
    }

    #[test]
    fn a_broken_noise_floor_is_said_and_one_of_another_machine_is_none() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("noise.json");
        assert!(known_noise(&file).unwrap().is_none());
        let noise = Noise {
            noise_floor: 0.02,
            typical: 0.01,
            cells: 7,
            uncorrected_floor: None,
            uncorrected_typical: None,
            cpu: machine().cpu,
            profile: "quick".into(),
            suites: vec!["cube".into()],
        };
        let text = serde_json::to_string(&noise).unwrap();
        let older = text.replace(r#","uncorrected_floor":null,"uncorrected_typical":null"#, "");
        let older = older.replace(r#","suites":["cube"]"#, "");
        assert!(!older.contains("uncorrected") && text.contains("uncorrected"), "{older}");
        let read = |text: &str| {
            fs::write(&file, text).unwrap();
            known_noise(&file)
        };
        assert_eq!(read(&text).unwrap().map(|noise| noise.noise_floor), Some(0.02));
        assert_eq!(read(&text).unwrap().map(|noise| noise.suites), Some(vec!["cube".to_owned()]));
        assert_eq!(read(&older).unwrap().map(|noise| noise.suites), Some(Vec::new()));
        assert!(read(&text.replace(&machine().cpu, "another")).unwrap().is_none());
        for broken in [&text[..20], "", "{}", &text.replace("0.02", "-0.02"), &text.replace("0.02", "NaN")] {
            let failure = read(broken).unwrap_err();
            assert!(
                failure.exit == crate::exit::Exit::Usage && failure.message.contains("noise.json:1: column"),
                "{failure}"
            );
        }
    }
}
