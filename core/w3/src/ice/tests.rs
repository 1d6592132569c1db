use std::time::{Duration, Instant};

use testbed::Clock;
use wire_stun::{Builder, Check, Class, IntegrityKey, Message, TransactionId, kind};

use super::*;
use crate::Path;

const ID: TransactionId = TransactionId([7; 12]);
const SILENCE: Duration = Duration::from_secs(30);

fn credentials(letter: &str) -> IceCredentials {
    IceCredentials {
        ufrag: letter.repeat(4),
        pwd: letter.repeat(22),
    }
}

fn path(port: u16) -> Path {
    Path {
        local: 0,
        remote: ([192, 0, 2, 1], port).into(),
    }
}

struct Request<'a> {
    username: &'a str,
    password: &'a str,
    priority: u32,
    nominated: bool,
    controlled: bool,
    extra: Option<u16>,
}

const PLAIN: Request<'_> = Request {
    username: "aaaa:peer",
    password: "aaaaaaaaaaaaaaaaaaaaaa",
    priority: 100,
    nominated: false,
    controlled: false,
    extra: None,
};

impl Request<'_> {
    fn write(&self, buffer: &mut [u8]) -> usize {
        let mut builder = Builder::new(buffer, Class::Request, ID)
            .username(self.username)
            .priority(self.priority);
        if self.nominated {
            builder = builder.use_candidate();
        }
        if let Some(extra) = self.extra {
            builder = builder.attribute(extra, b"?");
        }
        let builder = if self.controlled {
            builder.ice_controlled(1)
        } else {
            builder.ice_controlling(1)
        };
        let key = IntegrityKey::new(self.password);
        builder
            .integrity(&key)
            .fingerprint()
            .finish()
            .expect("room")
    }

    fn send(&self, agent: &mut IceLite, now: Instant, path: Path) -> Checked {
        let mut buffer = [0; 1500];
        let length = self.write(&mut buffer);
        agent.handle_message(now, path, &mut buffer, length)
    }
}

fn agent() -> IceLite {
    IceLite::new(credentials("a"), SILENCE)
}

#[test]
fn a_good_check_is_answered_with_where_it_came_from() {
    let mut agent = agent();
    let mut buffer = [0; 1500];
    let length = PLAIN.write(&mut buffer);
    let checked = agent.handle_message(Clock::new().now(), path(5000), &mut buffer, length);
    let Checked::Admitted { reply } = checked else {
        panic!("{checked:?}");
    };
    let message = Message::parse(&buffer[..reply]).unwrap();
    assert_eq!(message.class(), Class::Success);
    assert_eq!(message.transaction_id(), ID);
    assert_eq!(message.xor_mapped_address(), Some(path(5000).remote));
    let key = IntegrityKey::new(PLAIN.password);
    assert_eq!(message.check_integrity(&key), Check::Valid);
    assert_eq!(message.check_fingerprint(), Check::Valid);
    assert!(agent.is_admitted(path(5000)));
    assert!(!agent.is_admitted(path(5001)));
    assert_eq!(agent.selected(), None, "not nominated");
}

#[test]
fn each_fault_gets_its_answer() {
    let wrong_name = Request {
        username: "bbbb:peer",
        ..PLAIN
    };
    let wrong_password = Request {
        password: "b",
        ..PLAIN
    };
    let no_colon = Request {
        username: "aaaa",
        ..PLAIN
    };
    let unknown = Request {
        extra: Some(0x7abc),
        ..PLAIN
    };
    let optional = Request {
        extra: Some(0xabcd),
        ..PLAIN
    };
    let controlled = Request {
        controlled: true,
        ..PLAIN
    };
    for (request, expected, code) in [
        (wrong_name, Refused::WrongCredentials, 401),
        (wrong_password, Refused::WrongCredentials, 401),
        (no_colon, Refused::WrongCredentials, 401),
        (unknown, Refused::UnknownAttribute, 420),
        (controlled, Refused::RoleConflict, 487),
    ] {
        let mut agent = agent();
        let mut buffer = [0; 1500];
        let length = request.write(&mut buffer);
        let checked = agent.handle_message(Clock::new().now(), path(1), &mut buffer, length);
        let Checked::Refused { why, reply } = checked else {
            panic!("{checked:?}");
        };
        assert_eq!(why, expected);
        let message = Message::parse(&buffer[..reply]).unwrap();
        assert_eq!(message.error_code().unwrap().code, code);
        assert_eq!(message.check_fingerprint(), Check::Valid);
        if code == 420 {
            let named = message.attribute(kind::UNKNOWN_ATTRIBUTES);
            assert_eq!(named, Some(&[0x7a, 0xbc][..]));
        }
        assert!(!agent.is_admitted(path(1)));
    }
    let mut agent = agent();
    let checked = optional.send(&mut agent, Clock::new().now(), path(1));
    assert!(matches!(checked, Checked::Admitted { .. }));
}

#[test]
fn without_credentials_it_is_a_bad_request_and_without_fingerprint_nothing() {
    let mut agent = agent();
    let now = Clock::new().now();
    let mut buffer = [0; 1500];
    let length = Builder::new(&mut buffer, Class::Request, ID)
        .username("aaaa:peer")
        .fingerprint()
        .finish()
        .unwrap();
    let checked = agent.handle_message(now, path(1), &mut buffer, length);
    let Checked::Refused { why, reply } = checked else {
        panic!("{checked:?}");
    };
    assert_eq!(why, Refused::NoCredentials);
    let message = Message::parse(&buffer[..reply]).unwrap();
    assert_eq!(message.error_code().unwrap().code, 400);

    let key = IntegrityKey::new(PLAIN.password);
    let length = Builder::new(&mut buffer, Class::Request, ID)
        .username("aaaa:peer")
        .integrity(&key)
        .finish()
        .unwrap();
    let nothing = Checked::Refused {
        why: Refused::Malformed,
        reply: 0,
    };
    let checked = agent.handle_message(now, path(1), &mut buffer, length);
    assert_eq!(checked, nothing);

    let length = Builder::new(&mut buffer, Class::Indication, ID)
        .fingerprint()
        .finish()
        .unwrap();
    let checked = agent.handle_message(now, path(1), &mut buffer, length);
    assert_eq!(checked, Checked::Ignored);
}

fn nominate(agent: &mut IceLite, now: Instant, port: u16, priority: u32) {
    let request = Request {
        nominated: true,
        priority,
        ..PLAIN
    };
    let checked = request.send(agent, now, path(port));
    assert!(matches!(checked, Checked::Admitted { .. }), "{checked:?}");
}

#[test]
fn nominated_at_once_the_highest_priority_wins_and_later_the_latest() {
    let mut agent = agent();
    let now = Clock::new().now();
    nominate(&mut agent, now, 1, 10);
    nominate(&mut agent, now, 2, 20);
    nominate(&mut agent, now, 3, 15);
    assert_eq!(agent.selected(), Some(path(2)));
    let connected = IceEvent::Connected { path: path(1) };
    assert_eq!(agent.poll_event(), Some(connected));
    assert_eq!(agent.poll_event(), Some(IceEvent::Moved { path: path(2) }));
    assert_eq!(agent.poll_event(), None);

    nominate(&mut agent, now + Duration::from_secs(5), 3, 15);
    assert_eq!(agent.selected(), Some(path(3)));
}

#[test]
fn silence_is_reported_once_and_so_is_its_end() {
    let mut agent = agent();
    let mut now = Clock::new().now();
    assert_eq!(agent.poll_timeout(), None, "nobody was there yet");
    nominate(&mut agent, now, 1, 10);
    assert!(matches!(
        agent.poll_event(),
        Some(IceEvent::Connected { .. })
    ));
    now += Duration::from_secs(29);
    agent.handle_timeout(now);
    PLAIN.send(&mut agent, now, path(1));
    assert_eq!(agent.poll_timeout(), Some(now + SILENCE));
    now += SILENCE;
    agent.handle_timeout(now);
    agent.handle_timeout(now + SILENCE);
    assert_eq!(agent.poll_event(), Some(IceEvent::Silent));
    assert_eq!(agent.poll_event(), None);
    assert_eq!(agent.selected(), None, "consent is gone");
    now += SILENCE;
    PLAIN.send(&mut agent, now, path(1));
    assert_eq!(agent.poll_event(), Some(IceEvent::Back));
    assert_eq!(agent.selected(), Some(path(1)));
}

#[test]
fn after_a_restart_the_old_name_is_good_until_the_new_one_is_used() {
    let mut agent = agent();
    let now = Clock::new().now();
    nominate(&mut agent, now, 1, 10);
    agent.restart(credentials("c"), credentials("d"));
    assert_eq!(agent.selected(), Some(path(1)), "media go on");
    let checked = PLAIN.send(&mut agent, now, path(1));
    assert!(matches!(checked, Checked::Admitted { .. }));
    let new = Request {
        username: "cccc:dddd",
        password: "cccccccccccccccccccccc",
        nominated: true,
        priority: 5,
        ..PLAIN
    };
    let checked = new.send(&mut agent, now, path(2));
    assert!(matches!(checked, Checked::Admitted { .. }));
    assert_eq!(agent.selected(), Some(path(2)), "whatever its priority");
    assert!(agent.previous().is_none());
    let checked = PLAIN.send(&mut agent, now, path(1));
    assert!(matches!(checked, Checked::Refused { .. }));
}

#[test]
fn paths_are_few_and_the_selected_one_stays() {
    let mut agent = agent();
    let mut now = Clock::new().now();
    nominate(&mut agent, now, 1, 10);
    for port in 2..40 {
        now += Duration::from_millis(1);
        PLAIN.send(&mut agent, now, path(port));
    }
    assert_eq!(agent.paths().count(), MAX_PATHS);
    assert!(agent.is_admitted(path(1)) && agent.is_admitted(path(39)));
    let forgotten = std::iter::from_fn(|| agent.poll_event())
        .filter(|event| matches!(event, IceEvent::Forgotten { .. }))
        .count();
    assert_eq!(forgotten, 39 - MAX_PATHS);
}

#[test]
fn a_peer_that_comes_back_by_a_new_path_has_not_lost_the_selected_one() {
    let mut agent = agent();
    let mut now = Clock::new().now();
    nominate(&mut agent, now, 1, 10);
    for port in 2..=MAX_PATHS as u16 {
        now += Duration::from_millis(1);
        PLAIN.send(&mut agent, now, path(port));
    }
    now += SILENCE;
    agent.handle_timeout(now);
    assert_eq!(agent.selected(), None, "silent");
    PLAIN.send(&mut agent, now, path(99));
    assert_eq!(agent.selected(), Some(path(1)));
    assert!(agent.is_admitted(path(1)));
}

#[test]
fn credentials_are_as_long_as_they_must_be() {
    let made = IceCredentials::from_random([0xff; 32]);
    assert!(made.is_valid());
    assert!(!format!("{made:?}").contains(&made.pwd));
    assert!(
        !IceCredentials {
            ufrag: "a b:".into(),
            ..made.clone()
        }
        .is_valid()
    );
    assert!(
        !IceCredentials {
            pwd: "short".into(),
            ..made
        }
        .is_valid()
    );
}
