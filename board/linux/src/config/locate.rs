//! Which line and key of a board file something is about. For messages only: a file whose strings
//! look like keys may be told a wrong line, nothing worse.

/// A line of the file, from 1, and the full key it sets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) key: String,
}

/// Where byte `offset` lies: its line, and the key or table it belongs to.
pub(super) fn at_offset(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let key = keys(text).take_while(|place| place.line <= line).last().map(|place| place.key);
    Place { line, key: key.unwrap_or_default() }
}

/// An error about a whole table may begin with the key it is about, `pin: unknown field`: then that key's
/// place, and the rest of the message.
pub(super) fn narrowed<'a>(text: &str, place: Place, message: &'a str) -> (Place, &'a str) {
    let within = message.split_once(": ").and_then(|(key, rest)| {
        let full = format!("{}.{key}", place.key);
        keys(text).find(|inner| inner.key == full).map(|inner| (inner, rest))
    });
    within.unwrap_or((place, message))
}

/// The line of `key`, or that of the nearest table around it; 1 where there is neither.
pub(super) fn line_of(text: &str, key: &str) -> usize {
    let mut key = key;
    loop {
        if let Some(place) = keys(text).find(|place| place.key == key) {
            return place.line;
        }
        match key.rsplit_once('.') {
            Some((around, _)) => key = around,
            None => return 1,
        }
    }
}

/// Every table header and every key, in order, with tables written out.
fn keys(text: &str) -> impl Iterator<Item = Place> + '_ {
    let (mut table, mut in_text) = (String::new(), false);
    text.lines().zip(1..).filter_map(move |(content, line)| {
        let was_in_text = in_text;
        if (content.matches("\"\"\"").count() + content.matches("'''").count()) % 2 == 1 {
            in_text = !in_text;
        }
        let content = content.trim();
        if was_in_text || content.starts_with('#') {
            return None;
        }
        if let Some(header) = content.strip_prefix('[').and_then(|rest| rest.split(']').next())
            && !content.contains('=')
        {
            let header = header.trim_start_matches('[').trim();
            // The name of a host has dots; a text in a list has no name before its quotes.
            table = if header.contains(".\"") { header.replace('"', "") } else { header.to_owned() };
            return (!table.is_empty() && is_key(&table)).then(|| Place { line, key: table.clone() });
        }
        let name = content.split_once('=')?.0.trim();
        is_key(name).then(|| {
            let key = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
            Place { line, key }
        })
    })
}

/// Quoted names are left out: text in a list looks like them.
fn is_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = 1\n[agent.room]\n# task = 2\nsystem = '''\nsteps = 3\n'''\ngrants = [\n  \"a=b\",\n]\n[agent.room.limits]\nsteps = 9\n";

    #[test]
    fn keys_are_found_by_offset_with_their_tables() {
        let place = |needle: &str| {
            let Place { line, key } = at_offset(TEXT, TEXT.find(needle).unwrap());
            format!("{line} {key}")
        };
        assert_eq!(place("name"), "1 name");
        assert_eq!(place("a=b"), "8 agent.room.grants");
        assert_eq!(place("9"), "11 agent.room.limits.steps");
    }

    #[test]
    fn lines_are_found_by_key_or_by_the_nearest_table() {
        assert_eq!(line_of(TEXT, "agent.room.limits.steps"), 11);
        assert_eq!(line_of(TEXT, "agent.room.task"), 2);
        assert_eq!(line_of(TEXT, "agent.room.limits.calls"), 10);
        assert_eq!(line_of(TEXT, "world"), 1);
    }

    #[test]
    fn quoted_names_behind_others_are_found() {
        let text = "[network.host.\"api.example.com\"]\nconcurrent_max = 1\nlist = [\n[\"a\"],\n]\n";
        assert_eq!(line_of(text, "network.host.api.example.com.concurrent_max"), 2);
        assert_eq!(
            at_offset(text, text.find('1').unwrap()).key,
            "network.host.api.example.com.concurrent_max"
        );
    }

    #[test]
    fn an_error_of_a_table_is_narrowed_to_the_key_it_begins_with() {
        let narrow = |message: &'static str| {
            let (place, rest) =
                narrowed(TEXT, at_offset(TEXT, TEXT.find("[agent.room.limits]").unwrap()), message);
            format!("{} {}|{rest}", place.line, place.key)
        };
        assert_eq!(narrow("steps: must be more"), "11 agent.room.limits.steps|must be more");
        assert_eq!(narrow("calls: must be more"), "10 agent.room.limits|calls: must be more");
        assert_eq!(narrow("missing field"), "10 agent.room.limits|missing field");
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_offset_give_a_place(text in "\\PC*", offset in 0_usize..200) {
            let place = at_offset(&text, offset);
            proptest::prop_assert!(place.line >= 1);
            line_of(&text, &text);
        }
    }
}
