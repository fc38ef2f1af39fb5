use everstep_tool::device::Sensor as _;

use super::*;
use crate::{
    line::fake::Peer,
    modbus::{NumberKind, Numeral, Place, Register, RegisterTable, WordOrder},
    quantity::Quantity,
};

const ANSWER: Duration = Duration::from_millis(100);
const GAP: Duration = Duration::from_millis(2);

fn client(peer: &Peer, framing: Framing) -> ModbusClient {
    ModbusClient::new("plc", peer.open(), framing, ANSWER)
}

fn write_seven(client: &ModbusClient) -> Result<(), DeviceError> {
    client.request(1, &Request::WriteSingleRegister(5, 7)).map(drop)
}

fn read_five(client: &ModbusClient) -> Result<Vec<u16>, DeviceError> {
    match client.request(1, &Request::ReadHoldingRegisters(5, 1))? {
        Response::ReadHoldingRegisters(words) => Ok(words),
        other => panic!("{other:?}"),
    }
}

/// Answers a read of one register with `value` after `after_ms`, over TCP, and repeats a write.
fn server(value: u16, after_ms: u64) -> impl FnMut(&[u8]) -> Vec<(u64, Vec<u8>)> {
    move |request| {
        let mut answer = request.to_vec();
        if request[7] == 3 {
            answer.truncate(8);
            answer[5] = 5;
            answer.push(2);
            answer.extend_from_slice(&value.to_be_bytes());
        }
        vec![(after_ms, answer)]
    }
}

/// With its checksum.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut crc = 0xFFFF_u16;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
        }
    }
    [bytes, &crc.to_le_bytes()].concat()
}

#[test]
fn answer_in_time_is_an_answer() {
    let peer = Peer::connection(server(9, 99));
    let client = client(&peer, Framing::Tcp);
    assert_eq!(read_five(&client), Ok(vec![9]));
    assert_eq!(write_seven(&client), Ok(()));
    let numbers: Vec<_> = peer.written().iter().map(|request| request[1]).collect();
    assert_eq!((numbers, peer.opened()), (vec![0, 1], 1), "one connection, a number for each request");
}

#[test]
fn nothing_that_did_not_leave_counts_as_sent() {
    let peer = Peer::connection(server(9, 1));
    let client = client(&peer, Framing::Tcp);
    peer.refuse("plc refused the connection");
    assert_eq!(write_seven(&client), Err(DeviceError::NotSent("plc refused the connection".into())));

    let peer = Peer::connection(server(9, 1));
    let client = self::client(&peer, Framing::Tcp);
    peer.break_writes(Some(io::ErrorKind::BrokenPipe));
    let told = write_seven(&client).unwrap_err();
    assert!(matches!(&told, DeviceError::NotSent(why) if why.ends_with("nothing was sent")), "{told:?}");
    peer.break_writes(None);
    assert_eq!(write_seven(&client), Ok(()));
    assert_eq!(peer.opened(), 2, "what failed is opened anew");
}

#[test]
fn nothing_that_left_counts_as_not_sent() {
    let silent = Peer::connection(|_| Vec::new());
    let told = write_seven(&client(&silent, Framing::Tcp)).unwrap_err();
    let why =
        "unit 1 of plc was asked to write holding register 5: no answer within 100 ms (`answer_ms_max`)";
    assert_eq!(told, DeviceError::Unknown(why.into()));

    let gone = Peer::connection(|_| Vec::new());
    gone.hang_up_after_write();
    let told = write_seven(&client(&gone, Framing::Tcp)).unwrap_err();
    assert!(matches!(&told, DeviceError::Unknown(why) if why.ends_with("the other end hung up")), "{told:?}");
}

#[test]
fn late_answer_on_a_connection_reaches_nobody() {
    let mut asked = 0;
    let peer = Peer::connection(move |request| {
        asked += 1;
        // The first answer is late and of another time.
        if asked == 1 { server(1, 150)(request) } else { server(2, 60)(request) }
    });
    let client = client(&peer, Framing::Tcp);
    assert!(matches!(read_five(&client), Err(DeviceError::Unknown(_))));
    assert_eq!(read_five(&client), Ok(vec![2]));
    assert_eq!(peer.opened(), 2);
}

#[test]
fn connection_with_something_unasked_on_it_is_closed_first() {
    let peer = Peer::connection(server(2, 1));
    let client = client(&peer, Framing::Tcp);
    assert_eq!(read_five(&client), Ok(vec![2]));
    // It has the number of the next request.
    peer.say(0, &[0, 1, 0, 0, 0, 5, 1, 3, 2, 0, 99]);
    assert_eq!(read_five(&client), Ok(vec![2]));
    peer.hang_up();
    assert_eq!(read_five(&client), Ok(vec![2]), "closed by the server meanwhile");
    assert_eq!(peer.opened(), 3);
}

#[test]
fn answer_that_belongs_to_another_request_is_none() {
    for (answer, named) in [
        // Another transaction, another unit, another function, another register, another value.
        ("000900000006010600050007", "another unit or to another request"),
        ("000000000006020600050007", "another unit or to another request"),
        ("000000000005010302000700", "another function"),
        ("000000000006010600060007", "belongs to no request"),
        ("000000000006010600050008", "belongs to no request"),
        // No Modbus at all.
        ("000000050006010600050007", "protocol"),
    ] {
        let bytes: Vec<u8> = (0..answer.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&answer[at..at + 2], 16).unwrap())
            .collect();
        let peer = Peer::connection(move |_| vec![(1, bytes.clone())]);
        let told = write_seven(&client(&peer, Framing::Tcp)).unwrap_err();
        assert!(matches!(&told, DeviceError::Unknown(why) if why.contains(named)), "{answer}: {told:?}");
    }
    // Two registers for one.
    let peer = Peer::connection(|_| vec![(1, vec![0, 0, 0, 0, 0, 7, 1, 3, 4, 0, 1, 0, 2])]);
    assert!(matches!(read_five(&client(&peer, Framing::Tcp)), Err(DeviceError::Unknown(_))));
}

#[test]
fn request_after_a_time_out_waits_until_no_late_answer_can_come() {
    let mut asked = 0;
    let peer = Peer::port(move |_| {
        asked += 1;
        let (after_ms, value) = if asked == 1 { (190, 1) } else { (10, 2) };
        vec![(after_ms, frame(&[1, 3, 2, 0, value]))]
    });
    let client = client(&peer, Framing::Rtu { gap: GAP });
    assert!(matches!(read_five(&client), Err(DeviceError::Unknown(_))));
    assert_eq!(read_five(&client), Ok(vec![2]), "not the late 1");
    // Silence after opening, the answer's time, silence again, which the late answer began anew.
    assert_eq!(peer.now_ms(), 100 + 100 + 90 + 100 + 10);
    assert_eq!(peer.opened(), 1, "opening a port may reset the device");
    assert_eq!(read_five(&client), Ok(vec![2]));
    assert_eq!(peer.now_ms(), 400 + 2 + 10, "a gap is enough while all goes well");
}

#[test]
fn port_that_was_just_opened_may_still_bring_the_answer_to_an_earlier_process() {
    let peer = Peer::port(|_| vec![(10, frame(&[1, 3, 2, 0, 2]))]);
    peer.say(60, &frame(&[1, 3, 2, 0, 1]));
    assert_eq!(read_five(&client(&peer, Framing::Rtu { gap: GAP })), Ok(vec![2]));
    assert_eq!(peer.now_ms(), 60 + 100 + 10);
}

#[test]
fn line_that_is_never_silent_is_sent_nothing() {
    let peer = Peer::port(|_| Vec::new());
    for at in 0..400 {
        peer.say(at * 5, b"?");
    }
    let told = write_seven(&client(&peer, Framing::Rtu { gap: GAP })).unwrap_err();
    assert!(matches!(&told, DeviceError::NotSent(why) if why.contains("plc is never silent")), "{told:?}");
    assert!(peer.written().is_empty());
}

#[test]
fn noise_on_a_line_is_not_taken_for_an_answer() {
    for (answer, is_good) in [
        (frame(&[1, 6, 0, 5, 0, 7]), true),
        // Noise that runs into the answer makes it unreadable, and then it is lost.
        ([&[0, 0xFF][..], &frame(&[1, 6, 0, 5, 0, 7])].concat(), false),
        // Another unit's, a wrong checksum, half of it.
        (frame(&[2, 6, 0, 5, 0, 7]), false),
        ([1, 6, 0, 5, 0, 7, 0, 0].to_vec(), false),
        (frame(&[1, 6, 0, 5, 0, 7])[..5].to_vec(), false),
    ] {
        let sent = answer.clone();
        let peer = Peer::port(move |_| vec![(3, sent.clone())]);
        let told = write_seven(&client(&peer, Framing::Rtu { gap: GAP }));
        assert_eq!(told.is_ok(), is_good, "{answer:02x?}: {told:?}");
        assert!(is_good || matches!(told, Err(DeviceError::Unknown(_))), "{answer:02x?}: {told:?}");
    }
}

#[test]
fn silence_between_frames_is_that_of_the_specification() {
    let port = |baud| PortSettings {
        path: "/dev/ttyS1".into(),
        baud,
        data_bits: crate::line::DataBits::Eight,
        parity: crate::line::Parity::Even,
        stop_bits: 1,
    };
    let Framing::Rtu { gap } = Framing::rtu(&port(9_600)) else { panic!("a line") };
    assert_eq!(gap.as_micros(), 4_010, "3.5 characters of 11 bits");
    assert_eq!(Framing::rtu(&port(115_200)), Framing::Rtu { gap: GAP_MIN });
}

#[test]
fn device_that_waits_too_long_for_the_others_was_sent_nothing() {
    let peer = Peer::connection(server(9, 1));
    let client = client(&peer, Framing::Tcp);
    let turn = client.turns.take(Duration::ZERO).unwrap();
    let told = write_seven(&client).unwrap_err();
    assert_eq!(told, DeviceError::NotSent("the line is still busy with another device".into()));
    drop(turn);
    let numeral = Numeral { kind: NumberKind::U16, order: WordOrder::HighFirst, scale: 0.1, offset: 0.0 };
    let place = Place { unit_id: 1, table: RegisterTable::Holding, register: 5, numeral };
    let quantity = Quantity { name: "level".into(), unit: "m".into(), digits: 1, range: 0.0..=9.0 };
    let reading = Register::new(client, place, quantity.clone()).read().unwrap();
    assert_eq!(reading, [quantity.reading(0.9)]);
}
