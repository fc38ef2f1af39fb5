//! The devices of `docs/devices.md` and of the shipped gateway: what they say is what the code reads.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use everstep_board_linux::{
    config::{BoardFile, BoardKind},
    device::{DeviceKind, DeviceSection, LinuxSection, assemble, check, simulated, watchdog},
};
use everstep_board_sim::WorldSection;
use everstep_tool::{
    Toolbox,
    builtin::{Compare, Lines, Wait},
};
use everstep_tools_device::DeviceSection as SimSection;

type File = BoardFile<WorldSection, DeviceSection>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/devices.md")).unwrap()
}

/// The examples of the page, as the board file that each would be part of.
fn examples() -> Vec<(String, File)> {
    let page = page();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let read = |text: String| {
        let is_sim = SimSection::KINDS.iter().any(|kind| text.contains(&format!("kind = \"{kind}\"")));
        let (kind, world) = if is_sim { ("sim", "[world]\n") } else { ("linux", "") };
        let board = format!(
            "[board]\nname = \"page\"\nkind = \"{kind}\"\n{world}[agent.a]\nsystem = \"x\"\ngrants = []\n{text}"
        );
        let file = File::parse(Path::new("docs/devices.md"), board);
        (text.clone(), file.unwrap_or_else(|error| panic!("{error}\n{text}")))
    };
    blocks.map(read).collect()
}

#[test]
fn every_example_is_a_board_s_devices() {
    for (text, file) in examples() {
        let board = &file.board;
        check(&board.device, board.board.kind).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let nothing = BTreeMap::new();
        assemble(&board.device, &nothing).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}

#[test]
fn every_kind_has_its_section_its_example_and_its_keys() {
    let page = page();
    let mut shown = BTreeSet::new();
    for (_, file) in examples() {
        for section in file.board.device.values() {
            shown.insert(section.kind());
            // Every key that can be set, with its defaults filled in.
            let keys: toml::Table = toml::from_str(&toml::to_string(section).unwrap()).unwrap();
            for key in keys.keys() {
                assert!(page.contains(&format!("`{key}`")) || key == "kind", "{}: {key}", section.kind());
            }
        }
    }
    let kinds = LinuxSection::KINDS.iter().copied().chain(SimSection::KINDS);
    for kind in kinds.clone() {
        assert!(page.contains(&format!("\n### {kind}\n")), "{kind} has no section");
    }
    assert_eq!(shown, kinds.collect(), "kinds with an example");
}

#[test]
fn tools_and_classes_are_those_of_the_page() {
    let page = page();
    for (_, file) in examples() {
        for (name, section) in &file.board.device {
            if !matches!(section.kind, DeviceKind::Linux(_)) {
                continue;
            }
            // Text from the kind's heading to the next.
            let (_, part) = page.split_once(&format!("\n### {}\n", section.kind())).unwrap();
            let part = part.split("\n### ").next().unwrap();
            let parts = assemble(&file.board.device, &BTreeMap::new()).unwrap();
            for tool in parts.tools.iter().filter(|tool| tool.spec().device.as_ref() == Some(name)) {
                let spec = tool.spec();
                // The meter of the pulses stands in another kind's example.
                if part.contains(&format!("[device.{name}]")) {
                    assert!(part.contains(&format!("`{}", spec.name)), "{} is not told", spec.name);
                }
                let class = format!("{:?}", spec.class);
                let class = class.split(' ').next().unwrap();
                assert!(part.contains(&format!("`{class}`")), "{} {class}", section.kind());
            }
        }
    }
}

#[test]
fn shipped_gateway_is_a_board_whose_grants_are_its_tools() {
    let path = root().join("board/gateway/agent.toml");
    let file = File::load(&path).unwrap_or_else(|error| panic!("{error}"));
    let board = &file.board;
    assert_eq!(board.board.kind, BoardKind::Linux);
    check(&board.device, BoardKind::Linux).unwrap();
    assert!(simulated(&board.device).is_empty());
    let mut tools = assemble(&board.device, &BTreeMap::new()).unwrap().tools;
    tools.push(std::sync::Arc::new(Compare::default()));
    tools.push(std::sync::Arc::new(Wait::default()));
    let sink = || Box::new(everstep_tool::FileSink::new(Path::new("/nowhere")));
    tools.push(std::sync::Arc::new(Lines::log(sink())));
    tools.push(std::sync::Arc::new(Lines::alert(sink())));
    let grants = &board.agent["gateway"].grants;
    let toolbox = Toolbox::new(tools, grants).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(toolbox.definitions().len(), grants.len());
    let (name, dog) = watchdog::find(&board.device).unwrap();
    assert_eq!((name, dog.timeout_s.get()), ("dog", 15));
}
