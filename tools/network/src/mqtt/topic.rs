//! Names of topics, filters over them, and the places in a topic that a call fills in.

use crate::{parameter::Values, template::Template};

/// Bytes of a topic or a filter.
pub(super) const TOPIC_BYTES_MAX: usize = 512;

/// What is wrong with a topic to publish to, as the board file has it, if anything.
pub(super) fn check_topic(topic: &str) -> Result<(), String> {
    check(topic)?;
    if topic.contains(['+', '#']) {
        return Err("a message goes to one topic: no `+` or `#`".into());
    }
    if Template::new(topic).has_braces() {
        return Err("what stands in braces is the name of a parameter, of a-z, 0-9 and _".into());
    }
    // Topics that begin with `$` are the broker's own; a value could make one.
    if topic.starts_with('{') {
        return Err("a topic begins with its own letters, not with a parameter".into());
    }
    Ok(())
}

/// What is wrong with a filter to subscribe to, if anything.
pub(super) fn check_filter(filter: &str) -> Result<(), String> {
    check(filter)?;
    let levels: Vec<_> = filter.split('/').collect();
    let is_wrong = |(index, level): (usize, &&str)| {
        let is_last = index + 1 == levels.len();
        level.len() > 1 && level.contains(['+', '#']) || *level == "#" && !is_last
    };
    if levels.iter().enumerate().any(is_wrong) {
        return Err("`+` stands for one whole level, and `#` for all levels at the end".into());
    }
    if filter.starts_with("$share/") {
        return Err("a shared subscription gives its messages to others, too".into());
    }
    Ok(())
}

/// Whether a filter stands for more than one topic.
pub(super) fn is_wild(filter: &str) -> bool {
    filter.contains(['+', '#'])
}

/// Whether a message to `topic` comes through `filter`.
pub(super) fn matches(topic: &str, filter: &str) -> bool {
    // The broker's own topics come only where they are asked for.
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut levels, mut wanted) = (topic.split('/'), filter.split('/'));
    loop {
        match (levels.next(), wanted.next()) {
            (None, None) | (_, Some("#")) => return true,
            (Some(level), Some(want)) if want == "+" || want == level => {}
            _ => return false,
        }
    }
}

/// The topic with the values in it, none of which leaves its level.
pub(super) fn fill(template: &Template, values: &Values) -> Result<String, String> {
    for name in template.names() {
        let text = crate::parameter::value_of(values, name).map(crate::parameter::Given::text);
        let is_wrong = |letter: char| matches!(letter, '+' | '#' | '/') || letter.is_control();
        if let Some(letter) = text.unwrap_or_default().chars().find(|letter| is_wrong(*letter)) {
            return Err(format!("{name} stands in a topic, it must have no `{}`", letter.escape_debug()));
        }
    }
    let topic = template.fill(values, str::to_owned)?;
    if topic.len() > TOPIC_BYTES_MAX {
        return Err(format!("the values make the topic longer than {TOPIC_BYTES_MAX} bytes"));
    }
    Ok(topic)
}

fn check(text: &str) -> Result<(), String> {
    if !(1..=TOPIC_BYTES_MAX).contains(&text.len()) {
        return Err(format!("a topic has 1 to {TOPIC_BYTES_MAX} bytes, not {}", text.len()));
    }
    if text.contains(char::is_control) {
        return Err("a topic has no control characters".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Given;

    #[test]
    fn topics_and_filters_are_told_apart() {
        for (topic, told) in [
            ("a/+/b", "one topic"),
            ("a/#", "one topic"),
            ("a/{Room}", "in braces"),
            ("{room}/a", "begins with its own"),
            ("", "not 0"),
            ("a\0b", "control"),
        ] {
            let error = check_topic(topic).unwrap_err();
            assert!(error.contains(told), "{topic:?}: {error}");
        }
        for filter in ["a/b#", "#/a", "a/+b/c", "a+", "$share/g/a", "", "a\n"] {
            assert!(check_filter(filter).is_err(), "{filter:?}");
        }
        for filter in ["a", "/", "+", "#", "+/a/#", "a/+/b", "$SYS/#"] {
            assert_eq!(check_filter(filter), Ok(()), "{filter}");
        }
        assert_eq!(
            check_topic("a/{room}/set {not a place"),
            Err("what stands in braces is the name of a parameter, of a-z, 0-9 and _".into())
        );
        assert!(is_wild("a/#") && is_wild("+/a") && !is_wild("a/b"));
    }

    #[test]
    fn filters_take_what_the_protocol_says() {
        for (topic, filter, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/+", true),
            ("a/b", "+/+", true),
            ("a/b", "#", true),
            ("a", "a/#", true),
            ("a/b/c", "a/#", true),
            ("/a", "+/a", true),
            ("a/b", "+", false),
            ("a/b", "a", false),
            ("a", "a/+", false),
            ("A/b", "a/b", false),
            ("$SYS/a", "#", false),
            ("$SYS/a", "+/a", false),
            ("$SYS/a", "$SYS/#", true),
        ] {
            assert_eq!(matches(topic, filter), expected, "{topic} {filter}");
            // rumqttc finds nothing in topics of the broker's own.
            let theirs = rumqttc::mqttbytes::matches(topic, filter);
            assert_eq!(theirs, expected && !topic.starts_with('$'), "{topic} {filter}");
        }
    }

    #[test]
    fn values_stay_in_their_level() {
        let template = Template::new("lab/{room}/set");
        let fill = |room: &str| fill(&template, &vec![("room".to_owned(), Given::Text(room.to_owned()))]);
        assert_eq!(fill("cold 1").unwrap(), "lab/cold 1/set");
        for wrong in ["a/b", "+", "#", "a\0", "a\u{7f}", "a\n"] {
            assert!(
                fill(wrong).unwrap_err().starts_with("room stands in a topic, it must have no"),
                "{wrong:?}"
            );
        }
        assert!(fill(&"x".repeat(TOPIC_BYTES_MAX)).is_err());
    }
}
