//! The laboratory's core on a thread of its own: sockets, time, and the machine.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use core_credentials::aka::Sqn;
use nf_lab_core::{Counters, Ending, FilterCriterion, LabCore, LabCoreConfig, Output, Subscriber};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::LocalSet;
use tracing::error;

use crate::config::Config;
use crate::fault::{Fault, Port};
use crate::sip::{SipAddresses, SipEvent, SipFigures, SipSetup, SipSockets, SipTls};

/// A running core.
pub(crate) struct RunningLabCore {
    /// Where it listens.
    pub(crate) addresses: SipAddresses,
    /// What happened at it, and at its sockets.
    pub(crate) figures: LabCoreFigures,
    /// What it can be told from elsewhere.
    pub(crate) orders: Orders,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// What it is told while it runs.
enum Order {
    /// One more eP-CSCF is believed.
    Trust(SocketAddr),
    /// One more application server, and what it is to see.
    Serve(SocketAddr, Vec<FilterCriterion>),
    /// The network ends a registration.
    End(String, Ending, Answer),
    /// It is to be refreshed within this time.
    Shorten(String, Duration, Answer),
}

/// How many contacts it concerned; none if there is no such subscriber.
type Answer = oneshot::Sender<Option<usize>>;

/// The way to tell it.
#[derive(Clone)]
pub(crate) struct Orders(mpsc::UnboundedSender<Order>);

impl Orders {
    /// TS 24.229 §5.4.1.5 — ends what this private identity has registered.
    pub(crate) async fn end(&self, impi: String, ending: Ending) -> Option<usize> {
        self.ask(|answer| Order::End(impi, ending, answer)).await
    }

    /// TS 24.229 §5.4.1.6 — has it registered anew within `left`.
    pub(crate) async fn shorten(&self, impi: String, left: Duration) -> Option<usize> {
        self.ask(|answer| Order::Shorten(impi, left, answer)).await
    }

    async fn ask(&self, order: impl FnOnce(Answer) -> Order) -> Option<usize> {
        let (answer, answered) = oneshot::channel();
        self.0.send(order(answer)).ok()?;
        answered.await.ok()?
    }
}

/// What happened, as other threads may read it.
#[derive(Clone)]
pub(crate) struct LabCoreFigures {
    sockets: Arc<SipFigures>,
    counters: watch::Receiver<Counters>,
}

impl LabCoreFigures {
    /// All of them by name.
    pub(crate) fn named(&self) -> Vec<(String, u64)> {
        let counters = *self.counters.borrow();
        let counted = [
            ("registrations_total", counters.registrations),
            ("challenges_total", counters.challenges),
            (
                "refused_registrations_total",
                counters.refused_registrations,
            ),
            ("calls_total", counters.calls),
            ("notifications_total", counters.notifications),
        ];
        let mut named = self.sockets.named("lab_core");
        named.extend(counted.map(|(name, value)| (format!("lab_core_{name}"), value)));
        named
    }
}

/// Starts one. The eP-CSCFs that it trusts are told later, since they need its address to start.
pub(crate) fn start(
    config: &Config,
    trusted: Vec<SocketAddr>,
    subscribers: Vec<Subscriber>,
) -> Result<RunningLabCore, Fault> {
    let tls = config.lab_core.tls.as_ref();
    let tls = tls.map(|tls| SipTls::open(config, Port::CORE_TLS, tls, None));
    let figures = Arc::new(SipFigures::default());
    let setup = SipSetup {
        port: Port::CORE,
        address: config.lab_core.listen,
        tls: tls.transpose()?,
        requests_per_second: config.lab_core.requests_per_second,
        figures: Arc::clone(&figures),
        first: 1,
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Fault::new(format!("the system gives no random bytes: {error}")))?;
    let (bound, addresses) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let (counting, counters) = watch::channel(Counters::default());
    let (orders, told) = mpsc::unbounded_channel();
    let home_domain = config.home_domain.clone();
    let web_functions = config.lab_core.web_functions();
    let application_servers = config.lab_core.application_servers.clone();
    let filter_criteria = config.lab_core.filter_criteria.clone();
    let thread = std::thread::Builder::new()
        .name("lab-core".into())
        .spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => {
                    error!(%error, "the laboratory's core cannot run");
                    return;
                }
            };
            LocalSet::new().block_on(&runtime, async move {
                let sockets = match SipSockets::bind(setup) {
                    Ok(sockets) => sockets,
                    Err(fault) => {
                        let _ = bound.send(Err(fault));
                        return;
                    }
                };
                let addresses = sockets.addresses();
                let _ = bound.send(Ok(addresses));
                let mut config = LabCoreConfig::new(&home_domain, addresses.plain);
                config.tls = addresses.tls;
                config.trusted = trusted;
                config.web_functions = web_functions;
                config.application_servers = application_servers;
                config.filter_criteria = filter_criteria;
                let clock = SystemTime::now().duration_since(UNIX_EPOCH);
                config.first_sequence = Sqn::of_clock(clock.unwrap_or_default().as_secs());
                let machine = LabCore::new(config, &subscribers, seed);
                serve(machine, counting, sockets, told, stopped).await;
            });
        })
        .map_err(|error| Fault::new(format!("cannot start a thread: {error}")))?;
    let addresses = addresses
        .recv()
        .map_err(|_| Fault::new("the laboratory's core ended"))??;
    Ok(RunningLabCore {
        addresses,
        figures: LabCoreFigures {
            sockets: figures,
            counters,
        },
        orders: Orders(orders),
        stop,
        thread,
    })
}

impl RunningLabCore {
    /// An eP-CSCF whose word is good from now on.
    pub(crate) fn trust(&self, epcscf: SocketAddr) {
        let _ = self.orders.0.send(Order::Trust(epcscf));
    }

    /// An application server that started after it, and what it is to see.
    pub(crate) fn serve_applications(&self, server: SocketAddr, criteria: Vec<FilterCriterion>) {
        let _ = self.orders.0.send(Order::Serve(server, criteria));
    }

    /// Ends it.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

struct Driver {
    machine: RefCell<LabCore>,
    counting: watch::Sender<Counters>,
    sockets: Rc<SipSockets>,
    rearm: Notify,
}

async fn serve(
    machine: LabCore,
    counting: watch::Sender<Counters>,
    sockets: Rc<SipSockets>,
    mut told: mpsc::UnboundedReceiver<Order>,
    mut stopped: oneshot::Receiver<()>,
) {
    let driver = Rc::new(Driver {
        machine: RefCell::new(machine),
        counting,
        sockets: Rc::clone(&sockets),
        rearm: Notify::new(),
    });
    let events = Rc::clone(&driver);
    sockets.start(move |event| events.feed(event));
    loop {
        let next = driver.machine.borrow().poll_timeout();
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => driver.input(LabCore::handle_timeout),
            () = driver.rearm.notified() => {}
            Some(order) = told.recv() => driver.obey(order),
            _ = &mut stopped => return,
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

    fn obey(self: &Rc<Self>, order: Order) {
        // Whoever asked may have gone.
        match order {
            Order::Trust(epcscf) => self.machine.borrow_mut().trust(epcscf),
            Order::Serve(server, criteria) => {
                let mut machine = self.machine.borrow_mut();
                machine.serve_applications(server, criteria);
            }
            Order::End(impi, ending, answer) => self.input(|machine, now| {
                let _ = answer.send(machine.end_registration(now, &impi, ending));
            }),
            Order::Shorten(impi, left, answer) => self.input(|machine, now| {
                let _ = answer.send(machine.shorten_registration(now, &impi, left));
            }),
        }
    }

    fn input(self: &Rc<Self>, feed: impl FnOnce(&mut LabCore, Instant)) {
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
}
