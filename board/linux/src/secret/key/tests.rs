//! Which key files are taken.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

fn read_file(content: &[u8], mode: u32) -> Result<[u8; KEY_BYTES], KeyError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flash.key");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let source: KeySource = "file:flash.key".parse().unwrap();
    source.read(folder.path()).map(|key| *key)
}

#[test]
fn a_key_is_bytes_or_their_digits() {
    let bytes: Vec<u8> = (0..32).collect();
    let digits = bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    let key = read_file(&bytes, 0o600).unwrap();
    assert_eq!(key.to_vec(), bytes);
    assert_eq!(read_file(digits.as_bytes(), 0o400).unwrap(), key);
    assert_eq!(read_file(format!("{}\n", digits.to_uppercase()).as_bytes(), 0o600).unwrap(), key);
    // Newlines are bytes like all others in a raw key.
    assert_eq!(read_file(&[b'\n'; 32], 0o600).unwrap(), [b'\n'; 32]);
}

#[test]
fn anything_else_is_refused_by_name() {
    for content in [&b""[..], &[1; 31], &[1; 33], &[b'x'; 64], &[b'a'; 66], &[0; 4096]] {
        assert!(matches!(read_file(content, 0o600), Err(KeyError::NotAKey { .. })), "{content:?}");
    }
    for mode in [0o640, 0o604, 0o666, 0o602] {
        let refused = read_file(&[1; 32], mode).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }
    let missing = "file:nowhere".parse::<KeySource>().unwrap().read(Path::new("/")).unwrap_err();
    assert!(missing.to_string().contains("head -c 32 /dev/urandom > /nowhere"), "{missing}");
}

#[test]
fn sources_are_told_by_their_prefix() {
    for text in ["file:/etc/everstep/flash.key", "systemd-creds:flash"] {
        assert_eq!(text.parse::<KeySource>().unwrap().to_string(), text);
    }
    for text in ["", "flash.key", "file:", "systemd-creds:", "systemd-creds:../x", "env:KEY", "http://key"] {
        assert!(text.parse::<KeySource>().is_err(), "{text}");
    }
}
