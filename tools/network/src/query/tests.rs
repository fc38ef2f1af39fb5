//! What a query may do, and what of its rows is shown.

use everstep_core::CallId;
use everstep_tool::Cancel;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::*;
use crate::rehearsal::{TestClock, vault};

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("log.db")).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE readings (time TEXT, celsius REAL, note TEXT, raw BLOB);
                 INSERT INTO readings VALUES ('08:00', 4.5, 'ok', x'0102'), ('09:00', 5, 'see tok-1234567890', NULL),
                     ('10:00', 6.25, 'line\nbreak', NULL);
                 CREATE VIEW warm AS SELECT time FROM readings WHERE celsius > 5;",
            )
            .unwrap();
        Self { folder }
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("log.db")).unwrap()
    }

    fn board(&self) -> BoardSide {
        BoardSide {
            vault: vault(&[("api", "tok-1234567890")]),
            clock: TestClock::at(None),
            trusted_s: None,
            folder: self.folder.path().to_owned(),
            bind_child: |_| {},
        }
    }

    async fn ask(&self, keys: &str, arguments: Value) -> Result<String, String> {
        let section: QuerySection =
            toml::from_str(&format!("summary = \"Read it.\"\ndatabase = \"log.db\"\n{keys}")).unwrap();
        section.check().map_err(|(key, message)| format!("{key}: {message}"))?;
        let tool = tool("read_log", &section, &self.board());
        let call = ToolCall { id: CallId(1), arguments, baseline: None, idempotency_key: None };
        let cx = Context { attempt: 1, deadline: Duration::from_secs(20), cancel: Cancel::default() };
        match tool.run(&call, &cx).await {
            Outcome::Done(text) => Ok(text),
            Outcome::NotStarted(why) => Err(why),
            Outcome::MayHaveRun(why) => panic!("a read is never unknown: {why}"),
        }
    }

    async fn sql(&self, sql: &str) -> Result<String, String> {
        self.ask(&format!("sql = '''{sql}'''"), json!({})).await
    }
}

#[tokio::test]
async fn rows_are_shown_with_their_names_and_without_secrets() {
    let bench = Bench::new();
    let all = bench.sql("SELECT time, celsius, note, raw FROM readings").await.unwrap();
    assert_eq!(
        all,
        "time | celsius | note | raw\n08:00 | 4.5 | ok | (2 bytes)\n09:00 | 5 | see [secret api] | null\n\
         10:00 | 6.25 | line break | null"
    );
    assert_eq!(bench.sql("SELECT * FROM warm").await.unwrap(), "time\n10:00");
    assert_eq!(bench.sql("SELECT time FROM readings WHERE 0").await.unwrap(), "time\n(no rows)");
}

#[tokio::test]
async fn parameters_are_bound_and_never_read_as_sql() {
    let bench = Bench::new();
    let keys = r#"
sql = "SELECT time FROM readings WHERE note = :note OR celsius > :above ORDER BY time"
parameters = [{ name = "note", kind = "text" }, { name = "above", kind = "number", optional = true }]
"#;
    assert_eq!(bench.ask(keys, json!({"note": "ok"})).await.unwrap(), "time\n08:00");
    assert_eq!(bench.ask(keys, json!({"note": "ok", "above": 6})).await.unwrap(), "time\n08:00\n10:00");
    let hostile = json!({"note": "x' OR 1=1; DROP TABLE readings; --"});
    assert_eq!(bench.ask(keys, hostile).await.unwrap(), "time\n(no rows)");
    let nameless = bench.sql("SELECT time FROM readings WHERE note = ?").await.unwrap_err();
    assert!(nameless.contains("without a name: write `:name`"), "{nameless}");
}

#[tokio::test]
async fn nothing_but_reading_is_possible() {
    let bench = Bench::new();
    let before = bench.bytes();
    for sql in [
        "INSERT INTO readings VALUES (1, 2, 3, 4)",
        "INSERT INTO readings VALUES (1, 2, 3, 4) RETURNING time",
        "DELETE FROM readings",
        "UPDATE readings SET note = 'x'",
        "DROP TABLE readings",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "PRAGMA query_only = 0",
        "PRAGMA table_info(readings)",
        "SELECT * FROM pragma_table_info('readings')",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE readings",
        "BEGIN",
        "EXPLAIN DELETE FROM readings",
        "-- nothing",
    ] {
        let told = bench.sql(sql).await.unwrap_err();
        assert!(!told.is_empty() && !told.contains('\n'), "{sql}: {told}");
    }
    assert_eq!(bench.bytes(), before);
    let names: Vec<_> =
        std::fs::read_dir(bench.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["log.db"]);
}

#[tokio::test]
async fn rows_bytes_and_time_have_limits() {
    let bench = Bench::new();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) SELECT i FROM n";
    let text = bench.ask(&format!("rows_max = 2\nsql = \"{many}\""), json!({})).await.unwrap();
    assert_eq!(text, "i\n1\n2\n(more rows are left out)");
    let text =
        bench.ask(&format!("rows_max = 200\nbytes_max = 8\nsql = \"{many}\""), json!({})).await.unwrap();
    assert_eq!(text, "i\n1\n2\n3\n(more rows are left out)");
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let told = bench.ask(&format!("run_ms_max = 50\nsql = \"{endless}\""), json!({})).await.unwrap_err();
    assert_eq!(told, "the query did not end within 50 ms (`run_ms_max`)");
    let large = bench.sql("SELECT hex(zeroblob(1000000000))").await.unwrap_err();
    assert!(large.contains("too big"), "{large}");
    let long = bench.sql("SELECT printf('%.*c', 1000, 'x') AS long").await.unwrap();
    assert_eq!(long, format!("long\n{}...", "x".repeat(256)));
}

#[tokio::test]
async fn a_missing_broken_or_locked_database_is_named() {
    let bench = Bench::new();
    let missing = bench.ask("sql = \"SELECT 1\"\nrows_max = 1", json!({})).await;
    assert_eq!(missing.unwrap(), "1\n1");
    let lock = Connection::open(bench.folder.path().join("log.db")).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked =
        bench.ask("run_ms_max = 50\nsql = \"SELECT time FROM readings\"", json!({})).await.unwrap_err();
    assert_eq!(locked, "the database is locked by whoever writes it: try again later");
    drop(lock);
    std::fs::write(bench.folder.path().join("log.db"), [7; 4096]).unwrap();
    assert!(bench.sql("SELECT * FROM readings").await.unwrap_err().starts_with("the database is broken"));
    std::fs::remove_file(bench.folder.path().join("log.db")).unwrap();
    assert!(bench.sql("SELECT 1").await.unwrap_err().ends_with("log.db isn't there"));
}

#[tokio::test]
async fn sections_that_mean_nothing_are_refused() {
    let bench = Bench::new();
    for (keys, told) in [
        ("sql = \"\"", "sql: a query has"),
        ("sql = \"SELECT 1\"\nrows_max = 0", "rows_max: must be from 1 to 200, not 0"),
        ("sql = \"SELECT 1\"\nbytes_max = 9999", "bytes_max: must be from 1 to 2048, not 9999"),
        ("sql = \"SELECT 1\"\nparameters = [{ name = \"n\", kind = \"text\" }]", "sql: it has no `:n`"),
        (
            "sql = \"SELECT :n\"\nparameters = [{ name = \"n\", kind = \"text\", in = \"path\" }]",
            "a query has no `in`",
        ),
    ] {
        let error = bench.ask(keys, json!({})).await.unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}
