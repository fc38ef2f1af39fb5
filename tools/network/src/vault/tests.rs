//! Which secrets are taken, and that no form of one comes through.

use super::*;
use crate::rehearsal::{base64, forms, json, percent};

/// With letters that need escapes, and with those that make `+` and `/` in base64.
const SECRET: &str = "tok-9fQ/z+7\"\\é???~~~>>>&Zk#1";

fn vault(secrets: &[(&str, &str)]) -> Vault {
    let secrets =
        secrets.iter().map(|(name, value)| ((*name).to_owned(), Zeroizing::new(value.as_bytes().to_vec())));
    Vault::new(secrets).unwrap()
}

#[test]
fn no_form_of_a_secret_comes_through() {
    let vault = vault(&[("api", SECRET)]);
    let forms = forms(SECRET);
    assert!(forms.len() > 150, "{}", forms.len());
    for form in &forms {
        let text = format!("{{\"error\": \"bad token {form} for user\"}}");
        let masked = vault.mask(&text);
        assert!(masked.contains("[secret api]"), "{form}: {masked}");
        assert!(masked.starts_with("{\"error\": \"bad token "), "{masked}");
        assert!(masked.ends_with(" for user\"}"), "{masked}");
        // No more than the letters of another text that share a group with it stay.
        assert!(masked.len() < 110, "{form}: {masked}");
    }
}

#[test]
fn three_layers_of_escapes_are_undone_and_both_alphabets_are_used() {
    let vault = vault(&[("api", SECRET)]);
    for layers in [
        json(&json(&json(SECRET))),
        percent(&percent(&percent(SECRET, true), true), true),
        percent(&json(&percent(SECRET, true)), false),
        json(&percent(&json(SECRET), false)),
    ] {
        assert_eq!(vault.mask(&layers), "[secret api]", "{layers}");
    }
    for before in ["", "x", "xy"] {
        let standard = base64(format!("{before}{SECRET}").as_bytes(), false);
        let url = base64(format!("{before}{SECRET}").as_bytes(), true);
        assert!(standard.contains(['+', '/']) && url.contains(['-', '_']), "{standard} {url}");
    }
}

#[test]
fn ordinary_text_stays_as_it_is() {
    let vault = vault(&[("api", SECRET), ("other", "correct horse battery staple")]);
    for text in ["", "21.5", "a+b %41 \\u0041 \\n 100%", "tok-9fQ/z+7", "naïve ünïcode 😀", "[secret api]"]
    {
        assert_eq!(vault.mask(text), text);
    }
}

#[test]
fn several_secrets_are_told_apart_and_the_longer_wins() {
    let vault = vault(&[("short", "hunter22"), ("long", "xx-hunter22-yy"), ("other", "pa55w0rd!")]);
    assert_eq!(
        vault.mask("hunter22,xx-hunter22-yy,pa55w0rd!pa55w0rd!"),
        "[secret short],[secret long],[secret other][secret other]"
    );
}

#[test]
fn base64_in_lines_and_hex_in_pairs_are_found() {
    let vault = vault(&[("api", SECRET)]);
    let lines = base64(SECRET.as_bytes(), false);
    let lines = format!("{}\r\n{}", &lines[..10], &lines[10..]);
    assert_eq!(vault.mask(&lines), "[secret api]");
    let pairs = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    assert_eq!(vault.mask(&pairs), "[secret api]");
}

#[test]
fn secrets_too_short_too_plain_or_no_text_are_refused_without_their_content() {
    let new = |bytes: &[u8]| {
        Vault::new([("api".to_owned(), Zeroizing::new(bytes.to_vec()))]).unwrap_err().to_string()
    };
    assert_eq!(new(b"hunter2\n"), "a secret has 8 to 8192 bytes, not 7");
    assert_eq!(new(&[b'x'; 8193]), "a secret has 8 to 8192 bytes, not 8193");
    assert_eq!(new(b"\xFF\xFE\xFDabcdefgh"), "a secret is text in UTF-8");
    assert_eq!(new(b"aaaaaaaaaaaaaa"), "a secret has at least 4 different bytes");
}

#[test]
fn debug_shows_nothing_and_a_line_end_is_no_part() {
    let vault = vault(&[("api", "hunter2222\r\n")]);
    assert_eq!(format!("{vault:?}"), "Vault { .. }");
    assert_eq!(vault.get("api"), Some("hunter2222"));
    assert_eq!((vault.get("none"), vault.has("api")), (None, true));
}

#[test]
fn a_secret_that_ends_within_a_letter_of_an_escape_leaves_whole_text() {
    let vault = vault(&[("api", "geheim-é7x")]);
    assert_eq!(vault.mask("%67eheim-%C3%A97x%C3%A9 é"), "[secret api]%C3%A9 é");
}

proptest::proptest! {
    #[test]
    fn any_text_is_masked_without_a_panic(text in "\\PC*", secret in "[a-zA-Z0-9%\\\\+/]{8,20}") {
        if let Ok(vault) = Vault::new([("s".to_owned(), Zeroizing::new(secret.clone().into_bytes()))]) {
            let masked = vault.mask(&format!("{text}{secret}{text}"));
            proptest::prop_assert!(!masked.contains(&secret));
        }
    }
}
