//! Everything in one process: what `isthmus` does when nothing more is said.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use core_credentials::Secret;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{info, warn};

use super::signals::Signals;
use crate::admin::Admin;
use crate::cli::AllInOne;
use crate::config::{Config, load};
use crate::fault::Fault;
use crate::gateway;
use crate::lab_core;
use crate::mes::{Enabler, EnablerError, calls, view};
use crate::shard::{Leases, Listeners, Setup, Shards, shard_count};
use crate::sip::SipAddresses;
use crate::store::{EnablerLoaded, Loaded, Store};
use crate::subscribers::{self, Subscriber};
use crate::web::{self, AccountConfig, Door, PoolIdentityConfig, Web, WebError};

/// Where http is, next to https, in a laboratory.
const PLAIN_PORT: u16 = 8080;

/// The file, when one is named, with the flags over it.
pub(super) fn configuration(flags: &AllInOne) -> Result<Config, Fault> {
    let mut config = match &flags.config {
        Some(file) => load(file)?,
        None => Config::default(),
    };
    if let Some(folder) = &flags.data_dir {
        config.data_dir.clone_from(folder);
    }
    if let Some(address) = flags.listen {
        config.http.listen.set_ip(address);
    }
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    config
        .http
        .plain_listen
        .get_or_insert(SocketAddr::new(loopback, PLAIN_PORT));
    set_port(&mut config.http.listen, flags.https_port);
    if let Some(plain) = &mut config.http.plain_listen {
        set_port(plain, flags.http_port);
    }
    set_port(&mut config.lab_core.listen, flags.core_port);
    set_port(&mut config.epcscf.mw_listen, flags.mw_port);
    set_port(&mut config.admin.listen, flags.admin_port);
    if let Some(port) = flags.media_port {
        config.gateway.port = port;
    }
    if let Some(address) = flags.public_address {
        config.gateway.public_addresses = vec![address];
    }
    if let Some(count) = flags.shards {
        config.epcscf.shards = count;
    }
    // A laboratory: clients that are no browser may come too.
    config.epcscf.allow_no_origin = true;
    config.mmtel_es.notifications.for_laboratory();
    config.check_listeners()?;
    Ok(config)
}

fn set_port(address: &mut SocketAddr, port: Option<u16>) {
    if let Some(port) = port {
        address.set_port(port);
    }
}

/// Starts everything, says where it is, and waits for the end.
pub(super) fn run(mut config: Config) -> Result<(), Fault> {
    super::alone::make_data_folder(&config)?;
    let (admin, admin_listener) = Admin::bind(&config.admin)?;
    let listeners = Listeners::bind(&config, shard_count(&config))?;
    let tls = config.server_tls()?;
    let people = subscribers::load(
        config.lab_core.subscribers.as_ref(),
        &config.data_dir,
        &config.home_domain,
    )?;
    let (gateway, workers) = gateway::start(&config.gateway)
        .map_err(|error| Fault::new(format!("the media gateway does not start: {error:#}")))?;
    info!(w3 = ?workers.w3, "media workers run");

    let guests = config.waf.pool.identities.iter().map(lab_guest);
    let guests = guests.collect::<Result<Vec<_>, _>>()?;
    let people_and_guests = people
        .iter()
        .map(Subscriber::for_lab_core)
        .chain(guests)
        .collect();
    let core = lab_core::start(&config, Vec::new(), people_and_guests)?;
    config.epcscf.next_hop = match (core.addresses.tls, &config.epcscf.mw_tls) {
        (Some(tls), Some(_)) => format!("sip:{tls};transport=tls"),
        _ => format!("sip:{}", core.addresses.plain),
    };

    let port = listeners.https.port();
    let url = public_url(&config, port);
    let own = match listeners.https.ip() {
        ip if ip.is_unspecified() => format!("https://127.0.0.1:{port}"),
        ip => format!("https://{}", SocketAddr::new(ip, port)),
    };
    let door = Door {
        url: url.clone(),
        own,
        home_domain: config.home_domain.clone(),
    };
    let sims = people.iter().any(Subscriber::has_sim);
    config.wwsf.software_sims.get_or_insert(sims);
    // Browsers lead all names below localhost to loopback, and take them for as good as TLS.
    if config.wwsf.applications.is_none()
        && config.wwsf.origins.is_empty()
        && let Some(http) = listeners.http
    {
        let site = format!("http://app-{{id}}.localhost:{}", http.port());
        config.wwsf.applications = Some(site);
    }
    // Who has a SIM and no password signs in nowhere.
    let with_password = people.iter().filter(|one| !one.password.is_empty());
    let accounts = with_password.map(account);
    web::behind_one_door(&mut config.waf, &mut config.wwsf, &door, accounts)
        .map_err(|error| web_fault(&config, error))?;
    let token = &mut config.mmtel_es.token;
    if token.required && token.issuer.is_empty() {
        token.issuer.clone_from(&config.waf.issuer);
    }
    let (to_waf, ended) = tokio::sync::mpsc::unbounded_channel();
    let (store, mut loaded) = open_store(&config)?;
    let mut stored = std::mem::take(&mut loaded.enabler);
    let sessions = std::mem::take(&mut stored.sessions);
    let enabler = open_enabler(&config, &url, store.clone(), stored)?;
    let notifications = Arc::clone(enabler.figures());
    let view = view::routes(enabler.clone());
    super::keys::follow_for_enabler(&config, &enabler, &tls.chain)?;
    let calls = calls::CallsSetup {
        config: config.mmtel_es.calls.clone(),
        core: config
            .mmtel_es
            .calls
            .core
            .clone()
            .unwrap_or_else(|| format!("sip:{}", core.addresses.plain)),
        home_domain: config.home_domain.clone(),
        targets: config.mmtel_es.notifications.targets(),
        sessions,
        gateway: gateway.clone(),
    };
    let calls = calls::start(&enabler, calls)?;
    let criteria = call_events(&config, &people, calls.address);
    core.serve_applications(calls.address, criteria);
    let web = open_web(&config, true, true, &tls.chain, store, loaded)?;
    let issuer = config.waf.issuer.clone();
    let keys = web.key_set();
    let http = listeners.http;
    let drain = config.drain();
    let shards = Arc::new(Shards::start(Setup {
        config: config.clone(),
        tls: tls.config,
        gateway: gateway.clone(),
        web: Some(web.clone()),
        enabler: Some(enabler),
        listeners,
        issuer: Some(issuer.clone()),
        leases: Leases::new(to_waf),
    })?);
    core.trust(shards.mw.plain);
    if let Some(tls) = shards.mw.tls {
        core.trust(tls);
    }
    if let Some(keys) = keys {
        shards.set_keys(&issuer, keys);
    }
    for other in config.issuers_with_keys().filter(|other| *other != issuer) {
        super::keys::follow(&config, other, Arc::clone(&shards))?;
    }
    keep_house(web.clone(), issuer, Arc::clone(&shards), ended)?;
    let shown = Arc::clone(&shards);
    let core_figures = core.figures.clone();
    let call_figures = calls.figures.clone();
    let routes = super::registrations::routes(core.orders.clone()).merge(view);
    admin.serve_with(
        admin_listener,
        Arc::new(move || {
            let mut figures = super::alone::shard_figures(&shown);
            figures.extend(core_figures.named());
            figures.extend(call_figures.named());
            figures.extend(notifications.named());
            figures.extend(super::alone::gateway_figures(&gateway.figures()));
            figures.extend(
                web.figures()
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
            figures
        }),
        || true,
        routes,
    )?;
    let signals = Signals::listen()?;
    say(&url, http, &people, &admin, core.addresses, shards.mw);
    admin.set_ready(true);
    signals.wait();
    info!(
        "draining: calls have {} s to end; Ctrl-C again ends them now",
        drain.as_secs()
    );
    admin.set_ready(false);
    shards.drain();
    shards.end(drain, || signals.again());
    calls.stop();
    core.stop();
    workers.stop();
    Ok(())
}

/// The address that people open.
pub(super) fn public_url(config: &Config, port: u16) -> String {
    let url = config.http.public_url.clone();
    url.unwrap_or_else(|| format!("https://localhost:{port}"))
}

/// The store that all functions of the process share.
pub(super) fn open_store(config: &Config) -> Result<(Store, Loaded), Fault> {
    let place = config.place();
    Store::open(place.clone()).map_err(|error| {
        let why = format!("{:#}", anyhow::Error::from(error));
        Fault::new(format!("{place}: cannot be opened: {why}"))
    })
}

/// The MMTel Enabler Server as it was when it stopped.
pub(super) fn open_enabler(
    config: &Config,
    url: &str,
    store: Store,
    loaded: EnablerLoaded,
) -> Result<Enabler, Fault> {
    let mut enabler = config.mmtel_es.clone();
    // One that stands for the whole server stands for this, too.
    if enabler.api_root.is_none() && config.http.public_url.is_some() {
        enabler.api_root = Some(url.to_owned());
    }
    Enabler::open(&enabler, url, store, loaded, web::system_clock())
        .map_err(|error| enabler_fault(config, error))
}

/// What is wrong with the enabler, at the line that says it.
pub(super) fn enabler_fault(config: &Config, error: EnablerError) -> Fault {
    let key = error.key();
    let why = format!("{:#}", anyhow::Error::from(error));
    match key {
        Some(key) => config.fault(key, &why),
        None => Fault::new(why),
    }
}

/// WWSF and WAF as they were when they stopped.
pub(super) fn open_web(
    config: &Config,
    waf: bool,
    wwsf: bool,
    trust: &[rustls_pki_types::CertificateDer<'static>],
    store: Store,
    loaded: Loaded,
) -> Result<Web, Fault> {
    Web::open(
        waf.then_some(&config.waf),
        wwsf.then_some(&config.wwsf),
        store,
        loaded,
        trust,
        None,
    )
    .map_err(|error| web_fault(config, error))
}

pub(super) fn web_fault(config: &Config, error: WebError) -> Fault {
    match error {
        WebError::Config { key, why } => config.fault(key, &why),
        error => Fault::new(format!("{:#}", anyhow::Error::from(error))),
    }
}

/// Cleans up once a minute, and tells the shards of a new signing key.
fn keep_house(
    web: Web,
    issuer: String,
    shards: Arc<Shards>,
    ended: UnboundedReceiver<String>,
) -> Result<(), Fault> {
    let fail = |error: std::io::Error| Fault::new(format!("cannot start a thread: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(fail)?;
    std::thread::Builder::new()
        .name("house".into())
        .spawn(move || {
            let house = web
                .clone()
                .keep_house(move |keys| shards.set_keys(&issuer, keys));
            runtime.block_on(async { tokio::join!(house, take_back(&web, ended)) });
        })
        .map_err(fail)?;
    Ok(())
}

/// TS 24.371 §6A.3: identities of the pool that nobody is registered with any more.
async fn take_back(web: &Web, mut ended: UnboundedReceiver<String>) {
    while let Some(lease) = ended.recv().await {
        if let Err(error) = web.end_lease(&lease).await {
            warn!(%error, "an identity of the pool is not given back yet");
        }
    }
}

/// TS 29.392 §5.4: the laboratory's core shows the enabler the calls of those whose events are told.
fn call_events(
    config: &Config,
    people: &[Subscriber],
    server: SocketAddr,
) -> Vec<nf_lab_core::FilterCriterion> {
    let named = config.mmtel_es.calls.events.iter();
    let named: Vec<&String> = named.flat_map(|events| &events.subscribers).collect();
    let all = named.iter().any(|who| *who == "*");
    let watched = |one: &&Subscriber| one.impus.iter().any(|impu| named.contains(&impu));
    let subscribers: Vec<String> = if all {
        vec!["*".to_owned()]
    } else {
        let watched = people.iter().filter(watched);
        watched.map(|one| one.impi.clone()).collect()
    };
    if subscribers.is_empty() {
        return Vec::new();
    }
    vec![nf_lab_core::FilterCriterion {
        subscribers,
        server: format!("sip:{}@{server};lr", nf_mmtel_es::calls::OBSERVER),
        originating: true,
        terminating: true,
        continues: true,
    }]
}

/// Guests are subscribers of the laboratory's core, with passwords that nobody knows.
fn lab_guest(one: &PoolIdentityConfig) -> Result<nf_lab_core::Subscriber, Fault> {
    Ok(nf_lab_core::Subscriber {
        name: one.impi.clone(),
        password: subscribers::password()?,
        impi: one.impi.clone(),
        impus: one.impus.clone(),
        sim: None,
    })
}

fn account(one: &Subscriber) -> AccountConfig {
    AccountConfig {
        name: one.name.clone(),
        password: Some(Secret::new(one.password.clone())),
        password_hash: None,
        display_name: one.display_name.clone(),
        impi: one.impi.clone(),
        impus: one.impus.clone(),
    }
}

#[expect(clippy::print_stdout, reason = "this is what a person started it for")]
fn say(
    url: &str,
    http: Option<SocketAddr>,
    people: &[Subscriber],
    admin: &Admin,
    core: SipAddresses,
    mw: SipAddresses,
) {
    println!("Isthmus is ready. Open this address in two browser windows:\n");
    println!("  {url}/");
    if let Some(http) = http.filter(|http| http.ip().is_loopback()) {
        println!(
            "  http://localhost:{}/   (the same, without the certificate's warning)",
            http.port()
        );
    }
    println!("\nSign in as one of these, a different one in each window:\n");
    println!("  name     password       identities");
    print!("{}", subscribers::table(people));
    let (core, core_tls) = (core.plain, core.tls);
    println!(
        "\nSIP phones register at {core} (UDP, TCP); the eP-CSCF's Mw is at {}.",
        mw.plain
    );
    if let Some(tls) = core_tls {
        println!("SIP over TLS is at {tls}.");
    }
    println!(
        "Metrics and health: http://{}/metrics. Stop with Ctrl-C.",
        admin.address
    );
}
