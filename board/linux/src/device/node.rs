//! What is said of a node in `/dev` that can't be opened, so that a technician knows what to do.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Where groups have their names.
const GROUPS: &str = "/etc/group";
/// The bits of a mode that let a group read and write.
const GROUP_MAY: u32 = 0o060;

/// What an error on opening `path` means, in one line.
pub(crate) fn not_opened(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => missing(path),
        io::ErrorKind::PermissionDenied => denied(path),
        io::ErrorKind::ResourceBusy => format!("{}: another program uses it: stop that one", path.display()),
        _ => format!("{}: {error}", path.display()),
    }
}

/// That there is no such node, and which others of its kind there are.
pub(crate) fn missing(path: &Path) -> String {
    let others = like(path);
    let there = if others.is_empty() {
        format!("this machine has no {}N: enable its driver", stem(path))
    } else {
        let others: Vec<_> = others.iter().map(|other| other.display().to_string()).collect();
        format!("this machine has {}", others.join(", "))
    };
    format!("{} is missing: {there}", path.display())
}

/// The nodes beside `path` whose names differ from its name in numbers only, in order.
fn like(path: &Path) -> Vec<PathBuf> {
    let (folder, stem) = (path.parent().unwrap_or(Path::new("/")), stem_of_name(path));
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_like = |path: &PathBuf| path.file_name().is_some() && stem_of_name(path) == stem;
    let mut others: Vec<_> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_like).collect();
    // Shorter names first: 9 comes before 10.
    others.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    others
}

/// The path without the number at its end: `/dev/i2c-`.
fn stem(path: &Path) -> String {
    path.with_file_name(stem_of_name(path)).display().to_string()
}

fn stem_of_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.').to_owned()
}

/// That this user may not open `path`, and what gives the right.
pub(crate) fn denied(path: &Path) -> String {
    let advice = fs::metadata(path).ok().and_then(|node| {
        let groups = fs::read_to_string(GROUPS).unwrap_or_default();
        group_with_access(node.mode(), node.gid(), &groups)
    });
    let advice = match advice {
        Some(group) => format!("add the user to group {group} and log in again"),
        None => "run as root, or give a group access with a udev rule".into(),
    };
    format!("{}: no permission: {advice}", path.display())
}

/// The group that may use a node, unless it is root's own.
fn group_with_access(mode: u32, gid: u32, groups: &str) -> Option<String> {
    if mode & GROUP_MAY != GROUP_MAY || gid == 0 {
        return None;
    }
    let name = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(gid)).then(|| name.to_owned())
    });
    Some(name.unwrap_or_else(|| gid.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_node_is_told_with_those_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let dir = folder.path().display().to_string();
        let told = |name: &str| missing(&at(name)).replace(&dir, "/dev");
        assert_eq!(told("i2c-1"), "/dev/i2c-1 is missing: this machine has no /dev/i2c-N: enable its driver");
        for name in ["i2c-10", "i2c-9", "i2cdetect", "gpiochip4", "spidev0.1"] {
            fs::write(at(name), "").unwrap();
        }
        assert_eq!(told("i2c-1"), "/dev/i2c-1 is missing: this machine has /dev/i2c-9, /dev/i2c-10");
        assert_eq!(told("gpiochip0"), "/dev/gpiochip0 is missing: this machine has /dev/gpiochip4");
        assert_eq!(told("spidev0.0"), "/dev/spidev0.0 is missing: this machine has /dev/spidev0.1");
    }

    #[test]
    fn group_that_may_use_a_node_is_named() {
        let groups = "root:x:0:\ni2c:x:998:pi\n";
        assert_eq!(group_with_access(0o660, 998, groups).as_deref(), Some("i2c"));
        assert_eq!(group_with_access(0o660, 997, groups).as_deref(), Some("997"));
        // Neither helps: the group may not, or is root's.
        assert_eq!(group_with_access(0o600, 998, groups), None);
        assert_eq!(group_with_access(0o660, 0, groups), None);
    }

    #[test]
    fn errors_are_told_by_their_kind() {
        let told = |error: i32| not_opened(Path::new("/dev/null"), &io::Error::from_raw_os_error(error));
        assert!(told(libc::EACCES).starts_with("/dev/null: no permission: "), "{}", told(libc::EACCES));
        assert!(told(libc::EBUSY).contains("another program uses it"));
        assert!(told(libc::EIO).starts_with("/dev/null: Input/output error"));
    }
}
