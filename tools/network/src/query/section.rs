//! `[network.query.NAME]`

use std::path::PathBuf;

use everstep_core::RESULT_BYTES_LIMIT;
use serde::{Deserialize, Serialize};

use crate::{
    parameter::{self, ParameterSection},
    section::{Wrong, check_range},
};

/// Bytes of a query.
pub(super) const SQL_BYTES_MAX: usize = 4_096;
const ROWS_LIMIT: u32 = 200;
const RUN_MS_LIMIT: u32 = 60_000;

/// One query, with the tool `NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySection {
    /// One sentence for the model.
    pub summary: String,
    /// The database file; relative to the board file. It is opened for reading alone.
    pub database: PathBuf,
    /// One statement that reads, with `:name` where a parameter stands.
    pub sql: String,
    /// What the model fills in, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterSection>,
    /// Rows that the model reads.
    #[serde(default = "rows_max")]
    pub rows_max: u32,
    /// Bytes that the model reads.
    #[serde(default = "bytes_max")]
    pub bytes_max: u32,
    /// Milliseconds that the query may take.
    #[serde(default = "run_ms_max")]
    pub run_ms_max: u32,
}

const fn rows_max() -> u32 {
    20
}

const fn bytes_max() -> u32 {
    1_000
}

const fn run_ms_max() -> u32 {
    2_000
}

impl QuerySection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let wrong = |key: &str, message: String| Err((key.to_owned(), message));
        parameter::check(&self.parameters)?;
        if self.sql.trim().is_empty() || self.sql.len() > SQL_BYTES_MAX {
            return wrong("sql", format!("a query has 1 to {SQL_BYTES_MAX} bytes"));
        }
        if self.database.file_name().is_none() {
            return wrong("database", "must name a file".into());
        }
        for parameter in &self.parameters {
            let name = &parameter.name;
            if parameter.place.is_some() {
                return wrong("parameters", format!("`{name}`: a query has no `in`"));
            }
            if !self.sql.contains(&format!(":{name}")) {
                return wrong("sql", format!("it has no `:{name}`"));
            }
        }
        check_range("rows_max", self.rows_max, 1..=ROWS_LIMIT)?;
        check_range("bytes_max", self.bytes_max, 1..=RESULT_BYTES_LIMIT)?;
        check_range("run_ms_max", self.run_ms_max, 1..=RUN_MS_LIMIT)
    }
}
