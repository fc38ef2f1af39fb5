//! Queries of local SQLite databases, written in the board file, each a tool. The model fills in
//! parameters; it writes no SQL.

mod perform;
mod section;

use std::{path::PathBuf, sync::Arc, time::Duration};

use everstep_core::{Class, Outcome};
use everstep_tool::{BoxFuture, Context, Tool, ToolCall, ToolSpec, Trust};

use crate::{assemble::BoardSide, parameter, vault::Vault};

pub use section::QuerySection;

/// Milliseconds beyond the query's limit within which the tool itself tells what came of the call.
const MARGIN_MS: u32 = 1_000;

/// A query.
struct Query {
    spec: ToolSpec,
    section: QuerySection,
    database: PathBuf,
    vault: Arc<Vault>,
}

/// The tool of a checked section.
pub(crate) fn tool(name: &str, section: &QuerySection, board: &BoardSide) -> Arc<dyn Tool> {
    let spec = ToolSpec {
        name: name.to_owned(),
        summary: section.summary.clone(),
        arguments: parameter::schema(&section.parameters),
        class: Class::Observe,
        // Whoever fills the database may have written anything.
        trust: Trust::Outside,
        device: Some(format!("sqlite:{}", section.database.display())),
        run_ms_max: section.run_ms_max.saturating_add(MARGIN_MS),
    };
    let database = board.folder.join(&section.database);
    Arc::new(Query { spec, section: section.clone(), database, vault: Arc::clone(&board.vault) })
}

impl Tool for Query {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let values = match parameter::read(&self.section.parameters, &call.arguments) {
                Ok(values) => values,
                Err(why) => return Outcome::NotStarted(why),
            };
            let limit = cx.deadline.min(Duration::from_millis(self.section.run_ms_max.into()));
            let (section, database) = (self.section.clone(), self.database.clone());
            let (vault, cancel) = (Arc::clone(&self.vault), cx.cancel.clone());
            // SQLite blocks, so it has a thread of its own until it ends.
            let working = tokio::task::spawn_blocking(move || {
                perform::perform(&section, &database, &values, limit, &cancel, &vault)
            });
            match working.await {
                Ok(Ok(text)) => Outcome::Done(text),
                Ok(Err(why)) => Outcome::NotStarted(why),
                Err(_) => Outcome::NotStarted("the query failed".into()),
            }
        })
    }
}

#[cfg(test)]
mod tests;
