//! The constraint takes nothing that a schema forbids: on groups of our own, and on the whole JSON Schema
//! Test Suite where the shared data is there. Fed token by token, over the bundled model's vocabulary.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use everstep_eval::{Rightness, SchemaGroup, Verdict, read_groups, spell};
use everstep_model_llama::{GrammarError, SchemaProbe};

/// Share of the suite's groups that are enforced, in percent, and instances of them that are refused
/// although they are valid: numbers beyond a quadrillion, 1.0 for 1, control characters.
const SUITE_GROUPS_PERCENT_MIN: usize = 40;
const SUITE_FALSE_REJECTS_MAX: usize = 25;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn probe() -> SchemaProbe {
    let wren = env::var_os("EVERSTEP_WREN").map_or_else(|| here("../wren/wren.gguf"), PathBuf::from);
    SchemaProbe::open(&wren).unwrap()
}

/// The lines of what is judged wrongly in a group, accepts and rejects apart.
fn wrong(probe: &SchemaProbe, group: &SchemaGroup) -> Result<[Vec<String>; 2], GrammarError> {
    let taker = probe.compile(&group.schema)?;
    let mut wrong = [Vec::new(), Vec::new()];
    for test in &group.tests {
        let text = spell(&group.schema, &test.data);
        let verdict = if taker.takes(&text).unwrap() { Verdict::Taken } else { Verdict::Refused };
        let line = || format!("{}: {}: {text}", group.description, test.description);
        match verdict.rightness(test.valid) {
            Rightness::Right => {}
            Rightness::FalseAccept => wrong[0].push(line()),
            Rightness::FalseReject => wrong[1].push(line()),
        }
    }
    Ok(wrong)
}

#[test]
fn groups_of_our_own_are_judged_right() {
    let probe = probe();
    let mut tests = 0;
    for group in read_groups(&here("tests/schemas/own.json")).unwrap() {
        // What a group says is checked by another implementation first.
        for test in &group.tests {
            let valid = jsonschema::is_valid(&group.schema, &test.data);
            assert_eq!(valid, test.valid, "{}: {}", group.description, test.description);
            tests += 1;
        }
        let [accepts, rejects] = wrong(&probe, &group).unwrap();
        assert!(accepts.is_empty() && rejects.is_empty(), "{accepts:?} {rejects:?}");
    }
    assert!(tests > 100, "{tests}");
}

#[test]
fn nothing_the_suite_forbids_is_taken() {
    let suite = here("../../../shared/data/json-schema/draft2020-12");
    if !suite.is_dir() {
        println!("{} is not there: the suite is left out", suite.display());
        return;
    }
    let probe = probe();
    let (mut groups, mut supported, mut rejects) = (0, 0, 0);
    let mut folders = vec![suite];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for group in read_groups(&path).unwrap() {
                groups += 1;
                match wrong(&probe, &group) {
                    Ok([false_accepts, false_rejects]) => {
                        assert!(false_accepts.is_empty(), "{}: {false_accepts:?}", path.display());
                        supported += 1;
                        rejects += false_rejects.len();
                    }
                    // Nothing is left to llguidance to find out.
                    Err(error) => assert!(matches!(error, GrammarError::Schema { .. }), "{error}"),
                }
            }
        }
    }
    assert!(supported * 100 > groups * SUITE_GROUPS_PERCENT_MIN, "{supported} of {groups}");
    assert!(rejects <= SUITE_FALSE_REJECTS_MAX, "{rejects}");
}
