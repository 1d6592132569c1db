//! The admin port's hand on the laboratory's registrations: what an operator's network does to them.
//!
//! | request | does |
//! | --- | --- |
//! | `DELETE /registrations/<impi>?event=rejected` | ends them: `rejected`, `deactivated`, or `probation` with `retry-after` |
//! | `PUT /registrations/<impi>?expires=60` | has them refreshed within so many seconds |
//!
//! No page can send these to another site without being asked for it first, and nobody answers that.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::put;
use nf_lab_core::Ending;
use serde::Deserialize;

use crate::lab_core::Orders;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    event: Event,
    #[serde(default, rename = "retry-after")]
    retry_after: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Event {
    Rejected,
    Deactivated,
    Probation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shorten {
    expires: u32,
}

type Reply = (StatusCode, String);

pub(super) fn routes(orders: Orders) -> Router {
    let to_end = orders.clone();
    let end = |Path(impi): Path<String>, Query(end): Query<End>| async move {
        let ending = match end.event {
            Event::Rejected => Ending::Rejected,
            Event::Deactivated => Ending::Deactivated,
            Event::Probation => Ending::Probation(Duration::from_secs(end.retry_after.into())),
        };
        reply(to_end.end(impi, ending).await)
    };
    let shorten = |Path(impi): Path<String>, Query(shorten): Query<Shorten>| async move {
        let left = Duration::from_secs(shorten.expires.into());
        reply(orders.shorten(impi, left).await)
    };
    Router::new().route("/registrations/{impi}", put(shorten).delete(end))
}

/// How many contacts it concerned.
fn reply(contacts: Option<usize>) -> Reply {
    match contacts {
        Some(count) => (StatusCode::OK, format!("{count}\n")),
        None => (StatusCode::NOT_FOUND, "no such subscriber\n".to_owned()),
    }
}
