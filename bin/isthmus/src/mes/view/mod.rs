//! What operators see of the enabler: applications, sessions, notifications and the targets that do not
//! take them. As JSON at the admin port, and in a laboratory on a page.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /enabler/state?after=N` | what there is; with `after`, once it is another than the one of that version, or soon |
//! | `GET /enabler/applications?after=ID` | all applications, in pages: `rows`, and `after`, which the next page is asked by; null on the last one |
//! | `GET /enabler/sessions?after=ID` | the same of sessions |
//! | `PUT /enabler/release?target=ORIGIN` | a target that does not answer well is tried at once |
//! | `GET /enabler` | the page, in a laboratory |

mod page;
mod pages;
mod sent;

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::{get, put};
use nf_mmtel_es::calls::SessionSeen;
use nf_mmtel_es::{Application, Down};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use page::router as page;
pub(super) use sent::Deliveries;

use super::Enabler;

/// So long is waited for something new.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who asks for what is new is answered so often at most.
const PAUSE: Duration = Duration::from_millis(200);
/// So many applications are shown, the last ones.
const APPLICATIONS: usize = 500;
/// So many sessions are shown.
const SESSIONS: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    target: String,
}

/// The routes of the admin port.
pub(crate) fn routes(enabler: Enabler) -> Router {
    Router::new()
        .route("/enabler/state", get(state))
        .route("/enabler/applications", get(pages::applications))
        .route("/enabler/sessions", get(pages::sessions))
        .route("/enabler/release", put(release))
        .with_state(enabler)
}

async fn state(
    State(enabler): State<Enabler>,
    Query(After { after }): Query<After>,
) -> impl IntoResponse {
    let mut versions = enabler.seen();
    if let Some(after) = after {
        tokio::time::sleep(PAUSE).await;
        let other = versions.wait_for(|version| *version != after);
        // Nothing new is an answer, too: time goes on.
        let _ = tokio::time::timeout(PATIENCE, other).await.is_ok();
    }
    // Read before the rest: what changes meanwhile is new to who asks next.
    let version = *versions.borrow_and_update();
    let text = seen(&enabler, version).await;
    ([(CACHE_CONTROL, "no-store")], axum::Json(text))
}

async fn release(
    State(enabler): State<Enabler>,
    Query(Release { target }): Query<Release>,
) -> (StatusCode, &'static str) {
    let down = enabler.figures().down();
    if !down.iter().any(|one| one.origin == target) {
        return (StatusCode::NOT_FOUND, "no such target is down\n");
    }
    enabler.release(target);
    (StatusCode::OK, "it is tried now\n")
}

async fn seen(enabler: &Enabler, version: u64) -> Value {
    // Who asks again sees them.
    let sessions = enabler.sessions().await.unwrap_or_default();
    let (count, applications) = applications(enabler);
    let now = Instant::now();
    let targets = enabler.figures().down();
    let figures = enabler.figures().named().into_iter();
    let figures = figures.filter_map(|(name, value)| {
        let name = name.strip_prefix("enabler_")?;
        let name = name.strip_prefix("notifications_").unwrap_or(name);
        let name = name.strip_suffix("_total").unwrap_or(name);
        Some((name.to_owned(), Value::from(value)))
    });
    json!({
        "version": version,
        "now": enabler.now(),
        "applicationCount": count,
        "applications": applications,
        "sessionCount": sessions.len(),
        "sessions": sessions.iter().take(SESSIONS).map(session).collect::<Vec<_>>(),
        "notifications": figures.collect::<serde_json::Map<_, _>>(),
        "targets": targets.iter().map(|down| target(down, now)).collect::<Vec<_>>(),
        "sent": enabler.deliveries().shown(),
    })
}

fn applications(enabler: &Enabler) -> (usize, Vec<Value>) {
    // While they are read from the store again, there are none to be shown.
    let Ok(mut guard) = enabler.applications() else {
        return (0, Vec::new());
    };
    let mut all: Vec<&Application> = guard.get().all().collect();
    all.sort_by_key(|one| (std::cmp::Reverse(one.changed), one.id()));
    let shown = all.iter().take(APPLICATIONS).map(|one| application(one));
    (all.len(), shown.collect())
}

fn application(one: &Application) -> Value {
    json!({
        "id": one.id(),
        "provider": one.provider,
        "name": one.profile.app_name,
        "version": one.profile.app_ver,
        "package": one.package.as_ref().map(|package| package.size),
        "changed": one.changed,
    })
}

fn session(seen: &SessionSeen) -> Value {
    let channels = seen.channels.iter();
    let channels = channels.map(|(app, state)| json!({ "application": app, "state": state }));
    json!({
        "id": seen.session,
        "service": seen.service,
        "calling": seen.calling,
        "called": seen.called,
        "media": seen.media,
        "state": seen.state,
        "channels": channels.collect::<Vec<_>>(),
    })
}

fn target(down: &Down, now: Instant) -> Value {
    json!({
        "target": down.origin,
        "tries": down.tries,
        "sessions": down.sessions,
        "downForSeconds": now.saturating_duration_since(down.since).as_secs(),
        "nextInSeconds": down.until.saturating_duration_since(now).as_secs(),
    })
}
