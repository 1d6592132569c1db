//! After `kill -9`: calls that were there are ended on all sides, and that is told.

use nf_mmtel_es::StoredSession;
use wire_sip::{HeaderName, Method, StatusCode};

use super::bed::{Bed, audio, call_bob};

#[test]
fn a_call_of_the_life_before_is_hung_up_and_told() {
    let mut before = Bed::new();
    let (session, invite) = before.standing(&call_bob(&["audio"], false), &audio());
    let stored = before.sessions.clone();
    assert_eq!(stored.len(), 1);

    let mut bed = Bed::new();
    bed.sessions.clone_from(&stored);
    bed.calls.resume(bed.clock.now(), stored);
    bed.drain();
    let bye = bed.request(Method::Bye);
    assert_eq!(bye.call_id(), invite.call_id());
    assert_eq!(bye.to_tag(), Some("ue-tag"));
    assert_eq!(bye.from_tag(), invite.from_tag());
    assert!(bye.cseq().unwrap().0 > 1);
    let told = bed.notified();
    assert_eq!(told["sessionId"], session);
    assert_eq!(told["mediaResourceInfo"]["call"], "ENDED");
    assert!(bed.sessions.is_empty());
}

/// A UE that answered the life before: it had no ACK, so it says it again.
#[test]
fn an_answer_that_nobody_waits_for_is_hung_up() {
    let mut before = Bed::new();
    before.ask(&call_bob(&["audio"], false));
    let invite = before.request(Method::Invite);

    let mut bed = Bed::new();
    let mut answer = core_sip::reply(&invite, StatusCode::OK, "ue-tag");
    answer.push_back(HeaderName::Contact, "<sip:bob@192.0.2.30:5060>");
    bed.say(&answer);
    bed.request(Method::Ack);
    assert_eq!(bed.request(Method::Bye).call_id(), invite.call_id());
}

#[test]
fn what_cannot_be_read_is_forgotten() {
    let mut bed = Bed::new();
    let broken = StoredSession {
        id: "x".into(),
        state: "{".into(),
    };
    bed.sessions.push(broken.clone());
    bed.calls.resume(bed.clock.now(), [broken]);
    bed.drain();
    assert!(bed.sessions.is_empty() && bed.told.is_empty());
}
