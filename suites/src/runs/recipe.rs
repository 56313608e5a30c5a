//! What a run was made from: enough to make its plan again, kept in the manifest.

use adjudicate_reports::rows::Manifest;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};
use crate::measure::group::Depth;
use crate::measure::{Plan, Selection, Settings};

/// Which cells, how, how far, and which part of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recipe {
    /// Which cells.
    pub selection: Selection,
    /// How.
    pub settings: Settings,
    /// How far.
    pub depth: Depth,
    /// Which part.
    #[serde(default)]
    pub shard: Option<Shard>,
}

/// One of several equal parts of the groups of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which part, from 1.
    pub index: usize,
    /// How many parts there are.
    pub of: usize,
}

impl Shard {
    /// Reads `2/5`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, of)) if 1 <= index && index <= of => Ok(Shard { index, of }),
            _ => Err("not a part of a whole such as 2/5".to_owned()),
        }
    }
}

impl Recipe {
    /// The plan. One without cells is an error.
    pub fn plan(&self) -> Result<Plan, Failure> {
        let mut plan = Plan::new(&self.selection, self.settings.clone())?;
        if let Some(Shard { index, of }) = self.shard {
            let groups = std::mem::take(&mut plan.groups).into_iter().enumerate();
            plan.groups = groups.filter(|(i, _)| i % of == index - 1).map(|(_, group)| group).collect();
        }
        if plan.groups.is_empty() {
            return Err(Failure::usage("no cell matches all of the selection; `adjudicate list` shows what there is"));
        }
        Ok(plan)
    }

    /// The recipe in a manifest.
    pub fn of(manifest: &Manifest) -> Result<Self, Failure> {
        serde_json::from_value(manifest.plan.clone()).map_err(|e| Failure {
            exit: Exit::Incomparable,
            message: format!("the manifest of run {} does not say how to go on: {e}", manifest.run_id),
        })
    }

    /// As it is kept in a manifest.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("names and numbers can be written")
    }
}
