//! Every example of docs/network.md is a board file's section that passes its checks.

use std::{collections::BTreeMap, fs, path::Path};

use everstep_tools_network::NetworkSection;
use serde::Deserialize;

/// The parts of a board file that the page is about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    #[serde(default)]
    network: NetworkSection,
    #[serde(default)]
    secret: BTreeMap<String, String>,
}

#[test]
fn examples_of_the_page_are_taken() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/network.md");
    let text = fs::read_to_string(page).unwrap();
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let (mut http, mut query, mut mqtt, mut secrets) = (0, 0, 0, 0);
    for example in &examples {
        let read: Example = toml::from_str(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
        read.network.check().unwrap_or_else(|(key, message)| panic!("network.{key}: {message}\n{example}"));
        http += read.network.http.len();
        query += read.network.query.len();
        let brokers = read.network.mqtt.values();
        mqtt += brokers.map(|one| one.publish.len() + one.latest.len() + one.wait.len()).sum::<usize>();
        secrets += read.secret.len();
    }
    println!(
        "{} examples, {http} endpoints, {query} queries, {mqtt} tools of brokers, {secrets} secrets",
        examples.len()
    );
    assert!(http >= 5 && query >= 1 && mqtt >= 6 && secrets >= 3, "{http} {query} {mqtt} {secrets}");
}
