//! Packets of MQTT 5.

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::{
    Error, QoS,
    v5::{
        Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter, Login,
        Packet, PingReq, PubAck, PubAckReason, PubComp, PubCompReason, PubRec, PubRecReason, PubRel, Publish,
        Subscribe, SubscribeReasonCode,
    },
};
use zeroize::Zeroize as _;

use super::{
    Answer, Incoming, Outgoing, Qos, Received, Refused, SignOn, Verdict, Welcome, unexpected, words,
};

/// Messages that a broker may have under way to this client.
const RECEIVE_MAX: u16 = 32;
/// The first byte of a DISCONNECT.
const DISCONNECT: u8 = 0xE0;

pub(super) fn write(packet: &Outgoing<'_>, bytes: &mut BytesMut) -> Result<(), Error> {
    match packet {
        Outgoing::SignOn(sign_on) => write_sign_on(sign_on, bytes),
        Outgoing::Publish(sent) => {
            let mut publish = Publish::new(sent.topic, qos(sent.qos), sent.payload.to_vec(), None);
            publish.retain = sent.retain;
            publish.pkid = sent.id;
            publish.write(bytes)
        }
        Outgoing::Acknowledge(id) => PubAck::new(*id, None).write(bytes),
        Outgoing::Receive(id) => PubRec::new(*id, None).write(bytes),
        Outgoing::Release(id) => PubRel::new(*id, None).write(bytes),
        Outgoing::Complete(id) => PubComp::new(*id, None).write(bytes),
        Outgoing::Subscribe { id, filters } => {
            let filters = filters.iter().map(|(filter, at)| Filter::new(filter.clone(), qos(*at)));
            let mut subscribe = Subscribe::new_many(filters, None);
            subscribe.pkid = *id;
            subscribe.write(bytes)
        }
        Outgoing::Ping => PingReq::write(bytes),
        Outgoing::Disconnect => Disconnect::new(DisconnectReasonCode::NormalDisconnection).write(bytes),
    }
    .map(|_| ())
}

fn write_sign_on(sign_on: &SignOn<'_>, bytes: &mut BytesMut) -> Result<usize, Error> {
    let properties = ConnectProperties {
        session_expiry_interval: sign_on.session_s,
        receive_maximum: Some(RECEIVE_MAX),
        ..ConnectProperties::new()
    };
    let connect = Connect {
        keep_alive: sign_on.keep_alive_s,
        client_id: sign_on.client_id.to_owned(),
        clean_start: sign_on.session_s.is_none(),
        properties: Some(properties),
    };
    let mut login = sign_on.login.map(|(name, password)| Login::new(name, password));
    let written = connect.write(&None, &login, bytes);
    if let Some(login) = &mut login {
        login.password.zeroize();
    }
    written
}

pub(super) fn read(mut bytes: BytesMut) -> Result<Incoming, String> {
    let is_end = bytes.first() == Some(&DISCONNECT);
    let packet = match Packet::read(&mut bytes, None) {
        Ok(packet) => packet,
        // A reason may be left out, which is not read everywhere.
        Err(_) if is_end => return Ok(Incoming::Disconnect("it told no reason".into())),
        Err(error) => return Err(format!("it sent a malformed packet: {error}")),
    };
    Ok(match packet {
        Packet::ConnAck(ack) => {
            let properties = ack.properties.as_ref();
            let qos_max = match properties.and_then(|one| one.max_qos) {
                Some(0) => Qos::AtMostOnce,
                Some(1) => Qos::AtLeastOnce,
                _ => Qos::ExactlyOnce,
            };
            let packet_bytes_max = properties.and_then(|one| usize::try_from(one.max_packet_size?).ok());
            Incoming::Welcome(Welcome {
                refused: refused(ack.code),
                session: ack.session_present,
                qos_max,
                retains: properties.and_then(|one| one.retain_available) != Some(0),
                packet_bytes_max: packet_bytes_max.unwrap_or(usize::MAX),
                keep_alive_s: properties.and_then(|one| one.server_keep_alive),
            })
        }
        Packet::Publish(publish) => Incoming::Publish(Received {
            topic: String::from_utf8(publish.topic.to_vec())
                .map_err(|_| "it sent a topic that is not UTF-8")?,
            payload: publish.payload,
            qos: own_qos(publish.qos),
            retained: publish.retain,
            id: publish.pkid,
        }),
        Packet::PubAck(ack) => {
            Incoming::Acknowledged(Answer { id: ack.pkid, verdict: acknowledged(ack.reason) })
        }
        Packet::PubRec(ack) => Incoming::Received(Answer { id: ack.pkid, verdict: received(ack.reason) }),
        Packet::PubRel(ack) => Incoming::Release(ack.pkid),
        Packet::PubComp(ack) => {
            let verdict = match ack.reason {
                PubCompReason::Success => Verdict::Taken,
                reason @ PubCompReason::PacketIdentifierNotFound => Verdict::Refused(words(&reason)),
            };
            Incoming::Completed(Answer { id: ack.pkid, verdict })
        }
        Packet::SubAck(ack) => {
            let refused = ack.return_codes.iter().map(|code| match code {
                SubscribeReasonCode::Success(_) => None,
                refused => Some(words(refused)),
            });
            Incoming::Subscribed { id: ack.pkid, refused: refused.collect() }
        }
        Packet::PingResp(_) => Incoming::Pong,
        Packet::Disconnect(end) => Incoming::Disconnect(words(&end.reason_code)),
        Packet::Auth(_) => return Err(unexpected("AUTH")),
        Packet::Connect(..) => return Err(unexpected("CONNECT")),
        Packet::Subscribe(_) => return Err(unexpected("SUBSCRIBE")),
        Packet::Unsubscribe(_) => return Err(unexpected("UNSUBSCRIBE")),
        Packet::UnsubAck(_) => return Err(unexpected("UNSUBACK")),
        Packet::PingReq(_) => return Err(unexpected("PINGREQ")),
    })
}

fn refused(code: ConnectReturnCode) -> Option<Refused> {
    let over_login = match code {
        ConnectReturnCode::Success => return None,
        ConnectReturnCode::BadUserNamePassword
        | ConnectReturnCode::NotAuthorized
        | ConnectReturnCode::Banned
        | ConnectReturnCode::BadAuthenticationMethod => true,
        _ => false,
    };
    Some(Refused { why: words(&code), over_login })
}

fn acknowledged(reason: PubAckReason) -> Verdict {
    match reason {
        PubAckReason::Success => Verdict::Taken,
        PubAckReason::NoMatchingSubscribers => Verdict::Unheard,
        refused => Verdict::Refused(words(&refused)),
    }
}

fn received(reason: PubRecReason) -> Verdict {
    match reason {
        PubRecReason::Success => Verdict::Taken,
        PubRecReason::NoMatchingSubscribers => Verdict::Unheard,
        refused => Verdict::Refused(words(&refused)),
    }
}

const fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

const fn own_qos(qos: QoS) -> Qos {
    match qos {
        QoS::AtMostOnce => Qos::AtMostOnce,
        QoS::AtLeastOnce => Qos::AtLeastOnce,
        QoS::ExactlyOnce => Qos::ExactlyOnce,
    }
}
