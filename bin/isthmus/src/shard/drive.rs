//! One shard's thread: its machine, and everything that feeds it or does what it says.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use bytes::Bytes;
use core_sip::ConnectionId;
use nf_epcscf::ims_alg::Policy;
use nf_epcscf::{
    Config as EpcscfConfig, Counters, EpCscf, IntegrityProtected, Output, ThirdPartyForm, W2Peer,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;
use tracing::{error, warn};

use super::accept::{self, PerAddress};
use super::gateway_events::gateway_events;
use super::outbox::Outbox;
use super::web_socket::ToWebSocket;
use super::{SHARD_SHIFT, Setup, ToShard, accepted_by, mw};
use crate::config::{BootstrapConfig, Config, IssuerConfig, ThirdParty};
use crate::fault::{Fault, Port};
use crate::gateway::{GatewayClient, GatewayEvent};
use crate::private_file;
use crate::repository::RemoteRepository;
use crate::sip::{SipAddresses, SipFigures, SipSetup, SipSockets, SipTls};
use crate::web::Introspector;

/// How often figures are shown and the clock is told.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// What a WebSocket is closed with when we end.
const GOING_AWAY: u16 = 1001;
/// How long clients have to close their side then.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all shards of this run share.
#[derive(Clone)]
pub(super) struct Secrets {
    token_key: [u8; 32],
    epoch: u32,
    /// Who asks issuers about their tokens.
    introspector: Option<Introspector>,
    /// Where the first shard bound Mw.
    pub(super) mw: Arc<OnceLock<SipAddresses>>,
}

impl Secrets {
    pub(super) fn new(config: &Config) -> Result<Self, Fault> {
        let epoch = random::<4>()?;
        Ok(Self {
            token_key: token_key(&config.data_dir)?,
            introspector: config.introspector()?,
            epoch: u32::from_be_bytes(epoch),
            mw: Arc::default(),
        })
    }
}

/// What the tokens in Path and Record-Route are sealed with: kept, so that those of an earlier run are
/// known as ours, and answered as flows that are gone, not as forgeries.
fn token_key(data: &Path) -> Result<[u8; 32], Fault> {
    let file = data.join("token.key");
    if let Ok(bytes) = std::fs::read(&file) {
        let why = "is not 32 bytes long: remove it, and it is made anew";
        return bytes.try_into().map_err(|_| Fault::at(&file, None, why));
    }
    let key = random()?;
    private_file::write(&file, &key)?;
    Ok(key)
}

fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Fault::new(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// What a thread is started with.
pub(super) struct Thread {
    pub(super) index: u16,
    pub(super) setup: Arc<Setup>,
    pub(super) senders: Vec<mpsc::Sender<ToShard>>,
    pub(super) receiver: mpsc::Receiver<ToShard>,
    pub(super) counters: Arc<Vec<Mutex<Counters>>>,
    pub(super) mw_tls: Option<Arc<SipTls>>,
    pub(super) mw_figures: Arc<SipFigures>,
    pub(super) secrets: Secrets,
    /// Where applications are, when the enabler is in another process.
    pub(super) repository: Option<RemoteRepository>,
    /// Where the first shard tells where Mw is.
    pub(super) bound: std::sync::mpsc::Sender<Result<SipAddresses, Fault>>,
}

impl Thread {
    pub(super) fn run(self) {
        let runtime = match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => {
                error!(%error, "a shard cannot run");
                return;
            }
        };
        LocalSet::new().block_on(&runtime, self.serve());
    }

    async fn serve(mut self) {
        let mw = if self.index == 0 {
            let epcscf = &self.setup.config.epcscf;
            let setup = SipSetup {
                port: Port::MW,
                address: epcscf.mw_listen,
                tls: self.mw_tls.take(),
                requests_per_second: epcscf.mw_requests_per_second,
                figures: Arc::clone(&self.mw_figures),
                first: 1 << (SHARD_SHIFT - 1), // apart from the numbers of WebSockets
            };
            match SipSockets::bind(setup) {
                Ok(sockets) => {
                    let _ = self.bound.send(Ok(sockets.addresses()));
                    Some((sockets.addresses(), sockets))
                }
                Err(fault) => {
                    let _ = self.bound.send(Err(fault));
                    return;
                }
            }
        } else {
            None
        };
        let address = mw
            .as_ref()
            .map(|(address, _)| *address)
            .or(self.secrets.mw.get().copied());
        let Some(address) = address else { return };
        let seed = match random() {
            Ok(seed) => seed,
            Err(fault) => {
                error!(%fault, "a shard cannot run");
                return;
            }
        };
        let config = epcscf_config(
            &self.setup,
            &self.secrets,
            address,
            self.index,
            self.senders.len(),
        );
        let machine = EpCscf::new(config, Instant::now(), SystemTime::now(), seed);
        let (sink, mut gateway_events) = gateway_events();
        let gateway = self.setup.gateway.register(sink);
        let shard = Rc::new(Shard {
            index: self.index,
            router: super::pages::router(&self.setup),
            setup: Arc::clone(&self.setup),
            machine: RefCell::new(machine),
            sockets: RefCell::default(),
            elsewhere: RefCell::default(),
            next: Cell::new(0),
            senders: self.senders,
            gateway,
            mw: mw.map(|(_, sockets)| sockets),
            armed: Cell::new(None),
            rearm: Notify::new(),
            per_address: PerAddress::default(),
            introspector: self.secrets.introspector,
            repository: self.repository,
        });
        if let Some(sockets) = &shard.mw {
            mw::start(&shard, sockets);
        }
        if let Some((https, http)) = self.setup.listeners.take() {
            let tls = TlsAcceptor::from(Arc::clone(&self.setup.tls));
            accept::start(&shard, Some(tls), https);
            if let Some(http) = http {
                accept::start(&shard, None, http);
            }
        }
        tokio::task::spawn_local(Rc::clone(&shard).watch_time());
        tokio::task::spawn_local(Rc::clone(&shard).keep_house(Arc::clone(&self.counters)));
        loop {
            tokio::select! {
                biased;
                Some(event) = gateway_events.recv() => shard.hear_gateway(event),
                what = self.receiver.recv() => match what {
                    None | Some(ToShard::Stop) => break,
                    Some(what) => shard.take(what),
                }
            }
        }
        shard.go_away().await;
    }
}

/// A running shard. Nothing of it leaves its thread.
pub(super) struct Shard {
    index: u16,
    pub(super) setup: Arc<Setup>,
    pub(super) router: Option<Router>,
    machine: RefCell<EpCscf>,
    sockets: RefCell<HashMap<ConnectionId, Outbox>>,
    /// WebSockets accepted here whose WIC lives in another shard.
    elsewhere: RefCell<HashMap<ConnectionId, u16>>,
    next: Cell<u64>,
    senders: Vec<mpsc::Sender<ToShard>>,
    gateway: GatewayClient,
    /// The core's sockets, in the first shard.
    mw: Option<Rc<SipSockets>>,
    /// What the timer waits for.
    armed: Cell<Option<Instant>>,
    rearm: Notify,
    pub(super) per_address: PerAddress,
    introspector: Option<Introspector>,
    /// Where applications are, when the enabler is in another process.
    pub(super) repository: Option<RemoteRepository>,
}

impl Shard {
    /// One input, then all that follows from it.
    pub(super) fn input(self: &Rc<Self>, feed: impl FnOnce(&mut EpCscf, Instant)) {
        let mut machine = self.machine.borrow_mut();
        feed(&mut machine, Instant::now());
        while let Some(output) = machine.poll_output() {
            self.act(output);
        }
        let next = machine.poll_timeout();
        let sooner = match (next, self.armed.get()) {
            (Some(next), Some(armed)) => next < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if sooner {
            self.rearm.notify_one();
        }
    }

    pub(super) fn open(self: &Rc<Self>, peer: W2Peer, queue: Outbox) -> ConnectionId {
        let number = self.next.get();
        self.next.set(number + 1);
        let connection = ConnectionId((u64::from(self.index) << SHARD_SHIFT) | number);
        self.sockets.borrow_mut().insert(connection, queue);
        self.input(|machine, now| machine.handle_w2_open(now, connection, peer));
        connection
    }

    pub(super) fn received(self: &Rc<Self>, connection: ConnectionId, message: Bytes) {
        let elsewhere = self.elsewhere.borrow().get(&connection).copied();
        match elsewhere {
            None => self.input(|machine, now| machine.handle_w2_message(now, connection, message)),
            Some(shard) => self.tell(shard, ToShard::W2(connection, message)),
        }
    }

    pub(super) fn closed(self: &Rc<Self>, connection: ConnectionId) {
        self.sockets.borrow_mut().remove(&connection);
        let elsewhere = self.elsewhere.borrow_mut().remove(&connection);
        match elsewhere {
            None => self.input(|machine, now| machine.handle_w2_closed(now, connection)),
            Some(shard) => self.tell(shard, ToShard::W2Closed(connection)),
        }
    }

    /// RFC 6455 §7.4.1: every WebSocket is told, behind what was said last, and has a moment to go.
    async fn go_away(&self) {
        for outbox in self.sockets.borrow().values() {
            // One that is full does not read, and is not waited for.
            let _ = outbox.put(ToWebSocket::Close(GOING_AWAY, "the edge is going down"));
        }
        let begun = Instant::now();
        while !self.sockets.borrow().is_empty() && begun.elapsed() < FAREWELL {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Datagrams to the core are still on their way.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    /// TS 23.228 §U.2.1.2 — only pages of an authorised WWSF open W2. Unless they are named, those of
    /// this server: the same scheme too, or whoever can speak for `http://` could call from here.
    pub(super) fn allows_origin(
        &self,
        origin: Option<&str>,
        host: Option<&str>,
        secure: bool,
    ) -> bool {
        let Config { http, epcscf, .. } = &self.setup.config;
        let Some(origin) = origin else {
            return epcscf.allow_no_origin;
        };
        let is = |one: &str| one.eq_ignore_ascii_case(origin);
        if !epcscf.origins.is_empty() {
            return epcscf.origins.iter().any(|one| is(one));
        }
        let scheme = if secure { "https" } else { "http" };
        let public = http.public_url.as_deref();
        public.is_some_and(|url| is(url.trim_end_matches('/')))
            || host.is_some_and(|host| is(&format!("{scheme}://{host}")))
    }

    fn hear_gateway(self: &Rc<Self>, event: GatewayEvent) {
        self.input(|machine, now| match event {
            GatewayEvent::Reply { id, result } => machine.handle_iq_reply(now, id, result),
            GatewayEvent::Notification(event) => machine.handle_iq_notification(now, &event),
            GatewayEvent::WorkerLost(worker) => machine.handle_gateway_worker_lost(now, worker),
            GatewayEvent::Lost => machine.handle_gateway_lost(now),
            GatewayEvent::Restored => {}
        });
    }

    fn take(self: &Rc<Self>, what: ToShard) {
        match what {
            ToShard::Mw(source, message) => {
                self.input(|machine, now| machine.handle_mw_message(now, source, *message));
            }
            ToShard::MwFailed(target) => {
                self.input(|machine, now| machine.handle_mw_failed(now, target));
            }
            ToShard::MwClosed(id) => self.input(|machine, now| machine.handle_mw_closed(now, id)),
            ToShard::Adopt(connection, peer, message) => self.input(|machine, now| {
                machine.handle_w2_open(now, connection, peer);
                machine.handle_w2_message(now, connection, message);
            }),
            ToShard::W2(connection, message) => {
                self.input(|machine, now| machine.handle_w2_message(now, connection, message));
            }
            ToShard::W2Closed(connection) => {
                self.input(|machine, now| machine.handle_w2_closed(now, connection));
            }
            ToShard::W2Send(connection, message) => {
                self.write(connection, ToWebSocket::Send(message));
            }
            ToShard::W2Close(connection, code, reason) => {
                self.write(connection, ToWebSocket::Close(code, reason));
            }
            ToShard::MwSend(target, message) => {
                if let Some(mw) = &self.mw {
                    mw.send(target, message);
                }
            }
            ToShard::Keys(issuer, keys) => {
                self.input(|machine, _| machine.handle_keys(&issuer, &keys));
            }
            ToShard::LeaseEnded(ending) => {
                self.input(|machine, now| machine.handle_lease_ended(now, &ending.lease));
            }
            ToShard::Calls(asker) => {
                // Who asked waits no longer, at worst.
                let _ = asker.send(self.machine.borrow().calls());
            }
            ToShard::Drain => self.input(|machine, _| machine.handle_drain()),
            ToShard::Shutdown => self.input(EpCscf::handle_shutdown),
            ToShard::Stop => {}
        }
    }

    fn act(self: &Rc<Self>, output: Output) {
        match output {
            Output::Applications { id, query } => self.ask_repository(id, *query),
            Output::LeaseHeld { lease } => self.setup.leases.hold(lease),
            Output::LeaseLeft { lease } => self.lease_left(lease),
            Output::W2Send {
                connection,
                message,
            } => {
                if accepted_by(connection) == self.index {
                    self.write(connection, ToWebSocket::Send(message));
                } else {
                    self.tell(
                        accepted_by(connection),
                        ToShard::W2Send(connection, message),
                    );
                }
            }
            Output::W2Close {
                connection,
                code,
                reason,
            } => {
                if accepted_by(connection) == self.index {
                    self.write(connection, ToWebSocket::Close(code, reason));
                } else {
                    let close = ToShard::W2Close(connection, code, reason);
                    self.tell(accepted_by(connection), close);
                }
            }
            Output::MwSend { target, message } => match &self.mw {
                Some(mw) => mw.send(target, message),
                None => self.tell(0, ToShard::MwSend(target, message)),
            },
            Output::Iq { id, command } => self.gateway.send(id, command),
            Output::Introspect { id, issuer, token } => {
                let shard = Rc::clone(self);
                tokio::task::spawn_local(async move {
                    let answer = match &shard.introspector {
                        Some(introspector) => introspector.ask(&issuer, &token).await,
                        None => None,
                    };
                    shard.input(|machine, now| {
                        machine.handle_introspected(now, id, answer.as_deref());
                    });
                });
            }
            Output::Resolve { host } => {
                let shard = Rc::clone(self);
                tokio::task::spawn_local(async move {
                    let found = tokio::net::lookup_host((host.as_str(), 0)).await;
                    let addresses = found.map(|all| all.map(|one| one.ip()).collect());
                    let addresses = addresses.unwrap_or_default();
                    shard.input(|machine, now| machine.handle_resolved(now, &host, addresses));
                });
            }
            Output::HandOver {
                connection,
                peer,
                shard,
                message,
            } => {
                self.elsewhere.borrow_mut().insert(connection, shard);
                self.tell(shard, ToShard::Adopt(connection, peer, message));
            }
            Output::PassOn {
                shard,
                source,
                message,
            } => {
                self.tell(shard, ToShard::Mw(source, message));
            }
        }
    }

    /// To a WebSocket of this thread. One that does not read is cut off: its queue goes, and its
    /// task with it.
    fn write(&self, connection: ConnectionId, what: ToWebSocket) {
        let mut sockets = self.sockets.borrow_mut();
        let full = sockets
            .get(&connection)
            .is_some_and(|queue| !queue.put(what));
        if full {
            warn!(
                connection = connection.0,
                "a client does not read: it is cut off"
            );
            sockets.remove(&connection);
        }
    }

    /// To another shard. What does not fit is lost as a datagram is, and comes again or times out.
    /// The last one who was registered by a lease tells every shard, this one too.
    fn lease_left(&self, lease: String) {
        let Some(ending) = self.setup.leases.leave(lease) else {
            return;
        };
        for sender in &self.senders {
            let told = sender.try_send(ToShard::LeaseEnded(Arc::clone(&ending)));
            if told.is_err() {
                ending.lose();
            }
        }
    }

    fn tell(&self, shard: u16, what: ToShard) {
        let sent = self
            .senders
            .get(usize::from(shard))
            .map(|sender| sender.try_send(what));
        if !matches!(sent, Some(Ok(()))) {
            warn!(shard, "a shard's queue is full");
        }
    }

    async fn watch_time(self: Rc<Self>) {
        loop {
            let next = self.machine.borrow().poll_timeout();
            self.armed.set(next);
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => self.input(EpCscf::handle_timeout),
                () = self.rearm.notified() => {}
            }
        }
    }

    async fn keep_house(self: Rc<Self>, counters: Arc<Vec<Mutex<Counters>>>) {
        let mut interval = tokio::time::interval(HOUSEKEEPING);
        loop {
            interval.tick().await;
            let mut machine = self.machine.borrow_mut();
            machine.handle_clock(Instant::now(), SystemTime::now());
            let now = machine.counters();
            drop(machine);
            let mine = &counters[usize::from(self.index)];
            *mine.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }

    /// The core's shard for a message, when it is another than this.
    pub(super) fn pass_to(&self, shard: u16, what: ToShard) {
        self.tell(shard, what);
    }

    pub(super) fn count(&self) -> u16 {
        self.senders.len() as u16
    }
}

fn epcscf_config(
    setup: &Setup,
    secrets: &Secrets,
    mw: SipAddresses,
    shard: u16,
    shards: usize,
) -> EpcscfConfig {
    let Config {
        home_domain,
        http,
        epcscf,
        ..
    } = &setup.config;
    let told = |address: SocketAddr| match &epcscf.mw_host {
        Some(host) => format!("{host}:{}", address.port()),
        None => address.to_string(),
    };
    let (mw, mw_tls) = (told(mw.plain), mw.tls.map(told));
    let w2 = http
        .public_url
        .as_deref()
        .and_then(|url| url.split_once("://"))
        .map_or_else(
            || format!("localhost:{}", setup.listeners.https.port()),
            |(_, authority)| authority.trim_end_matches('/').to_owned(),
        );
    EpcscfConfig {
        w2,
        mw_tls,
        visited_network: epcscf
            .visited_network
            .clone()
            .unwrap_or_else(|| home_domain.clone()),
        shard,
        shards: shards as u16,
        epoch: secrets.epoch,
        token_key: secrets.token_key,
        integrity_protected: match epcscf.integrity_protected.as_str() {
            "tls-protected" => IntegrityProtected::TlsProtected,
            _ => IntegrityProtected::TlsYes,
        },
        reconnect: Duration::from_secs(epcscf.reconnect_seconds),
        session_expires: Duration::from_secs(epcscf.session_expires_seconds),
        akav1: epcscf.akav1,
        issuers: epcscf.issuer.iter().map(IssuerConfig::rules).collect(),
        third_party_form: match epcscf.third_party_form {
            ThirdParty::Jwt => ThirdPartyForm::Jwt,
            ThirdParty::AuthorizationEntity => ThirdPartyForm::Parameter,
        },
        registrations_per_second: match epcscf.registrations_per_second {
            0 => 0,
            all => (all / shards as u32).max(1),
        },
        linger: Duration::from_secs(epcscf.linger_seconds),
        emergency_numbers: epcscf.emergency_numbers.clone(),
        authz_server: setup.issuer.clone(),
        audience: epcscf.token.audience.clone(),
        requests_per_second: epcscf.requests_per_second,
        // Behind one address there may be an office, or a load generator.
        address_requests_per_second: epcscf.requests_per_second.saturating_mul(50),
        media: Policy {
            data_channels: epcscf.data_channels.into(),
            bootstrap: (setup.enabler.is_some() || epcscf.repository.is_some())
                && epcscf.bootstrap != Some(BootstrapConfig::Core),
            ..Policy::default()
        },
        ..EpcscfConfig::new(home_domain, &mw, &epcscf.next_hop)
    }
}
