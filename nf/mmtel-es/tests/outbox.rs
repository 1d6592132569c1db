//! Notifications: in order per session, at least once, to targets that are slow, broken and sly.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use api_mmtel_es::Cause;
use api_mmtel_es::common::Uri;
use nf_mmtel_es::{Answer, End, Head, Notification, Outbox, OutboxSettings, Output};
use proptest::prelude::*;

const A: &str = "https://a.example.com/n";
const B: &str = "https://b.example.com/n";

fn uri(text: &str) -> Uri {
    Uri::new(text).unwrap()
}

fn status(status: u16) -> Answer {
    Answer::Response {
        status,
        location: None,
        retry_after: None,
        cause: None,
    }
}

fn redirect(status: u16, location: &str) -> Answer {
    Answer::Response {
        status,
        location: Some(location.to_owned()),
        retry_after: None,
        cause: None,
    }
}

/// What a store has: notifications by number, and those of a session in their order.
#[derive(Default)]
struct Store {
    all: BTreeMap<u64, Notification>,
    sessions: HashMap<String, BTreeSet<u64>>,
}

impl Store {
    fn put(&mut self, notification: Notification) {
        let session = self.sessions.entry(notification.session.clone());
        session.or_default().insert(notification.id);
        self.all.insert(notification.id, notification);
    }

    fn remove(&mut self, id: u64) {
        let gone = self.all.remove(&id).expect("it ends once");
        self.sessions.get_mut(&gone.session).unwrap().remove(&id);
    }

    fn origin(target: &Uri) -> String {
        let url = url::Url::parse(target.as_str()).unwrap();
        url.origin().ascii_serialization()
    }

    fn is_head(&self, notification: &Notification) -> bool {
        let first = self.sessions[&notification.session].first();
        first == Some(&notification.id)
    }

    fn heads(&self, origin: &str, after: u64, most: usize) -> Vec<Head> {
        let later = self.all.range(after + 1..).map(|(_, one)| one);
        let heads = later.filter(|one| self.is_head(one) && Self::origin(&one.target) == origin);
        heads
            .take(most)
            .map(|one| Head {
                notification: one.clone(),
                more: self.sessions[&one.session].len() > 1,
            })
            .collect()
    }
}

struct Bench {
    outbox: Outbox,
    store: Store,
    now: Instant,
    /// Outputs that do not concern the store.
    seen: VecDeque<Output>,
    /// The most that were in memory.
    most: usize,
}

impl Bench {
    fn new() -> Self {
        Self::with(OutboxSettings::default())
    }

    fn with(settings: OutboxSettings) -> Self {
        let mut bench = Self {
            outbox: Outbox::new(settings),
            store: Store::default(),
            now: Instant::now_for_tests(),
            seen: VecDeque::new(),
            most: 0,
        };
        bench.serve();
        bench
    }

    fn put(&mut self, id: u64, session: &str, target: &str) {
        let notification = Notification {
            id,
            session: session.to_owned(),
            target: uri(target),
            until: self.now + Duration::from_hours(24),
        };
        self.store.put(notification.clone());
        self.outbox.put(self.now, notification);
        self.serve();
    }

    /// Does what the machine asks of the store; keeps the rest.
    fn serve(&mut self) {
        while let Some(output) = self.outbox.poll_output() {
            let now = self.now;
            match output {
                Output::LoadTargets => {
                    let heads = self
                        .store
                        .all
                        .values()
                        .filter(|one| self.store.is_head(one));
                    let origins: HashSet<_> = heads.map(|one| Store::origin(&one.target)).collect();
                    self.outbox
                        .handle_targets(now, origins.into_iter().collect());
                }
                Output::LoadHeads {
                    origin,
                    after,
                    most,
                } => {
                    let heads = self.store.heads(&origin, after, most);
                    let all = heads.len() < most;
                    self.outbox.handle_heads(now, &origin, heads, all);
                }
                Output::LoadSession {
                    session,
                    after,
                    most,
                } => {
                    let ids = self.store.sessions.get(&session).into_iter();
                    let ids = ids.flat_map(|ids| ids.range(after + 1..)).take(most);
                    let found: Vec<_> = ids.map(|id| self.store.all[id].clone()).collect();
                    let all = found.len() < most;
                    self.outbox.handle_session(now, &session, found, all);
                }
                output => {
                    match &output {
                        Output::Over { id, .. } => self.store.remove(*id),
                        Output::Moved { session, from, to } => {
                            let of = &self.store.sessions[session];
                            for id in of {
                                let one = self.store.all.get_mut(id).unwrap();
                                if one.target == *from {
                                    one.target = to.clone();
                                }
                            }
                        }
                        _ => {}
                    }
                    self.seen.push_back(output);
                }
            }
            self.most = self.most.max(self.outbox.len());
        }
    }

    fn answer(&mut self, id: u64, answer: Answer) {
        self.outbox.handle_answer(self.now, id, answer);
        self.serve();
    }

    fn outputs(&mut self) -> Vec<Output> {
        self.serve();
        self.seen.drain(..).collect()
    }

    /// What is delivered, and to where.
    fn delivered(&mut self) -> Vec<(u64, String)> {
        let outputs = self.outputs().into_iter();
        let deliveries = outputs.filter_map(|output| match output {
            Output::Deliver { id, target } => Some((id, target.to_string())),
            _ => None,
        });
        deliveries.collect()
    }

    fn over(&mut self) -> Vec<(u64, End)> {
        let outputs = self.outputs().into_iter();
        let over = outputs.filter_map(|output| match output {
            Output::Over { id, end, .. } => Some((id, end)),
            _ => None,
        });
        over.collect()
    }

    /// Goes to the next time at which something is to be done; says how long that was.
    fn wait(&mut self) -> Duration {
        let until = self.outbox.poll_timeout().expect("something is to be done");
        let waited = until.saturating_duration_since(self.now);
        self.now += waited;
        self.outbox.handle_timeout(self.now);
        self.serve();
        waited
    }
}

trait ForTests {
    fn now_for_tests() -> Self;
}

impl ForTests for Instant {
    /// Any instant: all others are counted from it.
    #[allow(clippy::disallowed_methods)]
    fn now_for_tests() -> Self {
        Instant::now()
    }
}

#[test]
fn a_session_is_told_in_order() {
    let mut bench = Bench::new();
    for id in 1..=3 {
        bench.put(id, "s", A);
    }
    for id in 1..=3 {
        assert_eq!(bench.delivered(), [(id, A.to_owned())]);
        bench.answer(id, status(204));
    }
    assert_eq!(bench.over(), [(3, End::Delivered)]);
    assert!(bench.outbox.is_empty());
}

#[test]
fn a_target_that_fails_is_asked_later_and_later() {
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    bench.put(2, "s", A);
    let mut waits = Vec::new();
    for failure in [503, 500, 502, 504, 429, 503, 503, 503] {
        assert_eq!(bench.delivered(), [(1, A.to_owned())]);
        bench.answer(1, status(failure));
        assert_eq!(bench.delivered(), []);
        waits.push(bench.wait().as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    let down = bench.outbox.down();
    assert_eq!(
        (down[0].origin.as_str(), down[0].tries),
        ("https://a.example.com", 8)
    );
    assert_eq!(bench.delivered(), [(1, A.to_owned())]);
    bench.answer(1, status(200));
    assert_eq!(bench.outbox.down(), []);
    assert_eq!(bench.delivered(), [(2, A.to_owned())]);
}

#[test]
fn an_operator_has_a_target_tried_at_once() {
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    assert_eq!(bench.delivered(), [(1, A.to_owned())]);
    let origin = "https://a.example.com";
    assert!(!bench.outbox.release(bench.now, origin), "it is not down");
    let busy = Answer::Response {
        status: 503,
        location: None,
        retry_after: Some(Duration::from_hours(1)),
        cause: None,
    };
    bench.answer(1, busy);
    assert_eq!(bench.delivered(), []);
    let until = bench.outbox.down()[0].until;
    assert_eq!(until, bench.now + Duration::from_hours(1));
    assert!(!bench.outbox.release(bench.now, "https://b.example.com"));
    assert!(bench.outbox.release(bench.now, origin));
    assert_eq!(bench.delivered(), [(1, A.to_owned())]);
    // It is under way: another release does not send it twice.
    assert!(bench.outbox.release(bench.now, origin));
    assert_eq!(bench.delivered(), []);
    bench.answer(1, status(503));
    assert_eq!(bench.delivered(), []);
    assert_eq!(bench.wait().as_secs(), 2);
}

#[test]
fn no_answer_is_a_failure_and_others_go_on() {
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    bench.put(2, "t", B);
    assert_eq!(bench.delivered().len(), 2);
    bench.answer(1, Answer::None);
    bench.put(3, "u", A);
    bench.put(4, "v", B);
    bench.answer(2, status(204));
    assert_eq!(bench.delivered(), [(4, B.to_owned())]);
    // The rest waits in the store.
    assert_eq!(bench.outbox.down()[0].sessions, 1);
}

#[test]
fn retry_after_is_kept_within_a_bound() {
    let asked = |seconds| Answer::Response {
        status: 503,
        location: None,
        retry_after: Some(Duration::from_secs(seconds)),
        cause: None,
    };
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    bench.answer(1, asked(120));
    assert_eq!(bench.wait(), Duration::from_mins(2));
    bench.answer(1, asked(1_000_000));
    assert_eq!(bench.wait(), Duration::from_hours(1));
}

/// TS 29.392 §6.3.7.3: the consumer's causes reach whoever decides what follows from them.
#[test]
fn a_refusal_is_final() {
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    let refused = Answer::Response {
        status: 404,
        location: None,
        retry_after: None,
        cause: Some(Cause::UserNotFound),
    };
    bench.answer(1, refused);
    assert_eq!(
        bench.over(),
        [(1, End::Refused(404, Some(Cause::UserNotFound)))]
    );
    for code in [301, 302, 400, 401, 403, 405, 418, 501, 100] {
        bench.put(2, "s", A);
        bench.answer(2, status(code));
        assert_eq!(bench.over(), [(2, End::Refused(code, None))]);
    }
}

/// TS 29.122 §5.2.10.
#[test]
fn redirections_are_followed_and_the_permanent_ones_remembered() {
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    bench.put(2, "s", A);
    bench.outputs();
    bench.answer(1, redirect(307, B));
    assert_eq!(bench.delivered(), [(1, B.to_owned())]);
    bench.answer(1, status(204));
    assert_eq!(bench.delivered(), [(2, A.to_owned())]);
    bench.put(3, "s", A);
    bench.answer(2, redirect(308, "/moved?x"));
    let moved = "https://a.example.com/moved?x";
    assert_eq!(
        bench.outputs(),
        [
            Output::Moved {
                session: "s".into(),
                from: uri(A),
                to: uri(moved),
            },
            Output::Deliver {
                id: 2,
                target: uri(moved),
            },
        ]
    );
    bench.answer(2, status(204));
    assert_eq!(bench.delivered(), [(3, moved.to_owned())]);
}

#[test]
fn no_redirection_leads_astray() {
    for location in [
        "http://a.example.com/n",
        "https://127.0.0.1/admin",
        "https://[::1]/",
        "file:///etc/passwd",
        "https://",
    ] {
        let mut bench = Bench::new();
        bench.put(1, "s", A);
        bench.outputs();
        bench.answer(1, redirect(307, location));
        let [(1, End::Forbidden(_))] = bench.over()[..] else {
            panic!("{location} was followed");
        };
        assert!(bench.outbox.is_empty());
    }
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    let mut followed = 0;
    while let [(1, target)] = &bench.delivered()[..] {
        let next = if target == A { B } else { A };
        bench.answer(1, redirect(308, next));
        followed += 1;
        assert!(followed < 10, "in a circle");
    }
    assert_eq!(followed, 6);
    assert!(bench.outbox.is_empty());
    bench.put(2, "s", "https://localhost/n");
    let [(2, End::Forbidden(_))] = bench.over()[..] else {
        panic!("localhost was told");
    };
}

/// Also when a hundred thousand of one session are too old at once, and go to two targets in turn.
#[test]
fn what_is_too_old_is_given_up() {
    let mut bench = Bench::new();
    bench.put(1, "s", A);
    for id in 2..=100_000 {
        bench.put(id, "s", if id % 2 == 0 { A } else { B });
    }
    bench.outputs();
    bench.answer(1, Answer::None);
    bench.now += Duration::from_hours(24);
    bench.outbox.handle_timeout(bench.now);
    let over = bench.over();
    assert_eq!(over.len(), 100_000);
    assert!(bench.most <= 128, "{}", bench.most);
    assert!(over.iter().all(|(_, end)| *end == End::TooOld));
    assert!(bench.outbox.is_empty() && bench.outbox.down().is_empty());
    assert_eq!(bench.outbox.poll_timeout(), None);
}

#[test]
fn a_target_that_comes_back_gets_all_of_them_soon() {
    let mut bench = Bench::new();
    let begin = bench.now;
    for id in 1..=100_000 {
        bench.put(id, &format!("s{}", id % 1000), A);
    }
    let down = begin + Duration::from_hours(1);
    let mut last: HashMap<u64, u64> = HashMap::new();
    let mut most = 0;
    while !bench.outbox.is_empty() {
        let deliveries = bench.delivered();
        if deliveries.is_empty() {
            bench.wait();
            continue;
        }
        most = most.max(deliveries.len());
        // A round trip of 20 ms.
        bench.now += Duration::from_millis(20);
        for (id, _) in deliveries {
            if bench.now < down {
                bench.answer(id, Answer::None);
            } else {
                let before = last.insert(id % 1000, id);
                assert!(before.is_none_or(|before| before < id), "out of order");
                bench.answer(id, status(204));
            }
        }
    }
    assert!(
        bench.now - down < Duration::from_mins(2),
        "{:?}",
        bench.now - down
    );
    assert!(most <= 64);
    // What waited was in the store.
    assert!(bench.most <= 2 * 256 * 64, "{}", bench.most);
    assert!(bench.store.all.is_empty());
}

/// A hundred thousand sessions wait for a target that is down, and another target is told at once.
#[test]
fn the_dead_take_no_room_from_the_living() {
    let mut bench = Bench::with(OutboxSettings {
        sessions: 64,
        page: 16,
        ..OutboxSettings::default()
    });
    bench.put(1, "first", A);
    bench.answer(1, Answer::None);
    for id in 2..10_000 {
        bench.put(id, &id.to_string(), A);
    }
    bench.outputs();
    assert!(bench.most <= 64, "{}", bench.most);
    bench.put(10_000, "living", B);
    bench.put(10_001, "first", B);
    assert_eq!(bench.delivered(), [(10_000, B.to_owned())]);
    bench.answer(10_000, status(204));
    // Of the session whose first one waits, the next waits too.
    assert_eq!(bench.delivered(), []);
    bench.wait();
    let mut told = 0;
    while let [(id, _), ..] = bench.delivered()[..] {
        told += 1;
        bench.answer(id, status(204));
        if id == 10_001 {
            break;
        }
    }
    assert_eq!(told, 2);
}

/// A place that fails again and again does not hold up the others of its server.
#[test]
fn one_that_fails_does_not_hold_up_the_others() {
    let mut bench = Bench::new();
    for id in 1..=40 {
        bench.put(id, &format!("s{}", id % 20), A);
    }
    let mut told = Vec::new();
    for _ in 0..400 {
        let deliveries = bench.delivered();
        if deliveries.is_empty() {
            bench.wait();
        }
        for (id, _) in deliveries {
            let sick = id % 20 == 1;
            if !sick {
                told.push(id);
            }
            bench.answer(id, status(if sick { 500 } else { 204 }));
        }
    }
    told.sort_unstable();
    let others: Vec<u64> = (1..=40).filter(|id| id % 20 != 1).collect();
    assert_eq!(told, others);
}

/// What the process before left is delivered in order, and what comes meanwhile after it.
#[test]
fn a_restart_finds_what_is_in_the_store() {
    let mut bench = Bench::new();
    for id in 1..=3000 {
        let session = format!("s{}", id % 700);
        bench.put(id, &session, if id % 3 == 0 { A } else { B });
    }
    bench.outputs();
    bench.outbox = Outbox::new(OutboxSettings {
        sessions: 300,
        page: 100,
        of_session: 2,
        ..OutboxSettings::default()
    });
    bench.most = 0;
    let mut last: HashMap<u64, u64> = HashMap::new();
    let mut next = 3001;
    bench.serve();
    bench.outbox.look_again();
    let mut under_way: VecDeque<(u64, String)> = VecDeque::new();
    loop {
        under_way.extend(bench.delivered());
        let Some((id, _)) = under_way.pop_front() else {
            break;
        };
        let before = last.insert(id % 700, id);
        assert!(before.is_none_or(|before| before < id), "out of order");
        bench.answer(id, status(204));
        if next <= 4000 {
            bench.put(next, &format!("s{}", next % 700), A);
            next += 1;
        }
    }
    assert_eq!(bench.store.all.len(), 0, "{:?}", bench.outbox);
    assert!(bench.outbox.is_empty());
    assert!(bench.most <= 900, "{}", bench.most);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever the targets do: each ends once, in the order of its session, and no session has two
    /// under way.
    #[test]
    fn each_ends_once_and_in_order(
        sessions in prop::collection::vec((0_u8..5, any::<bool>()), 1..60),
        answers in prop::collection::vec(0_u8..8, 0..200),
        small in any::<bool>(),
    ) {
        let mut bench = Bench::with(OutboxSettings {
            sessions: if small { 2 } else { 100 },
            page: if small { 1 } else { 4 },
            of_session: 2,
            ..OutboxSettings::default()
        });
        let mut session_of = HashMap::new();
        for (id, (session, first)) in (1..).zip(&sessions) {
            bench.put(id, &session.to_string(), if *first { A } else { B });
            session_of.insert(id, *session);
        }
        let mut answers = answers.into_iter();
        let mut under_way: Vec<u64> = Vec::new();
        let mut last: HashMap<u8, u64> = HashMap::new();
        let mut ended = HashSet::new();
        loop {
            for output in bench.outputs() {
                match output {
                    Output::Deliver { id, .. } => {
                        let session = session_of[&id];
                        prop_assert!(under_way.iter().all(|other| session_of[other] != session));
                        under_way.push(id);
                    }
                    Output::Over { id, .. } => {
                        prop_assert!(ended.insert(id));
                        let before = last.insert(session_of[&id], id);
                        prop_assert!(before.is_none_or(|before| before < id));
                    }
                    _ => {}
                }
            }
            if bench.outbox.is_empty() {
                break;
            }
            if under_way.is_empty() {
                bench.wait();
                continue;
            }
            let which = answers.len() % under_way.len();
            let id = under_way.swap_remove(which);
            bench.answer(id, match answers.next() {
                Some(0) => Answer::None,
                Some(1) => status(503),
                Some(2) => redirect(307, A),
                Some(3) => redirect(308, B),
                Some(4) => redirect(308, "http://[::1]/"),
                Some(5) => status(404),
                Some(6) => status(307),
                _ => status(204),
            });
        }
        prop_assert_eq!(ended.len(), sessions.len());
    }
}
