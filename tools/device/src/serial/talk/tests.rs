use super::*;
use crate::line::fake::Peer;

const ANSWER: Duration = Duration::from_millis(100);

fn line(peer: &Peer, ending: Ending, echo: Echo) -> TextLine {
    TextLine::new("/dev/ttyS1", peer.open(), ending, echo, ANSWER)
}

fn plain(peer: &Peer) -> TextLine {
    line(peer, Ending::Crlf, Echo::None)
}

fn ask(line: &TextLine) -> Result<String, DeviceError> {
    line.ask("T?", "T={value}", |line| line.strip_prefix("T=").map(str::to_owned))
}

#[test]
fn lines_end_as_the_device_wants_it() {
    for (ending, sent, answer) in [
        (Ending::Crlf, &b"T?\r\n"[..], &b"T=3\r\n"[..]),
        (Ending::Crlf, b"T?\r\n", b"T=3\n"),
        (Ending::Lf, b"T?\n", b"T=3\n"),
        (Ending::Cr, b"T?\r", b"T=3\r"),
        // A line feed behind the carriage return belongs to the next line, and is no text.
        (Ending::Cr, b"T?\r", b"\nT=3\r"),
    ] {
        let peer = Peer::port(move |_| vec![(5, answer.to_vec())]);
        assert_eq!(ask(&line(&peer, ending, Echo::None)), Ok("3".into()), "{ending:?}");
        assert_eq!(peer.written(), [sent]);
    }
}

#[test]
fn echo_is_passed_over_once_where_it_is_expected() {
    let fits = |line: &str| (line == "OK 1").then_some(());
    let answered = |echo: Echo, said: &'static [u8]| {
        let peer = Peer::port(move |_| vec![(5, said.to_vec())]);
        line(&peer, Ending::Crlf, echo).ask("OK 1", "OK 1", fits)
    };
    assert_eq!(answered(Echo::None, b"OK 1\r\n"), Ok(()), "a device may answer with what it was told");
    assert_eq!(answered(Echo::Expected, b"OK 1\r\nOK 1\r\n"), Ok(()));
    assert!(answered(Echo::Expected, b"OK 1\r\n").is_err(), "only the echo came");
}

#[test]
fn question_after_a_time_out_waits_until_no_late_answer_can_come() {
    let mut asked = 0;
    let peer = Peer::port(move |_| {
        asked += 1;
        if asked == 1 { vec![(180, b"T=1\r\n".to_vec())] } else { vec![(10, b"T=2\r\n".to_vec())] }
    });
    let line = plain(&peer);
    let told = ask(&line).unwrap_err();
    let why = "/dev/ttyS1 was sent `T?`: no line `T={value}` within 100 ms (`answer_ms_max`), nothing came";
    assert_eq!(told, DeviceError::Unknown(why.into()));
    assert_eq!(ask(&line), Ok("2".into()), "not the late 1");
    assert_eq!((peer.now_ms(), peer.opened()), (100 + 100 + 80 + 100 + 10, 1));
}

#[test]
fn what_follows_an_answer_is_not_taken_for_the_next_one() {
    let mut asked = 0;
    let peer = Peer::port(move |_| {
        asked += 1;
        let answers = if asked == 1 { &b"T=1\r\nT=9\r\n"[..] } else { b"T=2\r\n" };
        vec![(10, answers.to_vec())]
    });
    let line = plain(&peer);
    assert_eq!(ask(&line), Ok("1".into()));
    // Another that comes a little later, when the line would be thought to be silent.
    peer.say(8, b"T=9\r\n");
    assert_eq!(ask(&line), Ok("2".into()));
}

#[test]
fn nothing_that_did_not_leave_counts_as_sent() {
    let peer = Peer::port(|_| Vec::new());
    peer.break_writes(Some(io::ErrorKind::BrokenPipe));
    assert!(matches!(ask(&plain(&peer)), Err(DeviceError::NotSent(_))));
    peer.refuse("there is no /dev/ttyS1");
    assert_eq!(ask(&plain(&peer)), Err(DeviceError::NotSent("there is no /dev/ttyS1".into())));
}

#[test]
fn lines_that_are_no_text_are_no_answers() {
    for (said, heard) in [
        (b"T=1".to_vec(), "`T=1` came without the end of a line"),
        (b"T=\x001\r\n".to_vec(), "`T=\\x001\\r` came"),
        (b"T=\xff\r\n".to_vec(), "`T=\\xff\\r` came"),
        (vec![b'x'; 400], "more than 256 bytes came without the end of a line"),
        (b"\r\n".repeat(17), "16 lines came, and none of them answers"),
    ] {
        let text = said.escape_ascii().to_string();
        let peer = Peer::port(move |_| vec![(5, said.clone())]);
        let told = ask(&plain(&peer)).unwrap_err();
        assert!(matches!(&told, DeviceError::Unknown(why) if why.contains(heard)), "{text}: {told:?}");
    }
    let peer = Peer::port(|_| vec![(5, b"\0\0T=1\r\n".to_vec())]);
    assert_eq!(ask(&plain(&peer)), Ok("1".into()), "a line driver that is switched on makes this noise");
}
