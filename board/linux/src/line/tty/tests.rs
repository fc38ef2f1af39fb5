use std::{os::fd::OwnedFd, time::Duration};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::LocalModes,
};

use super::*;

/// A line with nothing at its far end.
fn pty() -> (OwnedFd, PortSettings) {
    let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&far).unwrap();
    unlockpt(&far).unwrap();
    let path = ptsname(&far, Vec::new()).unwrap().into_string().unwrap().into();
    let (data_bits, parity) = (DataBits::Eight, Parity::None);
    (far, PortSettings { path, baud: 57_600, data_bits, parity, stop_bits: 2 })
}

#[test]
fn port_is_raw_and_set_as_the_board_says() {
    let (_far, settings) = pty();
    let file = open_port(&settings).unwrap();
    let terminal = tcgetattr(&file).unwrap();
    assert_eq!((terminal.input_speed(), terminal.output_speed()), (57_600, 57_600));
    assert!(!terminal.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
    assert!(
        terminal.control_modes.contains(ControlModes::CSTOPB | ControlModes::CREAD | ControlModes::CLOCAL)
    );
    assert!(!terminal.control_modes.intersects(ControlModes::HUPCL | ControlModes::CRTSCTS));
}

#[test]
fn modes_are_those_of_the_settings() {
    let (_far, plain) = pty();
    let file = open_port(&plain).unwrap();
    // What a pseudo-terminal would not keep is looked at before it is set.
    for (data_bits, parity, stop_bits, has, has_not) in [
        (DataBits::Seven, Parity::Even, 1, ControlModes::PARENB, ControlModes::PARODD | ControlModes::CSTOPB),
        (DataBits::Eight, Parity::Odd, 1, ControlModes::PARENB | ControlModes::PARODD, ControlModes::CSTOPB),
        (DataBits::Eight, Parity::None, 2, ControlModes::CSTOPB, ControlModes::PARENB),
    ] {
        let mut terminal = tcgetattr(&file).unwrap();
        terminal.control_modes.insert(ControlModes::HUPCL | ControlModes::CRTSCTS);
        let settings = PortSettings { data_bits, parity, stop_bits, ..plain.clone() };
        set(&mut terminal, &settings).unwrap();
        let modes = terminal.control_modes;
        assert!(!modes.intersects(ControlModes::HUPCL | ControlModes::CRTSCTS), "{modes:?}");
        assert!(modes.contains(has) && !modes.intersects(has_not), "{settings}: {modes:?}");
        let size = if data_bits == DataBits::Seven { ControlModes::CS7 } else { ControlModes::CS8 };
        assert_eq!(modes & ControlModes::CSIZE, size, "{settings}");
        assert_eq!(terminal.input_modes.contains(InputModes::INPCK), parity != Parity::None);
    }
}

#[test]
fn port_that_can_not_be_used_says_why() {
    let (_far, settings) = pty();
    let held = open_port(&settings).unwrap();
    let path = settings.path.display();
    assert_eq!(open_port(&settings).unwrap_err(), format!("{path} is in use by another program"));
    drop(held);
    assert!(open_port(&settings).is_ok());

    let at = |path: &str| open_port(&PortSettings { path: path.into(), ..settings.clone() }).unwrap_err();
    assert_eq!(at("/dev/ttyNONE7"), "there is no /dev/ttyNONE7: is the adapter plugged in?");
    assert_eq!(at("/dev/null"), "/dev/null is no serial port");
    let folder = tempfile::tempdir().unwrap();
    assert!(at(&folder.path().display().to_string()).contains("can't be opened"));
}

#[test]
fn reads_writes_and_silence_end_in_time() {
    let (far, settings) = pty();
    let mut far = File::from(far);
    let mut near = port(&settings)(Duration::ZERO).unwrap();
    let mut bytes = [0; 16];
    near.begin(Duration::from_millis(5));
    assert_eq!(near.read(&mut bytes).unwrap_err().kind(), io::ErrorKind::TimedOut);
    io::Write::write_all(&mut far, b"stray").unwrap();
    let hushed = near.hush(Duration::from_millis(20), Duration::from_secs(5)).unwrap();
    assert_eq!(hushed, 5);
    near.begin(Duration::from_secs(5));
    assert_eq!(near.write(b"ask").unwrap(), 3);
    assert_eq!(io::Read::read(&mut far, &mut bytes).unwrap(), 3);
    io::Write::write_all(&mut far, b"told").unwrap();
    assert_eq!(near.read(&mut bytes).unwrap(), 4);
    // A far end that is gone is an end, and no silence.
    drop(far);
    let gone = near.hush(Duration::from_millis(20), Duration::from_secs(5)).map_err(|error| error.kind());
    assert_ne!(gone.ok(), Some(0));
}
