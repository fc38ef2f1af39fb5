use alloc::{string::String, vec, vec::Vec};

use super::*;

#[test]
fn text_at_the_limit_is_left_alone_and_one_byte_more_is_cut_visibly() {
    let at_limit = "x".repeat(64);
    assert_eq!(cut(at_limit.clone(), 64), at_limit);
    let over = cut("x".repeat(65), 64);
    assert_eq!(over.len(), 64);
    assert!(over.ends_with(" [cut: 65 bytes]"), "{over}");
}

#[test]
fn cut_text_never_exceeds_its_limit_and_ends_between_characters() {
    let text = "kühl-❄-".repeat(40);
    for bytes_max in 0..80 {
        let cut = cut(text.clone(), bytes_max);
        assert!(cut.len() <= bytes_max as usize, "{bytes_max}: {} bytes", cut.len());
    }
}

#[test]
fn reasons_end_between_characters_at_their_limit() {
    for lead in 0..4 {
        let reason = "a".repeat(lead) + &"❄".repeat(200);
        let short = shorten(reason.clone());
        assert!(reason.starts_with(&short));
        assert!((REASON_BYTES_MAX - 2..=REASON_BYTES_MAX).contains(&short.len()), "{}", short.len());
    }
    let at_limit = "r".repeat(REASON_BYTES_MAX);
    assert_eq!(shorten(at_limit.clone()), at_limit);
}

#[test]
fn stub_is_one_line_that_says_how_much_is_left_out_and_is_never_cut_again() {
    assert_eq!(stub(&"x".repeat(STUB_BYTES_MAX)), None);
    let text = alloc::format!("{}\nsecond line", "x".repeat(STUB_BYTES_MAX));
    let kept = "x".repeat(STUB_TEXT_BYTES_MAX);
    assert_eq!(stub(&text), Some(alloc::format!("{kept} [44 bytes left out]")));
    let lines = "door closed\r\n".repeat(20);
    assert_eq!(stub(&lines).as_deref(), Some("door closed [249 bytes left out]"));
    for lead in 0..4 {
        let text = "a".repeat(lead) + &"❄".repeat(1_000);
        let stubbed = stub(&text).unwrap();
        let (kept, mark) = stubbed.split_once(" [").unwrap();
        assert!(text.starts_with(kept), "{stubbed}");
        assert!((STUB_TEXT_BYTES_MAX - 2..=STUB_TEXT_BYTES_MAX).contains(&kept.len()), "{stubbed}");
        assert_eq!(mark, alloc::format!("{} bytes left out]", text.len() - kept.len()));
        assert_eq!(stub(&stubbed), None);
    }
}

#[test]
fn long_lists_say_how_many_entries_are_left_out() {
    let list = |entries: usize| (0..entries).map(|n| alloc::format!("{n}")).collect::<Vec<String>>();
    assert_eq!(shorten_list(list(CHANGES_MAX)), list(CHANGES_MAX));
    let short = shorten_list(list(CHANGES_MAX + 3));
    assert_eq!(short.len(), CHANGES_MAX);
    assert_eq!(short[..CHANGES_MAX - 1], list(CHANGES_MAX - 1)[..]);
    assert_eq!(short[CHANGES_MAX - 1], "and 4 more");
    assert_eq!(shorten_list(vec!["x".repeat(500)])[0].len(), CHANGE_BYTES_MAX);
}

#[test]
fn merged_changes_stay_within_their_limit_and_never_repeat() {
    let mut changes = Vec::new();
    for n in 0..40 {
        add_change(&mut changes, &alloc::format!("{}", n / 2));
    }
    assert_eq!(changes.len(), CHANGES_MAX);
    assert_eq!(changes[CHANGES_MAX - 1], "and more");
    assert_eq!(changes[1], "1");
}
