//! The loop: one input, its outputs, the next input.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use api_mmtel_es::ProblemDetails;
use nf_mmtel_es::calls::{AskId, Calls, CommitId, Counters, Output, Told};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{Asked, CallsSetup, ToCalls};
use crate::gateway::{GatewayClient, GatewayEvent};
use crate::mes::Enabler;
use crate::sip::{SipEvent, SipSockets};

/// What the thread begins with.
pub(super) struct Parts {
    pub(super) enabler: Enabler,
    pub(super) setup: CallsSetup,
    pub(super) address: SocketAddr,
    pub(super) seed: [u8; 32],
    pub(super) sockets: Rc<SipSockets>,
    pub(super) counting: watch::Sender<Counters>,
}

type Answer = oneshot::Sender<Result<Told, Box<ProblemDetails>>>;

struct Driver {
    enabler: Enabler,
    machine: RefCell<Calls>,
    gateway: GatewayClient,
    sockets: Rc<SipSockets>,
    counting: watch::Sender<Counters>,
    answers: RefCell<HashMap<AskId, Answer>>,
    next_ask: Cell<u64>,
    rearm: Notify,
}

impl Parts {
    pub(super) async fn serve(
        self,
        mut told: mpsc::Receiver<ToCalls>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let setup = self.setup;
        let mut config = setup
            .config
            .machine(self.address, &setup.core, &setup.home_domain);
        config.targets = setup.targets;
        // A call waits for its answers, and all for the news that the gateway is gone: none may be lost.
        let (say, mut said) = mpsc::unbounded_channel();
        let gateway = setup.gateway.register(move |event| {
            let _ = say.send(event);
        });
        let driver = Rc::new(Driver {
            enabler: self.enabler,
            machine: RefCell::new(Calls::new(config, self.seed)),
            gateway,
            sockets: Rc::clone(&self.sockets),
            counting: self.counting,
            answers: RefCell::default(),
            next_ask: Cell::new(0),
            rearm: Notify::new(),
        });
        if !setup.gateway.is_reachable() {
            driver.input(Calls::handle_gateway_lost);
        }
        driver.input(|machine, now| machine.resume(now, setup.sessions));
        let events = Rc::clone(&driver);
        self.sockets.start(move |event| events.feed(event));
        loop {
            let next = driver.machine.borrow().poll_timeout();
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => driver.input(Calls::handle_timeout),
                () = driver.rearm.notified() => {}
                Some(event) = said.recv() => driver.hear(event),
                Some(told) = told.recv() => match told {
                    ToCalls::Asked(asked) => driver.ask(*asked),
                    ToCalls::Looked(answer) => {
                        // Who looked may have gone.
                        let _ = answer.send(driver.machine.borrow().sessions());
                    }
                    ToCalls::Refused { session, cause } => {
                        driver.input(|machine, _| machine.handle_refused(&session, &cause));
                    }
                },
                _ = &mut stopped => return,
            }
        }
    }
}

impl Driver {
    fn feed(self: &Rc<Self>, event: SipEvent) {
        match event {
            SipEvent::Message(source, message) => {
                self.input(|machine, now| machine.handle_message(now, source, *message));
            }
            SipEvent::Closed(id) => {
                self.input(|machine, now| machine.handle_connection_closed(now, id));
            }
            SipEvent::Failed(target) => {
                self.input(|machine, now| machine.handle_transport_error(now, target));
            }
        }
        self.rearm.notify_one();
    }

    fn hear(self: &Rc<Self>, event: GatewayEvent) {
        match event {
            GatewayEvent::Reply { id, result } => {
                self.input(|machine, now| machine.handle_iq_reply(now, id, result));
            }
            GatewayEvent::Notification(notification) => {
                self.input(|machine, now| machine.handle_iq_notification(now, notification));
            }
            GatewayEvent::WorkerLost(worker) => {
                self.input(|machine, now| machine.handle_worker_lost(now, worker));
            }
            GatewayEvent::Lost => self.input(Calls::handle_gateway_lost),
            GatewayEvent::Restored => self.input(|machine, _| machine.handle_gateway_restored()),
        }
    }

    fn ask(self: &Rc<Self>, asked: Asked) {
        let Asked {
            consumer,
            ask,
            answer,
        } = asked;
        let id = AskId(self.next_ask.get());
        self.next_ask.set(id.0 + 1);
        let mut applications = match self.enabler.applications() {
            Ok(applications) => applications,
            Err(problem) => {
                let _ = answer.send(Err(problem));
                return;
            }
        };
        self.answers.borrow_mut().insert(id, answer);
        let clock = self.enabler.now();
        self.input(|machine, now| {
            machine.handle_ask(now, clock, id, &consumer, ask, applications.get());
        });
    }

    fn input(self: &Rc<Self>, feed: impl FnOnce(&mut Calls, Instant)) {
        let mut machine = self.machine.borrow_mut();
        feed(&mut machine, Instant::now());
        while let Some(output) = machine.poll_output() {
            self.act(output);
        }
        self.counting.send_replace(machine.counters());
    }

    fn act(self: &Rc<Self>, output: Output) {
        match output {
            Output::Send { target, message } => self.sockets.send(target, message),
            Output::Iq { id, command } => self.gateway.send(id, command),
            Output::Commit { id, changes } => {
                let commit = self.enabler.commit(changes);
                let driver = Rc::clone(self);
                tokio::task::spawn_local(async move {
                    let written = driver.enabler.written(commit).await.is_ok();
                    driver.written(id, written);
                });
            }
            Output::Reply { ask, result } => {
                if let Some(answer) = self.answers.borrow_mut().remove(&ask) {
                    // Whoever asked may have gone.
                    let _ = answer.send(result);
                }
            }
            Output::Resolve { host } => {
                let driver = Rc::clone(self);
                tokio::task::spawn_local(async move {
                    let found = tokio::net::lookup_host((host.as_str(), 0)).await;
                    let addresses = found.map(|all| all.map(|one| one.ip()).collect());
                    let addresses = addresses.unwrap_or_default();
                    driver.input(|machine, now| machine.handle_resolved(now, &host, addresses));
                    driver.rearm.notify_one();
                });
            }
        }
    }

    fn written(self: &Rc<Self>, id: CommitId, written: bool) {
        self.input(|machine, now| {
            if written {
                machine.handle_committed(now, id);
            } else {
                machine.handle_not_committed(now, id);
            }
        });
        self.rearm.notify_one();
    }
}
