//! Bad input: one clear line that says what, where and what to do, the right exit code, and nothing
//! written or lost.

use crate::bench::{Bench, LONG_WAIT, SCRIPT, contents, hash};

#[test]
fn missing_model_is_named() {
    let bench = Bench::new(SCRIPT);
    let model = bench.path("none.gguf");
    let told = bench.everstep(&["run", "compare", "--model", model.to_str().unwrap()]);
    told.refuses(2, &["none.gguf", "No such file"]);
    assert!(!bench.flash().exists());
    bench.change_board("scripted:script.toml", "scripted:none.toml");
    bench.everstep(&["run", "compare"]).refuses(2, &["none.toml", "No such file"]);
    bench.change_board("path = \"scripted:none.toml\"", "");
    bench.everstep(&["run", "compare"]).refuses(2, &["agent.toml:11: model.path", "--model FILE"]);
    assert!(!bench.flash().exists());
}

#[test]
fn truncated_and_foreign_models_are_refused() {
    let bench = Bench::new(SCRIPT);
    for (name, bytes) in [
        ("empty.gguf", &b""[..]),
        ("short.gguf", b"GGUF\x03\0\0\0\x05\0\0\0\0\0\0\0"),
        ("foreign.gguf", b"<html>this is no model</html>"),
    ] {
        std::fs::write(bench.path(name), bytes).unwrap();
        let told = bench.everstep(&["run", "compare", "--model", bench.path(name).to_str().unwrap()]);
        told.refuses(2, &[name]);
        assert!(!bench.flash().exists());
    }
    let told = bench.everstep(&["run", "compare", "--model", "/dev"]);
    told.refuses(2, &["/dev"]);
}

#[test]
fn unknown_key_is_named_with_its_line() {
    let bench = Bench::new(SCRIPT);
    bench.change_board("grants", "step_max = 3\ngrants");
    let told = bench.everstep(&["run", "compare"]);
    told.refuses(2, &["agent.toml:16: agent.clerk.step_max: unknown field", "expected one of `task`"]);
    for command in ["config", "status", "check", "journal", "flash", "tools", "replay", "stop", "model"] {
        bench.everstep(&[command]).refuses(2, &["agent.toml:16"]);
    }
    assert!(!bench.path("state").exists());
}

#[test]
fn grant_of_no_tool_is_named_with_the_tools_there_are() {
    let bench = Bench::new(SCRIPT);
    bench.change_board("\"wait\"", "\"open_valve\"");
    for command in [&["run", "compare"][..], &["check"], &["tools"]] {
        let told = bench.everstep(command);
        told.refuses(2, &["agent.toml:16: agent.clerk.grants", "no tool `open_valve`", "compare"]);
    }
    assert!(!bench.flash().exists());
}

#[test]
fn flash_of_another_size_is_refused_and_kept() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["run", "compare"]).done();
    let before = hash(&bench.flash());
    bench.change_board("524_288", "1_048_576");
    for command in [&["run", "compare"][..], &["status"], &["journal"], &["check"]] {
        bench.everstep(command).refuses(3, &["flash.bin has 524288 bytes", "1048576", "flash.bytes"]);
    }
    assert_eq!(hash(&bench.flash()), before);
}

#[test]
fn flash_of_another_kind_or_version_is_refused_and_kept() {
    let bench = Bench::new(SCRIPT);
    bench.everstep(&["run", "compare"]).done();
    // The agent's region, as a newer version or another program might have written it.
    let mut bytes = std::fs::read(bench.flash()).unwrap();
    bytes[32_768..].chunks_mut(7).for_each(|chunk| chunk.fill(0x5A));
    std::fs::write(bench.flash(), &bytes).unwrap();
    for command in [&["run", "again"][..], &["status"], &["journal"], &["replay"], &["check"]] {
        bench.everstep(command).refuses(3, &["flash.bin"]);
    }
    assert!(std::fs::read(bench.flash()).unwrap() == bytes);
}

#[test]
fn full_disk_leaves_nothing_behind() {
    let bench = Bench::new(SCRIPT);
    let told = bench.run_limited(64, &["run", "compare"]);
    told.refuses(3, &["no room for flash file", "flash.bin of 524288 bytes"]);
    assert!(!bench.flash().exists());
    let left = contents(&bench.path("state"));
    assert!(left.iter().all(|(name, _)| !name.to_string_lossy().contains("flash")), "{left:?}");
    assert_eq!(bench.everstep(&["run", "compare"]).done(), "3 is more than 2.\n");
}

/// The disk fills up under a flash that was made in full: no record of the next run fits, or half of one.
#[test]
fn disk_that_fills_up_later_is_named_and_the_run_goes_on_behind_it() {
    // Behind the board's own log, in blocks of 512.
    for blocks in [65, 66, 67] {
        let bench = Bench::new(SCRIPT);
        let first = bench.everstep(&["run", "compare", "--task-id", "a"]);
        assert_eq!(first.done(), "3 is more than 2.\n");
        let told = bench.run_limited(blocks, &["run", "compare again", "--task-id", "b"]);
        told.refuses(3, &["flash.bin: no room on the disk of the flash file; free some and start again"]);
        assert!(!told.err.contains("start anew"), "{told:?}");
        let again = bench.everstep(&["run", "compare again", "--task-id", "b"]);
        assert_eq!(again.done(), "3 is more than 2.\n");
        let journal = bench.everstep(&["journal", "--json"]).done();
        let called = journal.lines().filter(|line| line.contains("\"kind\":\"called\"")).count();
        assert_eq!(called, 2, "{journal}");
    }
}

#[test]
fn second_owner_is_told_who_runs_the_board() {
    let bench = Bench::new(LONG_WAIT);
    let running = bench.run_until("called", &["wait an hour"]);
    let pid = format!("(pid {})", running.child.id());
    bench.everstep(&["run"]).refuses(2, &["another everstep", &pid, "everstep stop"]);
    bench.everstep(&["run", "wait an hour"]).refuses(2, &["another everstep", &pid]);
    running.kill();
}

#[test]
fn another_task_while_one_is_unfinished_is_refused() {
    let bench = Bench::new(LONG_WAIT);
    bench.run_until("called", &["wait an hour", "--task-id", "a"]).kill();
    let before = hash(&bench.flash());
    let told = bench.everstep(&["run", "wait a day"]);
    told.refuses(2, &["run 1 is unfinished: \"wait an hour\"", "everstep stop"]);
    let told = bench.everstep(&["run", "wait an hour", "--task-id", "b"]);
    told.refuses(2, &["run 1 is unfinished", "\"a\"", "\"b\""]);
    assert_eq!(hash(&bench.flash()), before);
}

#[test]
fn changed_tools_model_or_board_file_are_refused_at_resume_by_name() {
    let bench = Bench::new(LONG_WAIT);
    bench.run_until("called", &["wait an hour"]).kill();
    let before = bench.everstep(&["journal", "--json"]).done();
    let board = std::fs::read_to_string(bench.path("agent.toml")).unwrap();
    for (from, to, named) in [
        ("\"log\"", "\"log\", \"alert\"", "tools"),
        ("You compare", "You love", "board file"),
        ("script.toml", "other.toml", "model"),
    ] {
        bench.write("other.toml", SCRIPT);
        bench.change_board(from, to);
        bench.everstep(&["run"]).refuses(2, &["unfinished run began with another", named, "--accept-change"]);
        bench.write("agent.toml", &board);
        assert_eq!(bench.everstep(&["journal", "--json"]).done(), before, "{named}");
    }
    bench.change_board("\"log\"", "\"log\", \"alert\"");
    bench.run_until("change_accepted", &["--accept-change"]).kill();
    // From now on, this tool set is the run's own.
    bench.run_until("booted", &[]).kill();
}

#[test]
fn wrong_command_lines_exit_with_2() {
    let bench = Bench::new(SCRIPT);
    for arguments in
        [&["fly"][..], &["run", "--seed", "x"], &["run", "a", "b"], &["approve"], &["run", "--agent"]]
    {
        assert_eq!(bench.everstep(arguments).code, 2, "{arguments:?}");
    }
    bench.everstep(&["run", "x", "--agent", "nobody"]).refuses(2, &["no agent `nobody`", "clerk"]);
    bench.everstep(&["run"]).refuses(2, &["there is no task", "agent.clerk.task"]);
    bench.everstep(&["stop"]).refuses(2, &["clerk has never run"]);
    let long = "x".repeat(5000);
    bench.everstep(&["run", &long]).refuses(2, &["task has 5000 bytes"]);
}

#[test]
fn state_folder_that_can_t_be_made_is_named() {
    let bench = Bench::new(SCRIPT);
    bench.write("state", "a file in the way");
    bench.everstep(&["run", "compare"]).refuses(2, &["state folder", "--state-dir"]);
}

#[test]
fn unknown_family_is_named_with_the_known_ones() {
    let bench = Bench::new(SCRIPT);
    bench.change_board(
        "path = \"scripted:script.toml\"",
        "path = \"scripted:script.toml\"\nfamily = \"qwen\"",
    );
    for command in [&["run", "compare"][..], &["check"], &["model"], &["config"]] {
        let told = bench.everstep(command);
        told.refuses(2, &["agent.toml:13: model.family", "no family `qwen`", "`qwen3`, `hermes`, `lfm2`"]);
    }
    bench.change_board("\"qwen\"", "\"qwen3\"");
    assert!(bench.everstep(&["config"]).done().contains("family = \"qwen3\""));
    assert!(!bench.flash().exists());
}
