//! Good and bad board files.

use std::path::Path;

use super::*;
use crate::flash::{BlockBytes, Medium};

type File = BoardFile<NoSection, NoSection>;

const GOOD: &str = r#"
[board]
name = "bench"
kind = "linux"

[agent.room]
system = "You keep a cold room."
grants = ["read_room", "wait"]

[agent.room.limits]
steps_max = 60
"#;

fn parse(text: &str) -> Result<File, String> {
    File::parse(Path::new("bench/agent.toml"), text.to_owned()).map_err(|error| error.to_string())
}

/// What the file says is wrong after replacing `from` by `to`.
fn complaint(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    parse(&GOOD.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn silent_keys_have_the_core_s_defaults() {
    let file = parse(&GOOD.replace("steps_max = 60", "")).unwrap();
    let limits = everstep_core::Limits::from(file.board.agent["room"].limits);
    assert_eq!(limits, everstep_core::Limits::default());
    assert_eq!(file.state_dir(), Path::new("bench/state"));
    assert_eq!(file.layout().board, 0..32_768);
    assert_eq!(file.layout().agents, [("room".to_owned(), 32_768..557_056)]);
}

#[test]
fn printed_result_reads_back_as_itself() {
    let file = parse(GOOD).unwrap();
    let printed = toml::to_string(&file.board).unwrap();
    assert!(printed.contains("steps_max = 60") && printed.contains("tokens_max = 50000"), "{printed}");
    let again = parse(&printed).unwrap();
    assert_eq!(toml::to_string(&again.board).unwrap(), printed);
}

#[test]
fn unknown_keys_are_named_with_file_line_and_what_is_allowed() {
    assert_eq!(
        complaint("steps_max = 60", "step_max = 60"),
        "bench/agent.toml:11: agent.room.limits.step_max: unknown field `step_max`, expected one of \
         `steps_max`, `tokens_max`, `reply_tokens_max`, `reply_s_max`, `run_tokens_max`, `calls_max`, \
         `powered_s_max`, `result_bytes_max`, `tries_max`, `rerun_s_max`, `generation_failures_max`, `approval_s_max`, `repeats_max`, `alternations_max`, `errors_max`"
    );
    let told = complaint("[agent.room.limits]", "[agent.room.limit]");
    assert!(told.starts_with("bench/agent.toml:10: agent.room.limit: unknown field `limit`"), "{told}");
    let told = complaint("[board]", "[boards]");
    assert!(told.contains(":2: boards: unknown field `boards`, expected one of `board`"), "{told}");
    let told = complaint("kind = \"linux\"", "kind = \"linux\"\ncolour = 1");
    assert!(told.contains("board.colour: unknown field `colour`, expected one of `name`"), "{told}");
}

#[test]
fn wrong_values_are_told_with_their_range() {
    let told = complaint("steps_max = 60", "steps_max = 0");
    assert_eq!(told, "bench/agent.toml:11: agent.room.limits.steps_max: must be from 1 to 10000, not 0");
    assert!(complaint("steps_max = 60", "steps_max = -1").ends_with("not -1"));
    assert!(complaint("steps_max = 60", "steps_max = 99999999999").ends_with("not 99999999999"));
    assert!(complaint("steps_max = 60", "steps_max = \"60\"").contains("invalid type: string"));
    assert!(
        complaint("[board]", "[model]\ntemperature = 2.5\n[board]").contains("must be from 0 to 2, not 2.5")
    );
    assert!(complaint("[board]", "[model]\ntemperature = nan\n[board]").contains("must be from 0 to 2"));
    assert!(
        complaint("\"linux\"", "\"windows\"")
            .contains("unknown variant `windows`, expected `sim` or `linux`")
    );
    assert!(complaint("name = \"bench\"\n", "").contains("board: missing field `name`"));
    assert!(complaint("[board]", "[board").starts_with("bench/agent.toml:2: "));
}

#[test]
fn rules_between_keys_hold() {
    let told = complaint("\"linux\"", "\"sim\"");
    assert_eq!(told, "bench/agent.toml:4: board.kind: a board of kind `sim` needs a `[world]` section");
    assert!(complaint("[board]", "[world]\n[board]").contains(":2: world: only a board of kind `sim`"));
    assert!(
        complaint("\"wait\"", "\"read_room\"").contains("agent.room.grants: `read_room` is granted twice")
    );
    assert!(complaint("\"bench\"", "\"../x\"").contains("board.name: a name has"));
    assert!(complaint("grants", "region = 1\ngrants").contains("region: must be from 0 to 0, not 1"));
    assert!(complaint("[board]", "[flash]\nbytes = 1048577\n[board]").contains("a multiple of 4096"));
    assert!(complaint("[board]", "[flash]\nbytes = 65536\n[board]").contains("has no room"));
    assert!(complaint("steps_max = 60", "tokens_max = 100").contains("reply_tokens_max"));
    let task = format!("task = \"{}\"\nsystem", "x".repeat(3000));
    assert!(complaint("system", &task).contains("agent.room.task: a task has at most 2048 bytes, not 3000"));
}

#[test]
fn several_agents_have_regions_of_their_own() {
    let second = |region: &str, other: &str| {
        let text = GOOD.replace("grants", &format!("{region}\ngrants"));
        parse(&format!(
            "{text}\n[agent.door]\nsystem = \"x\"\ngrants = []\n{other}\n[flash]\nregion_bytes = 65536\n"
        ))
    };
    assert!(second("", "region = 1").unwrap_err().contains("agent.room.region: a board with several agents"));
    assert!(second("region = 1", "region = 1").unwrap_err().contains("region 1 is the agent `door`'s"));
    let file = second("region = 0", "region = 1").unwrap();
    let [(_, door), (_, room)] = &file.layout().agents[..] else { panic!("two regions") };
    assert!(room.end == door.start && room.start == file.layout().board.end);
    assert!(file.agent(None).unwrap_err().to_string().contains("choose one with `--agent`: door, room"));
    assert!(file.agent(Some("roof")).unwrap_err().to_string().contains("there is no agent `roof`"));
    assert_eq!(file.agent(Some("door")).unwrap().0, "door");
}

#[test]
fn grant_of_no_tool_is_named_with_its_line() {
    let file = parse(GOOD).unwrap();
    file.check_grants(&["wait", "read_room"]).unwrap();
    let told = file.check_grants(&["wait"]).unwrap_err().to_string();
    assert_eq!(
        told,
        "bench/agent.toml:8: agent.room.grants: there is no tool `read_room`: this board has wait"
    );
}

#[test]
fn missing_and_endless_files_are_refused() {
    let told = File::load(Path::new("/nonexistent/agent.toml")).unwrap_err().to_string();
    assert_eq!(
        told,
        "board file /nonexistent/agent.toml can't be read: No such file or directory (os error 2)"
    );
    let endless = File::load(Path::new("/dev/zero")).unwrap_err();
    assert!(matches!(endless, BoardFileError::TooLong { .. }), "{endless}");
}

#[test]
fn paths_are_shown_without_detours_unless_a_link_is_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("board/real")).unwrap();
    std::os::unix::fs::symlink(root.join("board/real"), root.join("link")).unwrap();
    let at = |place: &str| {
        let file = File::parse(&root.join(place).join("agent.toml"), GOOD.to_owned()).unwrap();
        file.resolve(Path::new("../../target/x"))
    };
    assert_eq!(at("board/real"), root.join("target/x"));
    assert_eq!(at("link"), root.join("link/../../target/x"));
}

#[test]
fn a_medium_knows_its_blocks_and_its_sectors() {
    let flash = |keys: &str| parse(&GOOD.replacen("[board]", &format!("[flash]\n{keys}\n[board]"), 1));
    let medium = |keys: &str| flash(keys).unwrap().board.flash.medium();
    assert_eq!(medium(""), Medium::File);
    let sizes = "board_bytes = 262144\nregion_bytes = 524288";
    let blocks = format!("medium = \"block\"\n{sizes}");
    assert_eq!(medium(&blocks), Medium::Block(BlockBytes::B4096));
    assert_eq!(medium(&format!("block_bytes = 512\n{blocks}")), Medium::Block(BlockBytes::B512));
    let odd = flash("medium = \"block\"\nboard_bytes = 36864");
    assert!(odd.unwrap_err().contains("board_bytes: must be a multiple of 32768"));
    assert!(flash("block_bytes = 4096").unwrap_err().contains("only `flash.medium = \"block\"` has blocks"));
    // What a part erases at once is asked once it is open; 31 pages of 4 KiB are a sector of UBI's.
    assert_eq!(medium("medium = \"mtd\"\nboard_bytes = 126976\nregion_bytes = 126976"), Medium::Mtd);
    assert!(flash("medium = \"tape\"").unwrap_err().contains("expected one of `file`, `block`, `mtd`"));
}

#[test]
fn secrets_are_named_places_and_never_written_into_the_file() {
    let with = |line: &str| parse(&format!("{GOOD}\n[secret]\n{line}\n"));
    let file = with("api = \"file:api.token\"\nmail = \"systemd-creds:mail\"").unwrap();
    let printed = toml::to_string(&file.board).unwrap();
    assert!(printed.contains("api = \"file:api.token\""), "{printed}");
    let told = with("api = \"sk-1234567890\"").unwrap_err();
    assert!(told.starts_with("bench/agent.toml:14: secret.api: a secret is in `file:PATH`"), "{told}");
    assert!(!told.contains("sk-1234567890"), "{told}");
    assert!(with("\"a b\" = \"env:X\"").unwrap_err().contains("a name has"));
}

#[test]
fn what_is_outside_the_board_is_absent_unless_the_caller_knows_it() {
    type Open = BoardFile<NoSection, NoSection, toml::Table>;
    let text = format!("{GOOD}\n[network.http.x]\n");
    assert!(parse(&text).unwrap_err().contains("network.http.x: unknown field `http`"), "{text}");
    let file = Open::parse(Path::new("agent.toml"), text).unwrap();
    assert!(file.board.network.unwrap().contains_key("http"));
    assert!(parse(GOOD).unwrap().board.network.is_none());
}
