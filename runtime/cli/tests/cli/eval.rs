//! `everstep eval`: what it prints, and what it refuses.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::bench::{Bench, Told};

/// A good line; `CHANGE` is a place for one more key.
const FAN: &str = r#"{"id": "ID", "request": "set the fan to 30 percent"CHANGE, "tools": [{"type": "function", "function": {"name": "set_fan", "parameters": {"type": "object", "properties": {"percent": {"type": "integer"}}, "additionalProperties": false}}}]"#;

/// Wants the fan at 30.
fn wants_fan(id: &str) -> String {
    good(id, "") + r#", "expect": [{"name": "set_fan", "arguments": {"percent": [30]}}]}"# + "\n"
}

fn good(id: &str, change: &str) -> String {
    FAN.replace("ID", id).replace("CHANGE", change)
}

fn wren() -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/wren/wren.gguf");
    std::env::var("EVERSTEP_WREN").unwrap_or_else(|_| place.display().to_string())
}

/// A script is asked anew for each case: what it says goes by the request.
const SCRIPT: &str = r#"
[[reply]]
call = "set_fan"
arguments = '{"percent": 30.0}'
"#;

impl Bench {
    fn eval(&self, cases: &str, arguments: &[&str]) -> Told {
        self.write("cases.jsonl", cases);
        let file = self.path("cases.jsonl");
        self.everstep(&[&["eval", file.to_str().unwrap()], arguments].concat())
    }
}

fn objects(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn table_has_a_row_for_each_file_and_kind() {
    let bench = Bench::new(SCRIPT);
    let none = good("c", r#", "kind": "none""#) + ", \"expect_none\": true}\n";
    let set = wants_fan("a").replacen("\"request\"", "\"kind\": \"set\", \"request\"", 1);
    let other = set.replace("[30]", "[40, null]").replace("\"a\"", "\"b\"");
    let out = bench.eval(&(set + &other + &none), &[]).done();
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0].join(" "), "cases valid % tool % exact % acts % abstain % prompt/s reply/s");
    assert_eq!(rows[1][..7], ["cases.jsonl", "3", "100.0", "100.0", "50.0", "100.0", "0.0"]);
    assert_eq!(rows[2][..7], ["set", "2", "100.0", "100.0", "50.0", "100.0", "-"]);
    assert_eq!(rows[3][..7], ["none", "1", "100.0", "-", "-", "-", "0.0"]);
    assert_eq!(rows.len(), 4, "{out}");
}

#[test]
fn failures_name_what_was_wanted_and_what_came() {
    let bench = Bench::new(SCRIPT);
    let wrong = wants_fan("b").replace("[30]", "[\"30\", null]");
    let none = good("c", "") + ", \"expect_none\": true}\n";
    let out = bench.eval(&(wants_fan("a") + &wrong + &none), &["--failures"]).done();
    let lines: Vec<&str> = out.lines().collect();
    let expected = r#"cases.jsonl b: wanted set_fan {"percent":["30",null]}; got set_fan {"percent":30.0}"#;
    assert_eq!(lines[0], expected);
    assert_eq!(lines[1], r#"cases.jsonl c: wanted no call; got set_fan {"percent":30.0}"#);
    assert_eq!(lines.len(), 4, "and the table: {out}");
}

#[test]
fn json_has_each_case_then_every_row() {
    let bench = Bench::new(SCRIPT);
    let wrong = wants_fan("b").replace("[30]", "[31]");
    let found = objects(&bench.eval(&(wants_fan("a") + &wrong), &["--json"]).done());
    let [one, two, summary] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&one["event"], &one["id"], &one["exact"]), (&json!("case"), &json!("a"), &json!(true)));
    assert_eq!((&two["right_tool"], &two["exact"]), (&json!(true), &json!(false)));
    assert_eq!(two["wanted"], json!([{"name": "set_fan", "arguments": {"percent": [31]}}]));
    assert_eq!(two["calls"][0]["arguments"], json!({"percent": 30.0}));
    assert_eq!(summary["all"]["exact"], json!({"part": 1, "whole": 2, "percent": 50.0}));
    assert_eq!((&summary["event"], &summary["constraint"]), (&json!("summary"), &json!(true)));
}

#[test]
fn suite_reads_every_file_and_limit_cuts_each() {
    let bench = Bench::new(SCRIPT);
    std::fs::create_dir(bench.path("suite")).unwrap();
    for name in ["suite/b.jsonl", "suite/a.jsonl"] {
        bench.write(name, &(wants_fan("a") + &wants_fan("b") + &wants_fan("c")));
    }
    bench.write("suite/notes.txt", "not a case");
    let suite = bench.path("suite");
    let out = bench.everstep(&["eval", "--suite", suite.to_str().unwrap(), "--limit", "2"]).done();
    let rows: Vec<Vec<&str>> = out.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let counts: Vec<&str> = rows.iter().flat_map(|row| [row[0], row[1]]).collect();
    assert_eq!(counts, ["a.jsonl", "2", "b.jsonl", "2", "all", "4"]);
}

#[test]
fn files_that_can_t_be_read_are_named() {
    let bench = Bench::new(SCRIPT);
    let missing = bench.path("none.jsonl");
    bench.everstep(&["eval", missing.to_str().unwrap()]).refuses(2, &["none.jsonl", "No such file"]);
    bench.eval("\n\n", &[]).refuses(2, &["cases.jsonl has no case"]);
    std::fs::create_dir(bench.path("suite")).unwrap();
    let suite = bench.path("suite");
    let suite = suite.to_str().unwrap();
    bench
        .everstep(&["eval", "--suite", suite])
        .refuses(2, &["suite has no file *.jsonl of cases or *.json of schemas"]);
    bench.everstep(&["eval", "--suite", "/nowhere"]).refuses(2, &["/nowhere", "No such file"]);
    for arguments in
        [&["eval"][..], &["eval", "a.jsonl", "--suite", suite], &["eval", "a.jsonl", "--limit", "0"]]
    {
        assert_eq!(bench.everstep(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn line_that_is_no_case_is_named_and_nothing_is_played() {
    let bench = Bench::new("[[reply]]\nfail = \"was asked\"\n");
    let rest = ", \"expect_none\": true}";
    for (line, parts) in [
        ("{\"id\": \"b\"".to_owned(), &["cases.jsonl:2: it is not JSON, column"][..]),
        (good("b", ", \"requst\": 1") + rest, &["cases.jsonl:2: it is no case", "unknown field `requst`"]),
        (good("b", "") + "}", &["cases.jsonl:2", "either `expect`", "`expect_none`: true"]),
        (good("b", ", \"messages\": []") + rest, &["cases.jsonl:2", "either `request` or `messages`"]),
        (wants_fan("b").replace("[30]", "30"), &["cases.jsonl:2", "expect[0].arguments.percent", "[value]"]),
        (wants_fan("b").replace("[{\"name\": \"set_fan\"", "[{\"name\": \"fan\""), &["`fan`", "its tools"]),
        (wants_fan("a"), &["cases.jsonl:2", "\"a\" is there twice"]),
    ] {
        bench.eval(&(wants_fan("a") + &line), &[]).refuses(2, parts);
    }
}

#[test]
fn board_is_needed_only_for_what_no_flag_says() {
    let bench = Bench::new(SCRIPT);
    bench.write("cases.jsonl", &wants_fan("a"));
    std::fs::create_dir(bench.path("empty")).unwrap();
    let everstep = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_everstep"));
        command.arg("eval").arg(bench.path("cases.jsonl")).args(arguments).env_remove("EVERSTEP_BOARD");
        Told::from(command.current_dir(bench.path("empty")).output().unwrap())
    };
    everstep(&["--model", "scripted:../script.toml"]).done();
    everstep(&[]).refuses(2, &["agent.toml"]);
    everstep(&["--model", "scripted:../script.toml", "--board", "none.toml"]).refuses(2, &["none.toml"]);
    everstep(&["--model", "none.gguf"]).refuses(2, &["none.gguf", "No such file"]);
    // Several agents are no question: none is run.
    bench.change_board("262_144", "131_072");
    bench.change_board(
        "[agent.clerk]",
        "[agent.other]\nsystem = \"x\"\ngrants = []\nregion = 1\n[agent.clerk]\nregion = 0",
    );
    bench.eval(&wants_fan("a"), &[]).done();
    assert!(!bench.path("state").exists());
}

#[test]
fn case_that_can_t_be_played_is_counted_and_told() {
    let bench = Bench::new(&format!("context_tokens_max = 400\n{SCRIPT}"));
    let long = wants_fan("long").replace("set the fan", &"set ".repeat(100));
    let invalid = wants_fan("odd").replace("\"integer\"", "\"whole\"");
    let told = bench.eval(&(long + &wants_fan("a") + &invalid), &[]);
    assert!(told.err.contains("cases.jsonl long: too long: prompt and reply need"), "{told:?}");
    assert!(told.err.contains("cases.jsonl odd: refused: tool `set_fan`"), "{told:?}");
    let out = told.done();
    assert!(out.contains("too long for the context: 1\n") && out.contains("can't be enforced: 1\n"), "{out}");
    let row: Vec<&str> = out.lines().nth(1).unwrap().split_whitespace().collect();
    // Valid counts what was played; the others count as wrong.
    assert_eq!(row[1..5], ["3", "100.0", "33.3", "33.3"]);
}

#[test]
fn failed_generation_is_counted_and_the_rest_goes_on() {
    let bench = Bench::new("[[reply]]\nwhen = \"fan\"\nfail = \"no memory\"\n[[reply]]\nsay = \"no\"\n");
    let none = good("b", "").replace("set the fan", "sing") + ", \"expect_none\": true}\n";
    let out = bench.eval(&(wants_fan("a") + &none), &["--failures"]).done();
    assert!(out.contains("got failed: no memory"), "{out}");
    let row: Vec<&str> = out.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(row[..7], ["cases.jsonl", "2", "50.0", "0.0", "0.0", "0.0", "100.0"]);
}

#[test]
fn bundled_model_is_measured_on_the_cold_room() {
    let bench = Bench::new(SCRIPT);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../board/coldroom/cases.jsonl");
    let odd = bench.path("odd.jsonl");
    let schema = r#""parameters": {"type": "object", "properties": {"x": {"not": {}}}}"#;
    let tool = format!(r#"{{"type": "function", "function": {{"name": "odd", {schema}}}}}"#);
    let line = format!(r#"{{"id": "odd", "request": "go", "tools": [{tool}], "expect_none": true}}"#);
    bench.write("odd.jsonl", &line);
    let files = [cases.to_str().unwrap(), odd.to_str().unwrap()];
    let model = wren();
    let eval = |arguments: &[&str]| {
        let all = [&["eval", "--model", &model, "--json"], &files[..], arguments].concat();
        objects(&bench.everstep(&all).done())
    };
    let found = eval(&[]);
    let (summary, played) = found.split_last().unwrap();
    let (refused, played) = played.split_last().unwrap();
    assert_eq!((played.len(), &summary["model"]["name"]), (10, &json!("wren")));
    let all = &summary["all"];
    // How good it is says its card; that every call fits its schema holds for any model.
    assert_eq!(all["calls_valid"]["part"], all["calls_valid"]["whole"]);
    assert!(all["calls_valid"]["whole"].as_u64().unwrap() > 0, "{all}");
    assert_eq!(
        (&all["refused"], &all["too_long"], &all["abstained"]["whole"]),
        (&json!(1), &json!(0), &json!(3))
    );
    assert_eq!(refused["reason"], "tool `odd`: keyword `not` at /properties/x can't be enforced");
    for case in played {
        // The head is kept from one case to the next, so most of a prompt is not evaluated again.
        let [new, cached] =
            ["prompt_tokens", "cached_tokens"].map(|key| case["timing"][key].as_u64().unwrap());
        assert!(new > 0 && new + cached > 100, "{case}");
        assert!(case["timing"]["reply_tokens_per_s"].as_f64().unwrap() > 0.0, "{case}");
    }
    assert_eq!(summary["files"][0]["kinds"].as_object().unwrap().len(), 6);

    // The same cases give the same replies; without the constraint nothing is refused.
    let replies = |found: &[Value]| -> Vec<Value> {
        found.iter().map(|case| json!([case["calls"], case["text"], case["end"]])).collect()
    };
    assert_eq!(replies(&eval(&[])), replies(&found));
    let free = eval(&["--no-constraint"]);
    let summary = free.last().unwrap();
    assert_eq!((&summary["constraint"], &summary["all"]["refused"]), (&json!(false), &json!(0)));
}

/// A group of the JSON Schema Test Suite's form.
fn group(schema: &Value, tests: &Value) -> String {
    json!([{"description": "a group", "schema": schema, "tests": tests}]).to_string()
}

#[test]
fn schemas_are_measured_with_what_calls_are_held_to() {
    let bench = Bench::new(SCRIPT);
    std::fs::create_dir_all(bench.path("suite/optional")).unwrap();
    let schema = json!({"properties": {"b": {"type": "integer"}, "a": {}}, "required": ["b"]});
    // What a test says is wrong on purpose, so that every column counts.
    let tests = json!([
        {"description": "good", "data": {"a": null, "b": 1}, "valid": true},
        {"description": "bad", "data": {"b": "1"}, "valid": false},
        {"description": "taken", "data": {"b": 2}, "valid": false},
        {"description": "refused", "data": {}, "valid": true},
    ]);
    bench.write("suite/good.json", &group(&schema, &tests));
    bench.write("suite/optional/not.json", &group(&json!({"not": {}}), &tests));
    bench.write("suite/README.md", "not a group");
    let (suite, model) = (bench.path("suite"), wren());
    let eval = |arguments: &[&str]| {
        bench
            .everstep(&[&["eval", "--suite", suite.to_str().unwrap(), "--model", &model], arguments].concat())
    };
    let out = eval(&["--failures"]).done();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], r#"good.json: a group: FALSE ACCEPT: taken: {"b": 2}"#);
    assert_eq!(lines[1], "good.json: a group: false reject: refused: {}");
    assert_eq!(lines[2], "optional/not.json: a group: refused: keyword `not` at / can't be enforced");
    let rows: Vec<Vec<&str>> = lines[3..].iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0].join(" "), "groups held % tests held % right % accepts rejects");
    assert_eq!(rows[1], ["good.json", "1", "100.0", "4", "100.0", "50.0", "1", "1"]);
    assert_eq!(rows[2], ["optional/not.json", "1", "0.0", "4", "0.0", "-", "0", "0"]);
    assert_eq!(rows[3], ["all", "2", "50.0", "8", "50.0", "50.0", "1", "1"]);
    assert_eq!(lines[7], "groups refused, by what can't be enforced: not 1");

    let found = objects(&eval(&["--json"]).done());
    let [good, refused, summary] = &found[..] else { panic!("{found:?}") };
    assert_eq!(good["tests"][0]["text"], r#"{"b": 1, "a": null}"#);
    assert_eq!((&good["tests"][2]["taken"], &good["unsupported"]), (&json!(true), &Value::Null));
    assert_eq!((&refused["unsupported"], &refused["tests"]), (&json!("not"), &Value::Null));
    assert_eq!(summary["all"]["false_accepts"], 1);
    assert_eq!(summary["all"]["unsupported"], json!({"not": 1}));
}

#[test]
fn schemas_need_a_vocabulary_and_files_of_their_own() {
    let bench = Bench::new(SCRIPT);
    bench.write("groups.json", &group(&json!(true), &json!([])));
    bench.write("bad.json", "{}");
    bench.write("cases.jsonl", &wants_fan("a"));
    let path = |name: &str| bench.path(name).to_str().unwrap().to_owned();
    let eval = |files: &[&str]| {
        let files: Vec<String> = files.iter().map(|name| path(name)).collect();
        let files = files.iter().map(String::as_str);
        bench.everstep(&["eval"].into_iter().chain(files).collect::<Vec<_>>())
    };
    eval(&["groups.json"]).refuses(2, &["name a GGUF with --model"]);
    eval(&["groups.json", "cases.jsonl"]).refuses(2, &["cases.jsonl", "apart from schemas"]);
    eval(&["bad.json"]).refuses(2, &["bad.json", "JSON Schema Test Suite"]);
}
