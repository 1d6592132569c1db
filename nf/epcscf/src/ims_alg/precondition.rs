//! Preconditions of the far end, answered here: a browser knows none (RFC 3312 §5).

use wire_sdp::Media;
use wire_sdp::attribute::{
    ConfirmStatus, CurrentStatus, DesiredStatus, Direction, StatusType, Strength,
};

/// Writes the answer to the preconditions in the core's offer: our resources stand, since the gateway has
/// reserved them; how the far end's stand is said back, and asked for when it is still missing.
// Deviates: RFC 3312 §5.1.1 would keep the callee from being alerted until mandatory preconditions are met.
// A WIC has no reservation to wait for and is alerted at once.
pub(super) fn answer(offer: &Media, answer: &mut Media) {
    let desired: Vec<DesiredStatus<'_>> = offer
        .attributes::<DesiredStatus<'_>>()
        .filter_map(Result::ok)
        .filter(|d| d.kind == "qos")
        .collect();
    if desired.is_empty() {
        return;
    }
    let theirs = offer
        .attributes::<CurrentStatus<'_>>()
        .filter_map(Result::ok)
        .find(|current| current.kind == "qos" && current.status == StatusType::Local)
        .map_or(Direction::Inactive, |current| current.direction);
    let kind = "qos";
    let current = |status, direction| CurrentStatus {
        kind,
        status,
        direction,
    };
    answer.push_attribute(&current(StatusType::Local, Direction::SendRecv));
    answer.push_attribute(&current(StatusType::Remote, theirs.reversed()));
    // What is local to them is remote to us, and the other way round.
    for (status, offered) in [
        (StatusType::Local, StatusType::Remote),
        (StatusType::Remote, StatusType::Local),
    ] {
        let same = desired.iter().find(|d| d.status == offered);
        let strength = same.map_or(Strength::None, |d| d.strength);
        let direction = same.map_or(Direction::SendRecv, |d| d.direction.reversed());
        answer.push_attribute(&DesiredStatus {
            kind,
            strength,
            status,
            direction,
        });
    }
    if theirs != Direction::SendRecv {
        let status = StatusType::Remote;
        answer.push_attribute(&ConfirmStatus {
            kind,
            status,
            direction: Direction::SendRecv,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire_sdp::{MediaLine, Session};

    #[test]
    fn ours_are_met_and_theirs_are_asked_for() {
        let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n\
            a=curr:qos local none\r\na=curr:qos remote none\r\n\
            a=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\n";
        let offer = Session::parse(text.as_bytes()).expect("valid");
        let line = MediaLine {
            media: "audio",
            port: 9,
            ports: None,
            proto: "RTP/AVP",
            formats: "0",
        };
        let mut media = Media::new(&line).expect("valid");
        answer(offer.media(0).expect("audio"), &mut media);
        let expected = "a=curr:qos local sendrecv\na=curr:qos remote none\n\
            a=des:qos optional local sendrecv\na=des:qos mandatory remote sendrecv\na=conf:qos remote sendrecv\n";
        assert_eq!(media.section().to_string(), expected);
    }
}
