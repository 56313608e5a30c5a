//! `adjudicate report`: renders the files of a run again.

use std::fs;
use std::path::{Path, PathBuf};

use adjudicate_reports::twins::Twins;
use adjudicate_reports::{Material, REPORTS, Report as Renderer, Run};
use clap::Args;

use super::output::Output;
use crate::exit::{Exit, Failure};
use crate::measure::plan::unknown;
use crate::runs::folder::write_file;

/// Render the report of a run folder again
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  adjudicate report runs/trial --format html,csv")]
pub struct Report {
    /// The run folder, or the id of a run under `runs`
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Formats, separated by commas; all if not given
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    format: Vec<String>,
}

impl Report {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let folder = find(&self.run)?;
        for page in render(&folder, &self.format, output)?.files {
            output.result(&page.display().to_string())?;
        }
        Ok(Exit::Ok)
    }
}

/// What came of rendering.
pub struct Rendered {
    /// The files written.
    pub files: Vec<PathBuf>,
    /// What the run says of its own noise.
    pub twins: Option<Twins>,
}

/// Renders reports of the given formats, all if there are none, into a run folder.
pub fn render(folder: &Path, formats: &[String], output: &mut Output) -> Result<Rendered, Failure> {
    let renderers = renderers(formats)?;
    let run = read(folder, output)?;
    let material = Material::new(&run);
    let mut files = Vec::new();
    for renderer in renderers {
        let artifacts = (renderer.render)(&material)
            .map_err(|e| Failure::internal(format!("the {} report: {e}", renderer.name)))?;
        for artifact in artifacts {
            let path = folder.join(&artifact.path);
            write_file(&path, &artifact.bytes)?;
            files.push(path);
        }
    }
    Ok(Rendered { files, twins: Twins::of(&material.view) })
}

/// The folder of a run that is named by its path, or by its id under `runs`.
pub fn find(run: &Path) -> Result<PathBuf, Failure> {
    let under_runs = Path::new("runs").join(run);
    let folder = if run.is_dir() || !under_runs.is_dir() { run.to_owned() } else { under_runs };
    if folder.is_dir() {
        Ok(folder)
    } else {
        Err(Failure::usage(format!("there is no run folder {}", folder.display())))
    }
}

/// Reads a run; what is odd about it is said.
pub fn read(run: &Path, output: &mut Output) -> Result<Run, Failure> {
    let folder = find(run)?;
    let read = Run::read(|file| fs::read(folder.join(file)).ok());
    let (run, warnings) = read.map_err(|e| Failure::usage(format!("{}: {e}", folder.display())))?;
    for warning in warnings {
        output.remark(&format!("warning: {warning}"));
    }
    Ok(run)
}

fn renderers(formats: &[String]) -> Result<Vec<&'static Renderer>, Failure> {
    if formats.is_empty() {
        return Ok(REPORTS.iter().collect());
    }
    let named = formats.iter().map(|format| {
        REPORTS.iter().find(|r| r.name == format).ok_or_else(|| {
            let names: Vec<&str> = REPORTS.iter().map(|r| r.name).collect();
            unknown("format", format, &names)
        })
    });
    named.collect()
}
