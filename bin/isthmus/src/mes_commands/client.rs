//! How an enabler is asked, and how its refusals read.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::args::{Admin, Server};
use crate::credentials::{first_line, no_answer, trusting};

/// A UE may ring for a minute, and two of them for two.
const PATIENCE: Duration = Duration::from_mins(3);

/// A way to the APIs.
pub(super) struct Client {
    http: reqwest::Client,
    root: String,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(server: &Server) -> anyhow::Result<Self> {
        let builder = trusting(
            builder(),
            server.insecure,
            server.ca.as_deref(),
            server.certificate.as_deref(),
        )?;
        let token = server.token_file.as_deref().map(first_line).transpose()?;
        Ok(Self {
            http: builder.build()?,
            root: server.url.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Asks; the answer, when it is a good one.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.root));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answered(&self.root, request).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, Some(body)).await
    }
}

/// What the operators' port shows.
pub(super) async fn state(admin: &Admin) -> anyhow::Result<Value> {
    let root = admin.admin.trim_end_matches('/');
    let request = builder().build()?.get(format!("{root}/enabler/state"));
    answered(root, request).await
}

/// All applications, or sessions, page by page.
pub(super) async fn all(admin: &Admin, what: &str) -> anyhow::Result<Vec<Value>> {
    let root = admin.admin.trim_end_matches('/');
    let client = builder().build()?;
    let url = format!("{root}/enabler/{what}");
    let mut url = url::Url::parse(&url).with_context(|| format!("«{root}» is no URL"))?;
    let mut rows = Vec::new();
    loop {
        let page = answered(root, client.get(url.clone())).await?;
        rows.extend(page["rows"].as_array().into_iter().flatten().cloned());
        let Some(after) = page["after"].as_str() else {
            return Ok(rows);
        };
        url.query_pairs_mut().clear().append_pair("after", after);
    }
}

/// Has a target tried now.
pub(super) async fn release(admin: &Admin, target: &str) -> anyhow::Result<()> {
    let root = admin.admin.trim_end_matches('/');
    // A URL as it is shown, however it was typed.
    let origin = url::Url::parse(target).map(|url| url.origin().ascii_serialization());
    let origin = origin.with_context(|| format!("«{target}» is no URL"))?;
    let mut url = url::Url::parse(&format!("{root}/enabler/release"))
        .with_context(|| format!("«{root}» is no URL"))?;
    url.query_pairs_mut().append_pair("target", &origin);
    let reply = builder().build()?.put(url).send().await;
    let reply = reply.with_context(|| unreachable(root))?;
    match reply.status() {
        StatusCode::OK => Ok(()),
        StatusCode::NOT_FOUND => bail!("{origin} is not among the targets that do not answer well"),
        status => {
            let words = in_words(&reply.text().await.unwrap_or_default());
            bail!(refusal(status, &words))
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::limited(5))
        .no_proxy()
        .timeout(PATIENCE)
        .user_agent(concat!("isthmus/", env!("CARGO_PKG_VERSION")))
}

fn unreachable(root: &str) -> String {
    format!("{root} cannot be asked; does an enabler run there?")
}

async fn answered(root: &str, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let reply = request.send().await;
    let reply = reply.map_err(|error| no_answer(error, &unreachable(root)))?;
    let status = reply.status();
    let text = reply.text().await.with_context(|| unreachable(root))?;
    if status == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    let answer = serde_json::from_str::<Value>(&text);
    if status.is_success() {
        return answer.with_context(|| format!("{root} answers {status}, and not in JSON"));
    }
    let problem = answer.unwrap_or_else(|_| in_words(&text));
    bail!(refusal(status, &problem))
}

/// What somebody on the way says, or the operators' port, in a line of text.
fn in_words(text: &str) -> Value {
    let line = text.trim();
    if line.is_empty() || line.len() > 200 || line.contains(['<', '\n']) {
        return Value::Null;
    }
    json!({ "detail": line })
}

/// TS 29.122 §5.2.6: what ProblemDetails say.
fn refusal(status: StatusCode, problem: &Value) -> String {
    let word = |name: &str| problem[name].as_str();
    let why = word("detail")
        .or(word("title"))
        .unwrap_or("it does not say why");
    let mut text = format!("the enabler refuses ({status}): {why}");
    for fault in problem["invalidParams"].as_array().into_iter().flatten() {
        let word = |name: &str| fault[name].as_str().unwrap_or_default();
        // Writing into a String cannot fail.
        let _ = write!(text, "\n  {} {}", word("param"), word("reason"));
    }
    let more = match status {
        StatusCode::UNAUTHORIZED => "\n  it wants an access token: --token-file",
        StatusCode::NOT_FOUND if problem.is_null() => "\n  is that an enabler's address?",
        _ => "",
    };
    text + more
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_names_what_was_wrong() {
        let problem = json!({ "title": "Bad Request", "invalidParams": [
            { "param": "/reqId", "reason": "is missing" }] });
        assert_eq!(
            refusal(StatusCode::BAD_REQUEST, &problem),
            "the enabler refuses (400 Bad Request): Bad Request\n  /reqId is missing"
        );
        let text = refusal(StatusCode::UNAUTHORIZED, &Value::Null);
        assert!(text.ends_with("--token-file"), "{text}");
        // What is said in plain words is said, and a page is not.
        let said = |text| refusal(StatusCode::FORBIDDEN, &in_words(text));
        assert_eq!(
            said("Not under this name.\n"),
            "the enabler refuses (403 Forbidden): Not under this name."
        );
        assert!(said("<html>\n<p>No</p>").ends_with("it does not say why"));
    }
}
