//! All that there is, one page after the other in the order of identifiers: what is there all the time while somebody
//! reads is on exactly one of them.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{application, session};
use crate::mes::Enabler;

/// So many are on a page.
const PAGE: usize = 500;

/// Where a page begins: behind this identifier.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Behind {
    after: Option<String>,
}

pub(super) async fn applications(
    State(enabler): State<Enabler>,
    Query(behind): Query<Behind>,
) -> Response {
    let Ok(mut guard) = enabler.applications() else {
        return busy("the applications are being read; ask again\n");
    };
    let all = guard.get().all().collect();
    written(page(all, |one| one.id(), behind, application))
}

pub(super) async fn sessions(
    State(enabler): State<Enabler>,
    Query(behind): Query<Behind>,
) -> Response {
    let Some(all) = enabler.sessions().await else {
        return busy("too many requests wait; ask again\n");
    };
    let all = all.iter().collect();
    written(page(all, |one| one.session.as_str(), behind, session))
}

/// A page, and what the next one is behind, if there is one.
fn page<T>(
    mut all: Vec<&T>,
    id: impl Fn(&T) -> &str,
    behind: Behind,
    write: impl Fn(&T) -> Value,
) -> Value {
    if let Some(after) = behind.after {
        all.retain(|one| id(one) > after.as_str());
    }
    all.sort_unstable_by(|one, other| id(one).cmp(id(other)));
    let rows: Vec<Value> = all.iter().take(PAGE).map(|one| write(one)).collect();
    let last = all.get(PAGE - 1).filter(|_| all.len() > PAGE);
    json!({ "rows": rows, "after": last.map(|last| id(last)) })
}

/// Half of what there is would look like all of it.
fn busy(words: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

fn written(page: Value) -> Response {
    ([(CACHE_CONTROL, "no-store")], axum::Json(page)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pages of so many.
    fn pages(count: usize) -> Vec<Vec<Value>> {
        let all: Vec<String> = (0..count).rev().map(|one| format!("{one:05}")).collect();
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let all = all.iter().collect();
            let read = page(all, String::as_str, Behind { after }, |one| {
                one.as_str().into()
            });
            pages.push(read["rows"].as_array().unwrap().clone());
            after = read["after"].as_str().map(str::to_owned);
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn everything_is_on_one_page() {
        for (count, expected) in [(0, 1), (1, 1), (PAGE, 1), (PAGE + 1, 2), (3 * PAGE + 7, 4)] {
            let pages = pages(count);
            assert_eq!(pages.len(), expected, "{count}");
            let read = pages.into_iter().flatten();
            let expected = (0..count).map(|one| Value::from(format!("{one:05}")));
            assert!(read.eq(expected), "{count}");
        }
    }
}
