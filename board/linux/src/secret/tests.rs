//! Where secrets are taken from, and that this process's memory stays its own.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

fn source(text: &str) -> SecretSource {
    text.parse().unwrap()
}

#[test]
fn sources_are_told_by_their_prefix_and_a_secret_in_place_is_not_repeated() {
    for text in ["file:/etc/everstep/api.token", "env:API_TOKEN", "systemd-creds:api"] {
        assert_eq!(source(text).to_string(), text);
    }
    for text in
        ["", "hunter2hunter2", "file:", "env:", "env:A-B", "env:A=B", "systemd-creds:../x", "https://key"]
    {
        let error = text.parse::<SecretSource>().unwrap_err().to_string();
        assert!(error.contains("`file:PATH`, `env:VARIABLE`") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn files_are_private_and_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.token");
    fs::write(&path, "hunter2hunter2\n").unwrap();
    let read = |mode| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        source("file:api.token").read(folder.path(), 32).map_err(|error| error.to_string())
    };
    assert_eq!(read(0o600).unwrap().as_slice(), b"hunter2hunter2\n");
    assert!(read(0o640).unwrap_err().contains("may be read by others (mode 640): `chmod 600` it"));
    fs::write(&path, [b'x'; 33]).unwrap();
    assert!(read(0o600).unwrap_err().contains("more than 32 bytes: it is no secret"));
    let missing = source("file:none").read(folder.path(), 32).unwrap_err().to_string();
    assert!(missing.contains("there is no file") && missing.contains("umask 077"), "{missing}");
}

#[test]
fn somebody_else_s_file_is_refused() {
    let check = |uid, user| check_private(Path::new("x"), 0o100_600, uid, user).is_ok();
    assert!(check(1000, 1000) && check(0, 1000) && !check(1001, 1000) && !check(1000, 0));
}

#[test]
fn variables_are_read_or_named() {
    // Cargo sets this one for every test.
    let name = source("env:CARGO_PKG_NAME").read(Path::new(""), 64).unwrap();
    assert_eq!(name.as_slice(), b"everstep-board-linux");
    assert!(source("env:CARGO_PKG_NAME").read(Path::new(""), 3).is_err());
    let missing = source("env:EVERSTEP_NO_SUCH_VARIABLE").read(Path::new(""), 64).unwrap_err().to_string();
    assert!(missing.contains("no variable `EVERSTEP_NO_SUCH_VARIABLE`"), "{missing}");
}

#[test]
fn loading_a_secret_switches_core_dumps_off_and_names_what_is_missing() {
    let secrets = |sources: &[(&str, &str)]| {
        sources.iter().map(|(name, text)| ((*name).to_owned(), source(text))).collect::<BTreeMap<_, _>>()
    };
    assert!(load(&secrets(&[]), Path::new("")).unwrap().is_empty());
    let loaded = load(&secrets(&[("a", "env:CARGO_PKG_NAME")]), Path::new("")).unwrap();
    assert_eq!(loaded.first().map(|(name, _)| name.as_str()), Some("a"));
    assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    let core = rustix::process::getrlimit(Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    let both = secrets(&[("a", "env:CARGO_PKG_NAME"), ("b", "file:none")]);
    assert_eq!(load(&both, Path::new("/nonexistent")).unwrap_err().0, "b");
}
