//! One function alone, from its configuration file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nf_epcscf::Counters;
use tracing::info;

use super::all_in_one::{open_enabler, open_store, open_web, public_url};
use super::keys;
use super::registrations;
use super::signals::Signals;
use crate::admin::{Admin, FiguresFn};
use crate::certificate::ServerTls;
use crate::config::Config;
use crate::fault::Fault;
use crate::gateway::{self, Figures};
use crate::lab_core as core;
use crate::mes;
use crate::shard::{Leases, Listeners, Setup, Shards, serve_pages, shard_count};
use crate::subscribers;
use crate::web::{self, Web};

/// The eP-CSCF, with a gateway of its own or one on another machine.
pub(super) fn epcscf(config: &Config) -> Result<(), Fault> {
    config.bootstrap_alone()?;
    let tls = prepare(config)?;
    let (admin, listener) = Admin::bind(&config.admin)?;
    let listeners = Listeners::bind(config, shard_count(config))?;
    let no_gateway = |error| Fault::new(format!("the media gateway: {error:#}"));
    let (gateway, workers) = if let Some(iq) = &config.iq {
        (gateway::connect(iq).map_err(no_gateway)?, None)
    } else {
        let (gateway, workers) = gateway::start(&config.gateway).map_err(no_gateway)?;
        (gateway, Some(workers))
    };
    let issuer = config.epcscf.token.issuer.clone();
    let (https, http) = (listeners.https, listeners.http);
    let (to_waf, ended) = tokio::sync::mpsc::unbounded_channel();
    if let Some(issuer) = &issuer {
        keys::give_back(config, issuer, ended)?;
    }
    let shards = Arc::new(Shards::start(Setup {
        config: config.clone(),
        tls: tls.config,
        gateway: gateway.clone(),
        web: None,
        enabler: None,
        listeners,
        issuer: issuer.clone(),
        leases: Leases::new(to_waf),
    })?);
    if let Some(issuer) = &issuer {
        keys::follow(config, issuer, Arc::clone(&shards))?;
    }
    for other in config.issuers_with_keys() {
        if issuer.as_deref() != Some(other) {
            keys::follow(config, other, Arc::clone(&shards))?;
        }
    }
    let shown = Arc::clone(&shards);
    let steered = gateway.clone();
    admin.serve_while(
        listener,
        Arc::new(move || {
            let mut figures = shard_figures(&shown);
            figures.extend(gateway_figures(&gateway.figures()));
            figures
        }),
        move || steered.is_reachable(),
    )?;
    let signals = Signals::listen()?;
    admin.set_ready(true);
    if let Some(http) = http {
        info!(w2_plain = %format!("ws://{http}/w2"), "W2 without TLS too");
    }
    if let Some(tls) = shards.mw.tls {
        info!(mw_tls = %tls, "Mw over TLS too");
    }
    info!(w2 = %format!("wss://{https}/w2"), mw = %shards.mw.plain, admin = %admin.address, "the eP-CSCF runs");
    signals.wait();
    admin.set_ready(false);
    shards.drain();
    shards.end(config.drain(), || signals.again());
    if let Some(workers) = workers {
        workers.stop();
    }
    Ok(())
}

/// The eIMS-AGW, for an eP-CSCF on another machine.
pub(super) fn eims_agw(config: &Config) -> Result<(), Fault> {
    let iq = config.iq.as_ref();
    let iq = iq.ok_or_else(|| Fault::new("[iq] is missing: where the eP-CSCF connects to"))?;
    let (admin, listener) = Admin::bind(&config.admin)?;
    let fault = |error| Fault::new(format!("the media gateway: {error:#}"));
    let (gateway, workers) = gateway::start(&config.gateway).map_err(fault)?;
    let server = gateway::serve(iq, gateway.clone()).map_err(fault)?;
    let shown = gateway.clone();
    admin.serve(
        listener,
        Arc::new(move || gateway_figures(&shown.figures())),
    )?;
    let signals = Signals::listen()?;
    admin.set_ready(true);
    info!(iq = %server.address, w3 = ?workers.w3, admin = %admin.address, "the eIMS-AGW runs");
    signals.wait();
    info!("draining");
    admin.set_ready(false);
    server.drain();
    let deadline = Instant::now() + config.drain();
    // Figures are a moment late: a Context that was made just now is seen then.
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let calls = gateway.figures().contexts > 0;
        if !calls || Instant::now() >= deadline || signals.again() {
            break;
        }
    }
    server.stop();
    workers.stop();
    Ok(())
}

/// The WWSF.
pub(super) fn wwsf(config: &Config) -> Result<(), Fault> {
    pages(config, false, true)
}

/// The WAF.
pub(super) fn waf(config: &Config) -> Result<(), Fault> {
    pages(config, true, false)
}

fn pages(config: &Config, waf: bool, wwsf: bool) -> Result<(), Fault> {
    let tls = prepare(config)?;
    let (admin, listener) = Admin::bind(&config.admin)?;
    let listeners = Listeners::bind(config, 1)?;
    let (store, loaded) = open_store(config)?;
    let web = open_web(config, waf, wwsf, &[], store, loaded)?;
    let https = listeners.https;
    serve_pages(tls.config, &listeners, web::router(web.clone()))?;
    admin.serve(listener, Arc::new(move || web_figures(&web)))?;
    let signals = Signals::listen()?;
    admin.set_ready(true);
    info!(%https, admin = %admin.address, "pages are served");
    signals.wait();
    admin.set_ready(false);
    Ok(())
}

/// The MMTel Enabler Server.
pub(super) fn mmtel_es(config: &Config) -> Result<(), Fault> {
    let token = &config.mmtel_es.token;
    if token.required && token.issuer.is_empty() {
        return Err(config.fault(
            "mmtel_es.token.issuer",
            "is missing, and tokens are required",
        ));
    }
    let tls = prepare(config)?;
    let (admin, listener) = Admin::bind(&config.admin)?;
    let threads = shard_count(config);
    let listeners = Listeners::bind(config, threads)?;
    let (https, http) = (listeners.https, listeners.http);
    let (store, mut loaded) = open_store(config)?;
    let sessions = std::mem::take(&mut loaded.enabler.sessions);
    let url = public_url(config, https.port());
    let enabler = open_enabler(config, &url, store, loaded.enabler)?;
    keys::follow_for_enabler(config, &enabler, &tls.chain)?;
    let calls = config.mmtel_es.calls.core.clone();
    let calls = calls.map(|core| enabler_calls(config, &enabler, core, sessions));
    let calls = calls.transpose()?;
    for _ in 0..threads {
        let router = mes::router_alone(enabler.clone());
        serve_pages(Arc::clone(&tls.config), &listeners, router)?;
    }
    let figures = Arc::clone(enabler.figures());
    let figures: FiguresFn = Arc::new(move || figures.named());
    let view = mes::view::routes(enabler.clone());
    admin.serve_with(listener, figures, || true, view)?;
    let signals = Signals::listen()?;
    admin.set_ready(true);
    if let Some(http) = http {
        info!(%http, "without TLS too");
    }
    info!(%https, api_root = enabler.api_root(), admin = %admin.address, "the MMTel Enabler Server runs");
    signals.wait();
    admin.set_ready(false);
    if let Some((calls, workers)) = calls {
        calls.stop();
        if let Some(workers) = workers {
            workers.stop();
        }
    }
    Ok(())
}

/// Its calls, with a gateway of its own or one on another machine.
fn enabler_calls(
    config: &Config,
    enabler: &mes::Enabler,
    core: String,
    sessions: Vec<nf_mmtel_es::StoredSession>,
) -> Result<(mes::calls::RunningCalls, Option<gateway::Workers>), Fault> {
    let no_gateway = |error| Fault::new(format!("the media gateway: {error:#}"));
    let (gateway, workers) = if let Some(iq) = &config.iq {
        (gateway::connect(iq).map_err(no_gateway)?, None)
    } else {
        let (gateway, workers) = gateway::start(&config.gateway).map_err(no_gateway)?;
        (gateway, Some(workers))
    };
    let setup = mes::calls::CallsSetup {
        config: config.mmtel_es.calls.clone(),
        core,
        home_domain: config.home_domain.clone(),
        targets: config.mmtel_es.notifications.targets(),
        sessions,
        gateway,
    };
    let calls = mes::calls::start(enabler, setup)?;
    info!(sip = %calls.address, "applications can call");
    Ok((calls, workers))
}

/// The laboratory's core.
pub(super) fn lab_core(config: &Config) -> Result<(), Fault> {
    make_data_folder(config)?;
    let (admin, listener) = Admin::bind(&config.admin)?;
    let people = subscribers::load(
        config.lab_core.subscribers.as_ref(),
        &config.data_dir,
        &config.home_domain,
    )?;
    let trusted = config.lab_core.trusted.clone();
    let subscribers = people
        .iter()
        .map(subscribers::Subscriber::for_lab_core)
        .collect();
    let core = core::start(config, trusted, subscribers)?;
    let figures = core.figures.clone();
    let routes = registrations::routes(core.orders.clone());
    let figures = Arc::new(move || figures.named());
    admin.serve_with(listener, figures, || true, routes)?;
    let signals = Signals::listen()?;
    admin.set_ready(true);
    if let Some(tls) = core.addresses.tls {
        info!(sip_tls = %tls, "SIP over TLS too");
    }
    info!(sip = %core.addresses.plain, admin = %admin.address, "the laboratory's core runs");
    signals.wait();
    core.stop();
    Ok(())
}

fn prepare(config: &Config) -> Result<ServerTls, Fault> {
    make_data_folder(config)?;
    config.server_tls()
}

/// What a function makes for itself is kept there.
pub(super) fn make_data_folder(config: &Config) -> Result<(), Fault> {
    std::fs::create_dir_all(&config.data_dir)
        .map_err(|error| Fault::at(&config.data_dir, None, format!("cannot be made: {error}")))
}

/// The eP-CSCF's figures by name.
pub(super) fn shard_figures(shards: &Shards) -> Vec<(String, u64)> {
    let counters = shards.counters();
    let mut figures = shards.mw_figures.named("mw");
    figures.extend(epcscf_figures(&counters));
    figures
}

fn epcscf_figures(counters: &Counters) -> [(String, u64); 13] {
    [
        ("epcscf_flows", counters.flows),
        ("epcscf_bindings", counters.bindings),
        ("epcscf_sessions", counters.sessions),
        ("epcscf_registered_total", counters.registered),
        (
            "epcscf_registration_refused_total",
            counters.registration_refused,
        ),
        ("epcscf_calls_total", counters.calls),
        ("epcscf_answered_total", counters.answered),
        ("epcscf_released_total", counters.released),
        ("epcscf_malformed_total", counters.malformed),
        ("epcscf_flooded_total", counters.flooded),
        ("epcscf_tokens_refused_total", counters.tokens_refused),
        ("epcscf_forged_total", counters.forged),
        ("epcscf_emergency_total", counters.emergency),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

/// The gateway's figures by name.
pub(super) fn gateway_figures(figures: &Figures) -> Vec<(String, u64)> {
    let mut all = vec![("agw_contexts".to_owned(), figures.contexts as u64)];
    all.extend(
        figures
            .counters
            .named()
            .map(|(name, value)| (format!("agw_{name}_total"), value)),
    );
    all
}

fn web_figures(web: &Web) -> Vec<(String, u64)> {
    web.figures()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
