//! Which secrets are taken, and that no form of one comes through.

use super::*;

const SECRET: &str = "tok-9fQ/z+7\"\\é&Zk#1";

fn vault(secrets: &[(&str, &str)]) -> Vault {
    let secrets =
        secrets.iter().map(|(name, value)| ((*name).to_owned(), Zeroizing::new(value.as_bytes().to_vec())));
    Vault::new(secrets).unwrap()
}

fn base64(bytes: &[u8], url: bool) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..group.len()].copy_from_slice(group);
        let word = u32::from(word[0]) << 16 | u32::from(word[1]) << 8 | u32::from(word[2]);
        for index in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * index) & 63) as usize];
            text.push(if index > group.len() { '=' } else { char::from(letter) });
        }
    }
    if url { text.replace('+', "-").replace('/', "_") } else { text }
}

fn percent(text: &str, all: bool) -> String {
    let is_plain = |byte: u8| !all && byte.is_ascii_alphanumeric();
    let shown = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(shown).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn forms() -> Vec<String> {
    let hex = hex(SECRET);
    let mut forms = vec![SECRET.to_owned(), hex.clone(), hex.to_uppercase()];
    for before in ["", "u", "us", "user:"] {
        for (behind, url) in [("", false), (":x", false), ("", true), ("yz", true)] {
            forms.push(base64(format!("{before}{SECRET}{behind}").as_bytes(), url));
        }
    }
    let plain = forms.clone();
    for form in &plain {
        forms.extend([percent(form, false), percent(form, true), percent(form, true).to_lowercase()]);
        forms.extend([json(form), json(&json(form)), json(form).replace('/', "\\/")]);
        forms.extend([
            percent(&json(form), false),
            json(&percent(form, false)),
            percent(&percent(form, true), false),
        ]);
    }
    let escaped = SECRET.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat();
    forms.extend([escaped.to_lowercase(), escaped]);
    forms
}

#[test]
fn no_form_of_a_secret_comes_through() {
    let vault = vault(&[("api", SECRET)]);
    let forms = forms();
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
