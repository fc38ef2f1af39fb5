//! Who may import whom: reads the manifests and fails on any arrow the layout does not allow.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's set-up may fail")]

use std::{collections::BTreeMap, fs, path::Path};

/// Crate → crates of ours it may depend on. Development dependencies are free.
const ARROWS: &[(&str, &[&str])] = &[
    ("everstep-core", &[]),
    ("everstep-journal", &[]),
    ("everstep-model", &["everstep-core"]),
    ("everstep-tool", &["everstep-core"]),
    ("everstep-model-llama", &["everstep-model", "everstep-core"]),
    ("everstep-eval", &["everstep-model"]),
    ("everstep-tools-device", &["everstep-tool", "everstep-core"]),
    ("everstep-tools-network", &["everstep-tool", "everstep-core"]),
    ("everstep-board-linux", &["everstep-core", "everstep-tool", "everstep-tools-device"]),
    ("everstep-board-sim", &["everstep-core", "everstep-tool", "everstep-tools-device"]),
    ("everstep-driver", &["everstep-core", "everstep-journal", "everstep-model", "everstep-tool"]),
    (
        "everstep",
        &[
            "everstep-core",
            "everstep-journal",
            "everstep-driver",
            "everstep-model",
            "everstep-model-llama",
            "everstep-eval",
            "everstep-tool",
            "everstep-tools-device",
            "everstep-tools-network",
            "everstep-board-linux",
            "everstep-board-sim",
        ],
    ),
];

/// Crates outside the product: they may see everything.
const FREE: &[&str] = &[
    "system-tests",
    "system-benches",
    "journal-bench",
    "journal-proof",
    "network-tests",
    "peer-tests",
    "peers-bench",
];

fn manifests() -> BTreeMap<String, toml::Table> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &Path| -> toml::Table { fs::read_to_string(path).unwrap().parse().unwrap() };
    let workspace = read(&root.join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| read(&root.join(member.as_str().unwrap()).join("Cargo.toml")))
        .map(|manifest| (manifest["package"]["name"].as_str().unwrap().to_owned(), manifest))
        .collect()
}

fn ours(table: Option<&toml::Value>) -> Vec<String> {
    let names = table.and_then(toml::Value::as_table).map(|table| table.keys().cloned().collect::<Vec<_>>());
    names.unwrap_or_default().into_iter().filter(|name| name.starts_with("everstep")).collect()
}

#[test]
fn arrows_point_down_only() {
    let manifests = manifests();
    for (name, manifest) in &manifests {
        if FREE.contains(&name.as_str()) {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("{name} has no layer yet"));
        for target in ["dependencies", "build-dependencies"] {
            for dependency in ours(manifest.get(target)) {
                assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
            }
        }
    }
    for (name, _) in ARROWS {
        assert!(manifests.contains_key(*name), "{name} is in the layers, but not in the workspace");
    }
}

#[test]
fn only_the_engine_knows_llama_cpp() {
    for (name, manifest) in manifests() {
        let knows = manifest
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .is_some_and(|table| table.keys().any(|dependency| dependency.starts_with("llama-cpp")));
        assert_eq!(knows, name == "everstep-model-llama", "{name}");
    }
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    for (name, manifest) in manifests() {
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{name}");
    }
}
