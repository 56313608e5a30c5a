//! The noise floor of a machine, as `calibrate` finds it and manifests keep it.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::machine::machine;

/// Where the noise floor is kept for later runs.
pub const NOISE: &str = "runs/noise.json";

/// What is kept of a calibration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Noise {
    /// The 95th percentile over cells of the relative difference between two measurements.
    pub noise_floor: f64,
    /// The median of the same.
    pub typical: f64,
    /// How many cells.
    pub cells: usize,
    /// The machine's CPU: on another the floor says nothing.
    pub cpu: String,
    /// The profile.
    pub profile: String,
}

/// The noise floor that was found on this machine, if any was.
pub fn known_floor(file: &Path) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let noise: Noise = serde_json::from_str(&text).ok()?;
    (noise.cpu == machine().cpu && noise.noise_floor.is_finite()).then_some(noise.noise_floor)
}
