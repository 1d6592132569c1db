//! The WWSF's routes: W1.

use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{COOKIE, HOST, IF_NONE_MATCH, ORIGIN};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use nf_wwsf::{Cookies, Origin, Outcome, Returned, Step, Visit, Wwsf};

use super::assets;
use super::peer::Peer;
use super::state::{Web, WwsfState, random};
use crate::store::Change;

type Reply = Response<Body>;

const FRAME_PATH: &str = "/wic/runtime/frame.html";

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(asset))
        .route("/wic/{*file}", get(asset))
        .route(FRAME_PATH, get(frame))
        .route("/signin", get(sign_in))
        .route("/signed-in", get(signed_in))
        .route("/ways", get(ways))
        .route("/guest", post(guest))
        .route("/session/{sid}/token", post(token))
        .route("/session/{sid}/end", post(end))
        .fallback(not_found)
}

async fn asset(State(web): State<Web>, request: Request) -> Reply {
    let head = request.into_parts().0;
    answer(&web, &head, |state, request| {
        let wwsf = state.lock();
        match wwsf.file_of(head.uri.path()) {
            Some(file) => wwsf.asset(request, file, assets::read(file)),
            None => wwsf.not_found(request),
        }
    })
}

/// The document that data channel applications run in: on sites of their own, where there is nothing else.
async fn frame(State(web): State<Web>) -> Reply {
    let (Some(state), Ok(mut random)) = (&web.0.wwsf, random()) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let nonce = random.token();
    let document = assets::read(nf_wwsf::FRAME);
    state.lock().frame(document, &nonce).map(Body::from)
}

async fn not_found(State(web): State<Web>, request: Request) -> Reply {
    let head = request.into_parts().0;
    answer(&web, &head, |state, request| {
        state.lock().not_found(request)
    })
}

async fn sign_in(State(web): State<Web>, request: Request) -> Reply {
    let head = request.into_parts().0;
    learn_server(&web).await;
    answer(&web, &head, |state, request| match random() {
        Ok(mut random) => state.lock().begin_sign_in(request, &mut random),
        Err(_) => state.lock().not_written(request),
    })
}

async fn signed_in(State(web): State<Web>, request: Request) -> Reply {
    let head = request.into_parts().0;
    // What the WAF grants is kept even if the browser has gone meanwhile.
    finish(async move {
        let (state, seen) = match look(&web, &head) {
            Ok(seen) => seen,
            Err(reply) => return *reply,
        };
        learn_server(&web).await;
        let cookies = cookies(&head);
        let request = seen.request(&cookies);
        let returned = state
            .lock()
            .returned(&request, head.uri.query().unwrap_or_default());
        let (form, attempt) = match returned {
            Returned::Reply(reply) => return reply.map(Body::from),
            Returned::Trade { form, state } => (form, state),
        };
        let granted = state.w4.grant(form).await;
        let Ok(mut random) = random() else {
            return state.lock().not_written(&request).map(Body::from);
        };
        let person = match &granted {
            Ok(granted) => state.lock().person(granted),
            Err(_) => None,
        };
        let mut person = match person {
            Some(Ok(person)) => person,
            Some(Err(failure)) => {
                return change(&web, state, &request, |wwsf, now| {
                    wwsf.signed_in(now, &mut random, &request, &attempt, Err(failure))
                })
                .await;
            }
            None => {
                return change(&web, state, &request, |wwsf, now| {
                    wwsf.signed_in(now, &mut random, &request, &attempt, granted)
                })
                .await;
            }
        };
        // Who they are is known; what they are in the IMS is lent.
        if let Some(form) = person.revoke.take() {
            state.w4.revoke(form).await;
        }
        let now = web.now();
        let begun = state
            .lock()
            .begin_visit_of(now, &mut random, &request, &attempt);
        let (form, visitor) = match begun {
            Visit::Reply(reply) => return reply.map(Body::from),
            Visit::Ask { form, visitor } => (form, visitor),
        };
        let granted = state.w4.grant(form).await;
        change(&web, state, &request, |wwsf, now| {
            let visitor = (visitor, &person);
            wwsf.visited_by(now, &mut random, &request, &attempt, visitor, granted)
        })
        .await
    })
    .await
}

async fn ways(State(web): State<Web>, request: Request) -> Reply {
    let head = request.into_parts().0;
    answer(&web, &head, |state, request| state.lock().ways(request))
}

async fn guest(State(web): State<Web>, request: Request) -> Reply {
    let head = request.into_parts().0;
    finish(async move {
        let (state, seen) = match look(&web, &head) {
            Ok(seen) => seen,
            Err(reply) => return *reply,
        };
        let cookies = cookies(&head);
        let request = seen.request(&cookies);
        let Ok(mut random) = random() else {
            return state.lock().not_written(&request).map(Body::from);
        };
        let begun = state.lock().begin_visit(web.now(), &request, &mut random);
        let (form, visitor) = match begun {
            Visit::Reply(reply) => return reply.map(Body::from),
            Visit::Ask { form, visitor } => (form, visitor),
        };
        let granted = state.w4.grant(form).await;
        change(&web, state, &request, |wwsf, now| {
            wwsf.visited(now, &mut random, &request, visitor, granted)
        })
        .await
    })
    .await
}

async fn token(State(web): State<Web>, Path(sid): Path<String>, request: Request) -> Reply {
    let head = request.into_parts().0;
    finish(async move {
        let (state, seen) = match look(&web, &head) {
            Ok(seen) => seen,
            Err(reply) => return *reply,
        };
        let cookies = cookies(&head);
        let request = seen.request(&cookies);
        // Who waited here finds the token that the one before has fetched.
        let _one = state.one_refresh(&sid).await;
        // The page says that the token it has was refused.
        let refused = head.uri.query() == Some("refused");
        let step = {
            let mut wwsf = state.lock();
            if refused {
                wwsf.another_token(web.now(), &request, &sid)
            } else {
                wwsf.token(web.now(), &request, &sid)
            }
        };
        let form = match step {
            Step::Reply(reply) => return reply.map(Body::from),
            Step::Refresh(form) => form,
        };
        let granted = state.w4.grant(form).await;
        change(&web, state, &request, |wwsf, now| {
            wwsf.refreshed(now, &request, &sid, granted)
        })
        .await
    })
    .await
}

async fn end(State(web): State<Web>, Path(sid): Path<String>, request: Request) -> Reply {
    let head = request.into_parts().0;
    finish(async move {
        let (state, seen) = match look(&web, &head) {
            Ok(seen) => seen,
            Err(reply) => return *reply,
        };
        let cookies = cookies(&head);
        let request = seen.request(&cookies);
        let _one = state.one_refresh(&sid).await;
        let mut revocation = None;
        let reply = change(&web, state, &request, |wwsf, now| {
            let (outcome, form) = wwsf.end(now, &request, &sid);
            revocation = form;
            outcome
        })
        .await;
        if let Some(form) = revocation {
            state.w4.revoke(form).await;
        }
        reply
    })
    .await
}

/// Where the WAF is, if it had to be asked and has answered.
async fn learn_server(web: &Web) {
    if let Some(state) = &web.0.wwsf
        && let Ok(server) = state.w4.server().await
    {
        state.lock().set_server((*server).clone());
    }
}

/// Runs to its end even if the browser closes its connection.
async fn finish(work: impl Future<Output = Reply> + Send + 'static) -> Reply {
    let reply = tokio::spawn(work).await;
    reply.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// What a request's head says, owned for as long as it takes.
struct Seen<'a> {
    head: &'a Parts,
    origin: Origin,
    address: IpAddr,
}

impl Seen<'_> {
    fn request<'c>(&'c self, cookies: &'c Cookies<'c>) -> nf_wwsf::Request<'c> {
        nf_wwsf::Request {
            origin: self.origin.clone(),
            address: self.address,
            cookies,
            said_origin: text(self.head, ORIGIN.as_str()),
            fetch_site: text(self.head, "sec-fetch-site"),
            requested_with: text(self.head, "x-requested-with"),
            if_none_match: text(self.head, IF_NONE_MATCH.as_str()),
        }
    }
}

fn look<'a>(web: &'a Web, head: &'a Parts) -> Result<(&'a WwsfState, Seen<'a>), Box<Reply>> {
    let refuse = |status: StatusCode| Box::new(status.into_response());
    let state = web
        .0
        .wwsf
        .as_ref()
        .ok_or_else(|| refuse(StatusCode::NOT_FOUND))?;
    let peer = head.extensions.get::<Peer>();
    let peer = peer.ok_or_else(|| refuse(StatusCode::INTERNAL_SERVER_ERROR))?;
    let origin = text(head, HOST.as_str()).and_then(|host| Origin::new(peer.secure, host));
    if let Some(refusal) = state.lock().refuse_origin(origin.as_ref()) {
        return Err(Box::new(refusal.map(Body::from)));
    }
    let origin = origin.ok_or_else(|| refuse(StatusCode::BAD_REQUEST))?;
    let address = peer.remote.ip();
    Ok((
        state,
        Seen {
            head,
            origin,
            address,
        },
    ))
}

/// A header's value; one that is no text counts as one that says nothing right.
fn text<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("?"))
}

fn cookies(head: &Parts) -> Cookies<'_> {
    Cookies::parse(
        head.headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok()),
    )
}

fn answer(
    web: &Web,
    head: &Parts,
    ask: impl FnOnce(&WwsfState, &nf_wwsf::Request<'_>) -> nf_wwsf::Reply,
) -> Reply {
    match look(web, head) {
        Ok((state, seen)) => ask(state, &seen.request(&cookies(head))).map(Body::from),
        Err(reply) => *reply,
    }
}

/// Asks, writes down what changed, and only then answers.
async fn change(
    web: &Web,
    state: &WwsfState,
    request: &nf_wwsf::Request<'_>,
    ask: impl FnOnce(&mut Wwsf, u64) -> Outcome,
) -> Reply {
    let (commit, reply) = {
        let mut wwsf = state.lock();
        let Outcome { changes, reply } = ask(&mut wwsf, web.now());
        (
            web.0
                .store
                .commit(changes.into_iter().map(Change::Wwsf).collect()),
            reply,
        )
    };
    match commit.written().await {
        Ok(()) => reply.map(Body::from),
        Err(_) => state.lock().not_written(request).map(Body::from),
    }
}
