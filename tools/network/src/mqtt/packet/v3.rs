//! Packets of MQTT 3.1.1.

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    Error, QoS,
    v4::{
        Connect, ConnectReturnCode, Disconnect, Login, Packet, PingReq, PubAck, PubComp, PubRec, PubRel,
        Publish, Subscribe, SubscribeFilter, SubscribeReasonCode,
    },
};
use zeroize::Zeroize as _;

use super::{
    Answer, Incoming, Outgoing, Qos, Received, Refused, SignOn, Verdict, Welcome, unexpected, words,
};

pub(super) fn write(packet: &Outgoing<'_>, bytes: &mut BytesMut) -> Result<(), Error> {
    match packet {
        Outgoing::SignOn(sign_on) => write_sign_on(sign_on, bytes),
        Outgoing::Publish(sent) => {
            let mut publish = Publish::new(sent.topic, qos(sent.qos), sent.payload);
            publish.retain = sent.retain;
            publish.pkid = sent.id;
            publish.write(bytes)
        }
        Outgoing::Acknowledge(id) => PubAck::new(*id).write(bytes),
        Outgoing::Receive(id) => PubRec::new(*id).write(bytes),
        Outgoing::Release(id) => PubRel::new(*id).write(bytes),
        Outgoing::Complete(id) => PubComp::new(*id).write(bytes),
        Outgoing::Subscribe { id, filters } => {
            let filters = filters.iter().map(|(filter, at)| SubscribeFilter::new(filter.clone(), qos(*at)));
            let mut subscribe = Subscribe::new_many(filters);
            subscribe.pkid = *id;
            subscribe.write(bytes)
        }
        Outgoing::Ping => PingReq.write(bytes),
        Outgoing::Disconnect => Disconnect.write(bytes),
    }
    .map(|_| ())
}

fn write_sign_on(sign_on: &SignOn<'_>, bytes: &mut BytesMut) -> Result<usize, Error> {
    let mut connect = Connect::new(sign_on.client_id);
    connect.keep_alive = sign_on.keep_alive_s;
    connect.clean_session = sign_on.session_s.is_none();
    connect.login = sign_on.login.map(|(name, password)| Login::new(name, password));
    let written = connect.write(bytes);
    if let Some(login) = &mut connect.login {
        login.password.zeroize();
    }
    written
}

pub(super) fn read(mut bytes: BytesMut) -> Result<Incoming, String> {
    let packet = Packet::read(&mut bytes, usize::MAX)
        .map_err(|error| format!("it sent a malformed packet: {error}"))?;
    let taken = |id| Answer { id, verdict: Verdict::Taken };
    Ok(match packet {
        Packet::ConnAck(ack) => {
            Incoming::Welcome(Welcome { refused: refused(ack.code), ..Welcome::plain(ack.session_present) })
        }
        Packet::Publish(publish) => Incoming::Publish(Received {
            topic: publish.topic,
            payload: publish.payload,
            qos: own_qos(publish.qos),
            retained: publish.retain,
            id: publish.pkid,
        }),
        Packet::PubAck(ack) => Incoming::Acknowledged(taken(ack.pkid)),
        Packet::PubRec(ack) => Incoming::Received(taken(ack.pkid)),
        Packet::PubRel(ack) => Incoming::Release(ack.pkid),
        Packet::PubComp(ack) => Incoming::Completed(taken(ack.pkid)),
        Packet::SubAck(ack) => {
            let refused = ack.return_codes.iter().map(|code| match code {
                SubscribeReasonCode::Success(_) => None,
                // 3.1.1 knows one code for every reason.
                SubscribeReasonCode::Failure => Some("no reason is told".to_owned()),
            });
            Incoming::Subscribed { id: ack.pkid, refused: refused.collect() }
        }
        Packet::PingResp => Incoming::Pong,
        Packet::Disconnect => Incoming::Disconnect("it told no reason".into()),
        Packet::Connect(_) => return Err(unexpected("CONNECT")),
        Packet::Subscribe(_) => return Err(unexpected("SUBSCRIBE")),
        Packet::Unsubscribe(_) => return Err(unexpected("UNSUBSCRIBE")),
        Packet::UnsubAck(_) => return Err(unexpected("UNSUBACK")),
        Packet::PingReq => return Err(unexpected("PINGREQ")),
    })
}

fn refused(code: ConnectReturnCode) -> Option<Refused> {
    let over_login = match code {
        ConnectReturnCode::Success => return None,
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => true,
        ConnectReturnCode::RefusedProtocolVersion
        | ConnectReturnCode::BadClientId
        | ConnectReturnCode::ServiceUnavailable => false,
    };
    Some(Refused { why: words(&code), over_login })
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
