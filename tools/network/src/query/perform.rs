//! Performs one query on a connection of its own that can do nothing but read.

use std::{path::Path, time::Duration};

use everstep_tool::Cancel;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, Row, Statement,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
    types::{Value, ValueRef},
};
use tokio::time::Instant;

use super::section::{QuerySection, SQL_BYTES_MAX};
use crate::{
    parameter::{Given, Values, value_of},
    vault::Vault,
};

/// Bytes of one value, of a row, and of what a function makes.
const VALUE_BYTES_MAX: i32 = 256 * 1024;
/// Bytes of one value that the model reads.
const CELL_BYTES_MAX: usize = 256;
/// Bytes of memory that all of SQLite may take.
const HEAP_BYTES_MAX: u32 = 32 * 1024 * 1024;
/// Steps of SQLite between two looks at the time.
const STEPS: i32 = 1_000;
/// Functions that reach beyond the database.
const OUTSIDE: &[&str] =
    &["load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "sqlar_uncompress"];

/// The rows as text, names of the columns first.
pub(super) fn perform(
    section: &QuerySection,
    database: &Path,
    values: &Values,
    limit: Duration,
    cancel: &Cancel,
    vault: &Vault,
) -> Result<String, String> {
    if !database.is_file() {
        return Err(format!("the database {} isn't there", database.display()));
    }
    let told = |error: rusqlite::Error| told(&error, limit);
    let mut connection = open(database, limit, cancel).map_err(told)?;
    connection.authorizer(Some(authorize)).map_err(told)?;
    let mut statement = single(&connection, &section.sql).map_err(|error| match error {
        Ok(error) => told(error),
        Err(why) => why,
    })?;
    bind(&mut statement, values)?;
    rows(&mut statement, section, vault).map_err(told)
}

/// A connection that reads. What it may not do is refused several times over: by the way the file is
/// opened, by `query_only`, and by the authorizer.
fn open(database: &Path, limit: Duration, cancel: &Cancel) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(limit / 2)?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        // A misspelled column is an error, not a text.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, i32::try_from(SQL_BYTES_MAX).unwrap_or(i32::MAX)),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 20),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    ] {
        connection.set_limit(limit, most)?;
    }
    connection.execute_batch(&format!(
        "PRAGMA query_only = 1; PRAGMA temp_store = 2; PRAGMA hard_heap_limit = {HEAP_BYTES_MAX};"
    ))?;
    let (until, cancel) = (Instant::now() + limit, cancel.clone());
    connection.progress_handler(STEPS, Some(move || cancel.is_asked() || Instant::now() >= until))?;
    Ok(connection)
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name }
            if !OUTSIDE.contains(&function_name.to_ascii_lowercase().as_str()) =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

/// The only statement of `sql`. What is wrong is SQLite's error, or ours.
fn single<'a>(
    connection: &'a Connection,
    sql: &str,
) -> Result<Statement<'a>, Result<rusqlite::Error, String>> {
    let statement = connection.prepare(sql).map_err(|error| match error {
        rusqlite::Error::MultipleStatement => Err("`sql` must be one statement".to_owned()),
        other => Ok(other),
    })?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(Err("`sql` must be a statement that reads".into()));
    }
    Ok(statement)
}

fn bind(statement: &mut Statement<'_>, values: &Values) -> Result<(), String> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or_default().to_owned();
        let plain = name.strip_prefix(':').unwrap_or_default();
        let value = match value_of(values, plain) {
            Some(Given::Integer(number)) => Value::Integer(*number),
            Some(Given::Number(number)) => Value::Real(*number),
            Some(Given::Text(text)) => Value::Text(text.clone()),
            // An optional parameter that was left out.
            None if !plain.is_empty() => Value::Null,
            None => return Err(format!("`sql` has a parameter without a name: write `:name`, not `{name}`")),
        };
        statement.raw_bind_parameter(index, value).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn rows(statement: &mut Statement<'_>, section: &QuerySection, vault: &Vault) -> rusqlite::Result<String> {
    let columns = statement.column_count();
    let mut text = statement.column_names().collect::<Vec<_>>().join(" | ");
    let bytes_max = usize::try_from(section.bytes_max).unwrap_or(usize::MAX);
    let (mut shown, mut rows) = (0, statement.raw_query());
    while let Some(row) = rows.next()? {
        let line = line(row, columns, vault)?;
        if shown == section.rows_max || text.len() + 1 + line.len() > bytes_max {
            text.push_str("\n(more rows are left out)");
            return Ok(text);
        }
        text.push('\n');
        text.push_str(&line);
        shown += 1;
    }
    if shown == 0 {
        text.push_str("\n(no rows)");
    }
    Ok(text)
}

fn line(row: &Row<'_>, columns: usize, vault: &Vault) -> rusqlite::Result<String> {
    let cells = (0..columns).map(|index| Ok(cell(row.get_ref(index)?, vault)));
    Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join(" | "))
}

/// A value as text, without secrets, and cut only behind that.
fn cell(value: ValueRef<'_>, vault: &Vault) -> String {
    match value {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Blob(bytes) => format!("({} bytes)", bytes.len()),
        ValueRef::Text(bytes) => {
            let text = vault.mask(&String::from_utf8_lossy(bytes));
            let mut line: String =
                text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
            if line.len() > CELL_BYTES_MAX {
                let mut end = CELL_BYTES_MAX;
                while !line.is_char_boundary(end) {
                    end -= 1;
                }
                line.truncate(end);
                line.push_str("...");
            }
            line
        }
    }
}

fn told(error: &rusqlite::Error, limit: Duration) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            format!("the query did not end within {} ms (`run_ms_max`)", limit.as_millis())
        }
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            format!("`sql` wants more than to read the database: {error}")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "the database is locked by whoever writes it: try again later".into()
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            format!("the database is broken: {error}")
        }
        Some(ErrorCode::OutOfMemory) => format!("the query needs more than {HEAP_BYTES_MAX} bytes of memory"),
        _ => format!("the query failed: {error}"),
    }
}
