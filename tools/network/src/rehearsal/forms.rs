//! The forms in which a secret may come back.

/// Base64 of either alphabet, with padding.
pub(crate) fn base64(bytes: &[u8], url: bool) -> String {
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

/// Percent-encoded: all bytes, or those that need it.
pub(crate) fn percent(text: &str, all: bool) -> String {
    let is_plain = |byte: u8| !all && byte.is_ascii_alphanumeric();
    let shown = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(shown).collect()
}

/// Percent-encoded as the part of a path: `+` is left as it is, and so is what no address gives a meaning.
fn percent_in_path(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._~".contains(&byte);
    let shown = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(shown).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// As it stands in a text of JSON.
pub(crate) fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Every form in which a secret may come back.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let hex = hex(secret);
    let mut forms = vec![secret.to_owned(), hex.clone(), hex.to_uppercase()];
    for before in ["", "u", "us", "user:"] {
        for (behind, url) in [("", false), (":x", false), ("", true), ("yz", true)] {
            forms.push(base64(format!("{before}{secret}{behind}").as_bytes(), url));
        }
    }
    let plain = forms.clone();
    for form in &plain {
        forms.extend([percent(form, false), percent(form, true), percent(form, true).to_lowercase()]);
        forms.extend([percent_in_path(form), percent_in_path(&percent_in_path(form))]);
        forms.extend([json(form), json(&json(form)), json(form).replace('/', "\\/")]);
        forms.extend([
            percent(&json(form), false),
            json(&percent(form, false)),
            percent(&percent(form, true), false),
        ]);
    }
    let escaped = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat();
    forms.extend([escaped.to_lowercase(), escaped]);
    forms
}
