//! What is written reads as what the protocol says, and nothing that a broker sends makes a panic.

use proptest::prelude::*;
use rumqttc::{mqttbytes::v4, v5::mqttbytes::v5};

use super::*;
use crate::mqtt::frames::Frames;

const VERSIONS: [Version; 2] = [Version::V3, Version::V5];

fn sign_on(session_s: Option<u32>) -> Outgoing<'static> {
    let login = Some(("board", "pass-1234567890"));
    Outgoing::SignOn(SignOn { client_id: "board7", keep_alive_s: 30, session_s, login })
}

#[test]
fn a_sign_on_tells_its_session_and_login() {
    for (session_s, clean) in [(None, true), (Some(3_600), false)] {
        let bytes = Version::V3.write(&sign_on(session_s)).unwrap();
        let packet = v4::Packet::read(&mut BytesMut::from(bytes.as_slice()), 999).unwrap();
        let v4::Packet::Connect(connect) = packet else { panic!("{packet:?}") };
        assert_eq!(
            (connect.clean_session, connect.keep_alive, connect.client_id.as_str()),
            (clean, 30, "board7")
        );
        assert_eq!(connect.login, Some(v4::Login::new("board", "pass-1234567890")));

        let bytes = Version::V5.write(&sign_on(session_s)).unwrap();
        let packet = v5::Packet::read(&mut BytesMut::from(bytes.as_slice()), None).unwrap();
        let v5::Packet::Connect(connect, None, Some(login)) = packet else { panic!("{packet:?}") };
        assert_eq!(
            (connect.clean_start, connect.properties.unwrap().session_expiry_interval),
            (clean, session_s)
        );
        assert_eq!(login, v5::Login::new("board", "pass-1234567890"));
    }
}

#[test]
fn a_message_is_read_as_it_was_written() {
    for version in VERSIONS {
        for (qos, id) in [(Qos::AtMostOnce, 0), (Qos::AtLeastOnce, 7), (Qos::ExactlyOnce, 65_535)] {
            for retain in [false, true] {
                let sent = Sent { topic: "lab/air", payload: b"21.5", qos, retain, id };
                let bytes = version.write(&Outgoing::Publish(sent)).unwrap();
                let read = version.read(BytesMut::from(bytes.as_slice())).unwrap();
                let payload = Bytes::from_static(b"21.5");
                let topic = "lab/air".to_owned();
                let expected = Incoming::Publish(Received { topic, payload, qos, retained: retain, id });
                assert_eq!(read, expected, "{version:?}");
            }
        }
    }
}

#[test]
fn every_answer_has_its_meaning() {
    let taken = |id| Answer { id, verdict: Verdict::Taken };
    for version in VERSIONS {
        let through = |packet: &Outgoing<'_>| {
            let bytes = version.write(packet).unwrap();
            version.read(BytesMut::from(bytes.as_slice()))
        };
        assert_eq!(through(&Outgoing::Acknowledge(3)), Ok(Incoming::Acknowledged(taken(3))));
        assert_eq!(through(&Outgoing::Receive(3)), Ok(Incoming::Received(taken(3))));
        assert_eq!(through(&Outgoing::Release(3)), Ok(Incoming::Release(3)));
        assert_eq!(through(&Outgoing::Complete(3)), Ok(Incoming::Completed(taken(3))));
        assert!(matches!(through(&Outgoing::Disconnect), Ok(Incoming::Disconnect(_))), "{version:?}");
        assert_eq!(
            through(&Outgoing::Ping).unwrap_err(),
            "it sent a packet that brokers don't send: PINGREQ"
        );
    }
    let read = |bytes: &[u8]| Version::V5.read(BytesMut::from(bytes)).unwrap();
    let refused = |why: &str| Verdict::Refused(why.to_owned());
    assert_eq!(
        read(&[0x40, 3, 0, 9, 0x87]),
        Incoming::Acknowledged(Answer { id: 9, verdict: refused("not authorized") })
    );
    assert_eq!(
        read(&[0x40, 3, 0, 9, 0x10]),
        Incoming::Acknowledged(Answer { id: 9, verdict: Verdict::Unheard })
    );
    assert_eq!(
        read(&[0x50, 3, 0, 9, 0x97]),
        Incoming::Received(Answer { id: 9, verdict: refused("quota exceeded") })
    );
    let gone = refused("packet identifier not found");
    assert_eq!(read(&[0x70, 3, 0, 9, 0x92]), Incoming::Completed(Answer { id: 9, verdict: gone }));
    assert_eq!(read(&[0xE0, 2, 0x8E, 0]), Incoming::Disconnect("session taken over".into()));
    // Without its properties, as brokers may write it.
    assert_eq!(read(&[0xE0, 1, 0x8E]), Incoming::Disconnect("it told no reason".into()));
    let subscribed = read(&[0x90, 5, 0, 4, 0, 1, 0x87]);
    assert_eq!(
        subscribed,
        Incoming::Subscribed { id: 4, refused: vec![None, Some("not authorized".into())] }
    );
}

#[test]
fn a_welcome_tells_what_the_broker_can_t_do() {
    let read = |version: Version, bytes: &[u8]| match version.read(BytesMut::from(bytes)).unwrap() {
        Incoming::Welcome(welcome) => welcome,
        other => panic!("{other:?}"),
    };
    assert_eq!(read(Version::V3, &[0x20, 2, 1, 0]), Welcome::plain(true));
    let refused = read(Version::V3, &[0x20, 2, 0, 5]).refused.unwrap();
    assert_eq!(refused, Refused { why: "not authorized".into(), over_login: true });
    let limits = [0x20, 15, 1, 0, 12, 36, 1, 37, 0, 39, 0, 0, 1, 0, 19, 0, 9];
    let expected = Welcome {
        refused: None,
        session: true,
        qos_max: Qos::AtLeastOnce,
        retains: false,
        packet_bytes_max: 256,
        keep_alive_s: Some(9),
    };
    assert_eq!(read(Version::V5, &limits), expected);
    let refused = read(Version::V5, &[0x20, 3, 0, 0x86, 0]).refused.unwrap();
    assert_eq!(refused, Refused { why: "bad user name password".into(), over_login: true });
    assert!(!read(Version::V5, &[0x20, 3, 0, 0x88, 0]).refused.unwrap().over_login);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_bytes_are_packets_or_refused(first: u8, body in proptest::collection::vec(any::<u8>(), 0..60), noise: Vec<u8>) {
        let mut framed = vec![first, u8::try_from(body.len()).unwrap()];
        framed.extend(&body);
        for bytes in [framed, noise] {
            for version in VERSIONS {
                let mut frames = Frames::default();
                frames.room().extend_from_slice(&bytes);
                while let Ok(Some(frame)) = frames.next() {
                    let _ = version.read(frame.bytes);
                }
            }
        }
    }
}
