//! What each command does for a user, on a board without devices and with a scripted model.

use crate::bench::{Bench, LONG_WAIT, SCRIPT, contents, json};

#[test]
fn run_prints_the_answer_and_bare_run_prints_it_again() {
    let bench = Bench::new(SCRIPT);
    let told = bench.everstep(&["run", "compare 3 and 2", "--seed", "7"]);
    assert!(told.err.contains("#1 compare"), "{told:?}");
    assert_eq!(told.done(), "3 is more than 2.\n");
    let before = contents(&bench.path("state"));
    assert_eq!(bench.everstep(&["run"]).done(), "3 is more than 2.\n");
    assert_eq!(contents(&bench.path("state")), before, "nothing was written");

    let result = json(&bench.everstep(&["run", "--json"]).done());
    assert_eq!((result["how"].as_str(), result["calls"].as_u64()), (Some("done"), Some(1)));
    assert_eq!(result["task"], "compare 3 and 2");
}

#[test]
fn same_task_id_runs_once() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["run", "compare", "--task-id", "a"]).done();
    let before = contents(&bench.path("state"));
    assert_eq!(bench.everstep(&["run", "compare", "--task-id", "a"]).done(), "3 is more than 2.\n");
    assert_eq!(contents(&bench.path("state")), before);
    bench.everstep(&["run", "compare", "--task-id", "b"]).done();
    assert_eq!(json(&bench.everstep(&["status", "--json"]).done())["last"]["run"], 2);
}

#[test]
fn killed_run_goes_on_where_it_was() {
    let bench = Bench::new(&LONG_WAIT.replace("3600", "1"));
    bench.run_until("called", &["wait"]).kill();
    let replay = bench.everstep(&["replay"]).done();
    assert!(replay.contains("run 1 is under way: wait") && replay.contains("#1 wait"), "{replay}");
    assert_eq!(bench.everstep(&["run"]).done(), "An hour has passed.\n");

    let journal = bench.everstep(&["journal", "--json"]).done();
    let kinds: Vec<String> =
        journal.lines().map(|line| json(line)["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "called").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "booted").count(), 1, "{kinds:?}");
    assert_eq!((kinds.first().unwrap().as_str(), kinds.last().unwrap().as_str()), ("started", "finished"));
    let sequences: Vec<u64> = journal.lines().map(|line| json(line)["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted_by(|one, next| next - one == 1), "{sequences:?}");
    assert_eq!(bench.everstep(&["journal"]).done().lines().count(), kinds.len());
}

#[test]
fn stop_goes_through_the_owner() {
    let bench = Bench::new(LONG_WAIT);
    let running = bench.run_until("called", &["wait"]);
    let status = json(&bench.everstep(&["status", "--json"]).done());
    assert_eq!(status["run"]["phase"], "sleeping");
    assert!(bench.everstep(&["status"]).done().contains("It waits for the time of #1 wait"));
    assert!(bench.everstep(&["stop", "--reason", "lunch"]).done().contains("the run ends"));
    let (code, result) = running.end();
    assert_eq!((code, result["how"].as_str()), (1, Some("stopped: lunch")));
    assert!(bench.everstep(&["status"]).done().contains("stopped: lunch"));
}

#[test]
fn stop_ends_a_run_that_nobody_runs_and_needs_no_model() {
    let bench = Bench::new(LONG_WAIT);
    bench.run_until("called", &["wait"]).kill();
    std::fs::remove_file(bench.path("script.toml")).unwrap();
    // Nor does a change of the tools keep a run from being stopped.
    bench.change_board("\"log\"", "\"log\", \"alert\"");
    assert_eq!(bench.everstep(&["stop"]).done(), "run 1 stopped: stopped by the operator\n");
    bench.everstep(&["stop"]).refuses(2, &["no run to end"]);
    bench.everstep(&["approve", "1"]).refuses(2, &["call 1 does not wait for approval"]);
}

#[test]
fn limit_ends_a_run_with_4() {
    let bench = Bench::new(SCRIPT);
    bench.change_board("grants", "limits = { steps_max = 1 }\ngrants");
    let told = bench.everstep(&["run", "compare"]);
    assert_eq!(told.code, 4, "{told:?}");
    assert!(told.err.contains("limit reached: steps_max") && told.out.is_empty(), "{told:?}");
    assert_eq!(bench.everstep(&["run"]).code, 4, "and again");
}

#[test]
fn task_that_can_t_fit_the_context_ends_at_once_and_says_the_numbers_and_the_keys() {
    let bench = Bench::new(&format!("context_tokens_max = 300\n{SCRIPT}"));
    let told = bench.everstep(&["run", "compare"]);
    assert_eq!(told.code, 4, "{told:?}");
    // The scripted model's tokens are bytes: instructions, task, and 512 for the reply.
    let needed = "You compare numbers.compare".len() + 512;
    let line = format!("limit reached: prompt and reply need {needed} tokens of context and there are 300: ");
    assert!(told.err.contains(&line), "{told:?}");
    assert!(
        told.err.contains("`model.context_tokens_max`") && told.err.contains("`limits.reply_tokens_max`")
    );
    let journal = bench.everstep(&["journal"]).done();
    assert!(journal.contains(&line["limit reached: ".len()..]), "{journal}");
    assert!(!journal.contains("generated"), "{journal}");
}

#[test]
fn run_that_outgrows_its_context_goes_on_and_every_command_shows_what_was_left_out() {
    let call = |value: u32| {
        format!(
            "[[reply]]\ncall = \"compare\"\narguments = '{{\"value\": {value}, \"operator\": \">\", \"limit\": 2}}'\n"
        )
    };
    let calls: String = (10..40).map(call).collect();
    let script = format!("context_tokens_max = 1500\n{calls}[[reply]]\nsay = \"Done.\"\n");
    let bench = Bench::new(&script);
    let told = bench.everstep(&["run", "compare"]);
    assert!(told.err.contains("pruned: the context was full: the first "), "{told:?}");
    assert_eq!(told.done(), "Done.\n");
    let journal = bench.everstep(&["journal"]).done();
    assert!(journal.contains("  pruned  the context was full: the first "), "{journal}");
    let journal = bench.everstep(&["journal", "--json"]).done();
    let records: Vec<_> = journal.lines().map(json).collect();
    let pruned: Vec<_> = records.iter().filter(|record| record["kind"] == "pruned").collect();
    assert!(pruned.len() > 1 && pruned.len() < 15, "{pruned:?}");
    assert!(pruned.iter().all(|record| record["what"] == "Steps" && record["through"].as_u64() > Some(2)));
    assert!(bench.everstep(&["replay"]).done().contains("Run 1 ended (done)"));
}

#[test]
fn seconds_of_a_reply_are_a_limit_like_the_others() {
    let bench = Bench::new(SCRIPT);
    assert!(bench.everstep(&["config"]).done().contains("reply_s_max = 600"));
    bench.change_board("grants", "limits = { reply_s_max = 0 }\ngrants");
    bench.everstep(&["run", "compare"]).refuses(2, &["agent.clerk.limits: must be from 1 to 86400, not 0"]);
}

#[test]
fn generations_that_fail_end_a_run_with_4() {
    let bench = Bench::new("[[reply]]\nfail = \"out of words\"\n");
    let told = bench.everstep(&["run", "compare"]);
    assert_eq!(told.code, 4, "{told:?}");
    assert!(told.err.contains("out of words") && told.err.contains("generation_failures_max"), "{told:?}");
}

#[test]
fn reading_commands_change_nothing_on_a_board_that_never_ran() {
    let bench = Bench::new(SCRIPT);
    assert!(bench.everstep(&["status"]).done().contains("no run is under way"));
    assert!(bench.everstep(&["replay"]).done().contains("no run is under way"));
    assert_eq!(bench.everstep(&["journal"]).done(), "");
    bench.everstep(&["flash"]).done();
    bench.everstep(&["check"]).done();
    assert!(bench.everstep(&["model"]).done().contains("scripted"));
    assert!(!bench.path("state").exists());
}

#[test]
fn tools_show_class_and_grant() {
    let bench = Bench::new(SCRIPT);
    let tools = json(&bench.everstep(&["tools", "--json"]).done());
    let tool =
        |name: &str| tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap().clone();
    assert_eq!(
        (tool("compare")["class"].as_str(), tool("compare")["granted"].as_bool()),
        (Some("observe"), Some(true))
    );
    assert_eq!(tool("alert")["granted"], false);
    assert!(bench.everstep(&["tools"]).done().contains("alert            denied"));
}

#[test]
fn config_prints_a_board_file_that_reads_back_as_itself() {
    let bench = Bench::new(SCRIPT);
    let printed = bench.everstep(&["config"]).done();
    assert!(printed.contains("steps_max = 100") && printed.contains("region_bytes = 262144"), "{printed}");
    bench.write("agent.toml", &printed);
    assert_eq!(bench.everstep(&["config"]).done(), printed);
}

#[test]
fn state_folder_comes_from_flag_variable_or_board_file() {
    let bench = Bench::new(SCRIPT);
    let (flag, variable) = (bench.path("by-flag"), bench.path("by-variable"));
    bench.everstep(&["run", "compare", "--state-dir", flag.to_str().unwrap()]).done();
    bench.command(&["run", "compare"]).env("EVERSTEP_STATE_DIR", &variable).output().unwrap();
    assert!(flag.join("flash.bin").exists() && variable.join("flash.bin").exists());
    assert!(!bench.path("state").exists());
}

#[test]
fn completions_name_every_command() {
    let bench = Bench::new(SCRIPT);
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_everstep")).args(["completions", "bash"]).output();
    let script = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(["replay", "approve", "--task-id"].iter().all(|word| script.contains(word)));
    assert!(bench.everstep(&["--help"]).done().contains("Exit codes: 0 done"));
}
