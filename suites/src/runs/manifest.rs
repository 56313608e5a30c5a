//! The manifest: where a run came from.

use std::path::Path;
use std::time::SystemTime;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_kernels::gemm;
use adjudicate_reports::rows::{Kernels, Manifest, SCHEMA_VERSION, Toolchain};
use adjudicate_strategies::STRATEGIES;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::machine::{environment, machine};
use super::noise::{NOISE, known_noise};
use super::recipe::Recipe;
use crate::digest::digest;
use crate::exit::Failure;
use crate::json;
use crate::measure::Plan;

/// The manifest of a run that begins now.
pub fn manifest(recipe: &Recipe, plan: &Plan, command: String, started: SystemTime) -> Result<Manifest, Failure> {
    let settings = &plan.settings;
    let inputs = plan.groups.iter().map(|g| {
        let arguments = g.suite.arguments(Ask::Hvp, g.size, settings.seed);
        (format!("{} {}", g.suite.name, g.size.name), inputs_digest(&arguments))
    });
    let mut manifest = bare(settings.profile.name(), command, started);
    manifest.seed = settings.seed;
    manifest.profile = settings.profile.name().to_owned();
    manifest.kernels.threads = u32::try_from(settings.threads).unwrap_or(u32::MAX);
    manifest.models = plan.groups.iter().map(|g| (g.suite.file.to_owned(), digest([g.suite.source]))).collect();
    manifest.inputs = inputs.collect();
    if let Some(noise) = known_noise(Path::new(NOISE))? {
        noise.enter(&mut manifest);
    }
    manifest.planned_cells = Some(plan.cells() as u64);
    manifest.plan = recipe.to_json();
    Ok(manifest)
}

/// What a manifest says of this machine and program alone; `label` ends the name of the run.
pub fn bare(label: &str, command: String, started: SystemTime) -> Manifest {
    let moment = OffsetDateTime::from(started);
    Manifest {
        schema_version: SCHEMA_VERSION,
        run_id: named(moment, label),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("ADJUDICATE_COMMIT").to_owned(),
        command,
        started: moment.format(&Rfc3339).unwrap_or_default(),
        machine: machine(),
        toolchain: Toolchain {
            rustc: env!("ADJUDICATE_RUSTC").to_owned(),
            target_cpu: env!("ADJUDICATE_TARGET_CPU").to_owned(),
            features: features(),
        },
        kernels: Kernels { backend: gemm::backend_name().to_owned(), version: gemm::backend_version(), threads: 1 },
        environment: environment(),
        oracles: STRATEGIES.iter().filter(|s| s.is_oracle()).map(|s| s.name().to_owned()).collect(),
        ..Manifest::default()
    }
}

fn features() -> Vec<String> {
    if cfg!(feature = "openblas") { vec!["openblas".to_owned()] } else { Vec::new() }
}

/// `20260102-030405-quick`: the moment in UTC and the profile.
pub fn run_id(plan: &Plan, started: SystemTime) -> String {
    named(OffsetDateTime::from(started), plan.settings.profile.name())
}

fn named(moment: OffsetDateTime, profile: &str) -> String {
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}{:02}{:02}-{:02}{:02}{:02}-{profile}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
    )
}

/// The hash of inputs through their text as JSON, which tells every float apart.
fn inputs_digest(arguments: &[Datum]) -> String {
    let texts: Vec<String> = arguments.iter().map(json::to_text).collect();
    digest(texts.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_its_moment_and_profile() {
        assert_eq!(named(OffsetDateTime::UNIX_EPOCH, "quick"), "19700101-000000-quick");
    }
}
