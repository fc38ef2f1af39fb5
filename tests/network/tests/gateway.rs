//! The gateway example of the README does what it says.

use network_tests::gateway::{Seen, rehearse};

#[test]
fn gateway_works_every_end_once_and_moves_nothing_before_the_operator_s_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut shown = String::new();
    let seen = rehearse(&folder.path().join("site"), &mut |text| shown.push_str(text));
    let seen = seen.unwrap_or_else(|error| panic!("{error:#}\n{shown}"));
    assert_eq!(seen, Seen::EXPECTED, "{shown}");
    assert!(shown.contains("the inlet is open."), "{shown}");
}
