//! Groups of schemas and instances in the JSON Schema Test Suite's form: what a constraint takes that it
//! should not, refuses that it need not, and which keywords it can't enforce.
//!
//! Leaves out the constraint: a caller asks it and hands in what it said.

mod spelling;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

pub use self::spelling::spell;
use crate::{FILE_BYTES_MAX, Share};

/// One schema and instances of which is known whether it takes them.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct SchemaGroup {
    /// What the group is about.
    pub description: String,
    /// The schema.
    pub schema: Value,
    /// Its instances.
    pub tests: Vec<SchemaTest>,
}

/// One instance.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct SchemaTest {
    /// What it is about.
    pub description: String,
    /// The instance.
    pub data: Value,
    /// Whether the schema takes it.
    pub valid: bool,
}

/// Why a file of groups can't be used.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    /// The file can't be read; check its path.
    #[error("{} can't be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is longer than is read; split it.
    #[error("{} has more than {FILE_BYTES_MAX} bytes: split it", path.display())]
    TooBig {
        /// The file.
        path: PathBuf,
    },
    /// The file is no list of groups.
    #[error("{} has no groups of schemas in the JSON Schema Test Suite's form: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads every group of the file at `path`, in order.
///
/// # Errors
///
/// See [`GroupsError`]; each names the file.
pub fn read_groups(path: &Path) -> Result<Vec<SchemaGroup>, GroupsError> {
    let failed = |source| GroupsError::File { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let bytes = file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_string(&mut text).map_err(failed)?;
    if bytes as u64 > FILE_BYTES_MAX {
        return Err(GroupsError::TooBig { path: path.to_owned() });
    }
    serde_json::from_str(&text).map_err(|source| GroupsError::Form { path: path.to_owned(), source })
}

/// What a constraint said about one instance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It could be generated.
    Taken,
    /// It could not.
    Refused,
    /// The constraint failed, which would have ended the generation; why.
    Failed(String),
}

/// Whether a verdict is the right one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rightness {
    /// It is.
    Right,
    /// What the schema forbids could be generated.
    FalseAccept,
    /// What the schema allows could not.
    FalseReject,
}

impl Verdict {
    /// Whether it is right. A constraint that fails lets nothing pass.
    #[must_use]
    pub fn rightness(&self, valid: bool) -> Rightness {
        match (self, valid) {
            (Self::Taken, true) | (Self::Refused | Self::Failed(_), false) => Rightness::Right,
            (Self::Taken, false) => Rightness::FalseAccept,
            (Self::Refused | Self::Failed(_), true) => Rightness::FalseReject,
        }
    }
}

/// Counts of groups.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SchemaTally {
    /// Groups whose schema is enforced, of all.
    pub groups: Share,
    /// Instances of those groups, of all instances.
    pub tests: Share,
    /// Instances that were judged right, of those that were judged.
    pub right: Share,
    /// Instances taken that the schema forbids.
    pub false_accepts: u64,
    /// Instances refused that the schema allows.
    pub false_rejects: u64,
    /// Instances at which the constraint failed; they are counted as refused, too.
    pub failed: u64,
    /// How many groups were refused, by the keyword that can't be enforced or another reason.
    pub unsupported: BTreeMap<String, u64>,
}

impl SchemaTally {
    /// Counts a group whose schema is refused because of `keyword`.
    pub fn refused(&mut self, group: &SchemaGroup, keyword: &str) {
        self.groups.count(Some(false));
        group.tests.iter().for_each(|_| self.tests.count(Some(false)));
        let count = self.unsupported.entry(keyword.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// Counts a group whose schema is enforced.
    pub fn supported(&mut self) {
        self.groups.count(Some(true));
    }

    /// Counts an instance of such a group.
    pub fn judged(&mut self, test: &SchemaTest, verdict: &Verdict) {
        self.tests.count(Some(true));
        let rightness = verdict.rightness(test.valid);
        self.right.count(Some(rightness == Rightness::Right));
        let counter = match rightness {
            Rightness::Right => None,
            Rightness::FalseAccept => Some(&mut self.false_accepts),
            Rightness::FalseReject => Some(&mut self.false_rejects),
        };
        if let Some(counter) = counter {
            *counter = counter.saturating_add(1);
        }
        self.failed = self.failed.saturating_add(u64::from(matches!(verdict, Verdict::Failed(_))));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn verdicts_are_right_or_wrong_one_way_or_the_other() {
        let failed = || Verdict::Failed("stuck".to_owned());
        for (verdict, valid, expected) in [
            (Verdict::Taken, true, Rightness::Right),
            (Verdict::Taken, false, Rightness::FalseAccept),
            (Verdict::Refused, true, Rightness::FalseReject),
            (Verdict::Refused, false, Rightness::Right),
            (failed(), true, Rightness::FalseReject),
            (failed(), false, Rightness::Right),
        ] {
            assert_eq!(verdict.rightness(valid), expected, "{verdict:?} {valid}");
        }
    }

    #[test]
    fn refused_groups_count_with_all_their_instances() {
        let test = |valid| SchemaTest { description: String::new(), data: json!(1), valid };
        let group = SchemaGroup {
            description: String::new(),
            schema: json!({}),
            tests: vec![test(true), test(false)],
        };
        let mut tally = SchemaTally::default();
        tally.refused(&group, "not");
        tally.refused(&group, "not");
        tally.supported();
        tally.judged(&test(true), &Verdict::Taken);
        tally.judged(&test(true), &Verdict::Failed("stuck".to_owned()));
        tally.judged(&test(false), &Verdict::Taken);
        let share = |part, whole| Share { part, whole };
        assert_eq!((tally.groups, tally.tests, tally.right), (share(1, 3), share(3, 7), share(1, 3)));
        assert_eq!((tally.false_accepts, tally.false_rejects, tally.failed), (1, 1, 1));
        assert_eq!(tally.unsupported, BTreeMap::from([("not".to_owned(), 2)]));
    }

    #[test]
    fn file_that_is_no_list_of_groups_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_groups(&path)
        };
        let good = r#"[{"description": "a", "schema": true, "comment": "", "tests": []}]"#;
        assert_eq!(read(good).unwrap().len(), 1);
        for bad in ["{}", "[{}]", "[", r#"[{"description": "a", "tests": []}]"#] {
            let error = read(bad).unwrap_err();
            assert!(matches!(error, GroupsError::Form { .. }), "{error}");
            assert!(error.to_string().contains("groups.json"), "{error}");
        }
        assert!(matches!(read_groups(folder.path()), Err(GroupsError::File { .. })));
    }
}
