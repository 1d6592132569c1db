//! Signing in as a person does: the WWSF's button, the WAF's page, and back (W1).

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response};
use serde::Deserialize;
use url::Url;

use super::Args;

/// More redirects than that lead nowhere.
const HOPS: usize = 8;

/// A session at the WWSF, which gives tokens.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    base: Url,
    id: String,
    /// Cookies by host and name. There are two or three.
    cookies: BTreeMap<(String, String), String>,
}

/// What the WWSF gives a WIC.
#[derive(Debug, Deserialize)]
pub(super) struct Grant {
    pub(super) access_token: String,
    pub(super) expires_in: u64,
    pub(super) impi: String,
    pub(super) impus: Vec<String>,
    pub(super) home_domain: String,
    pub(super) w2: Option<String>,
}

impl Session {
    /// A session that has not begun, at the WWSF that has this address.
    pub(super) fn new(args: &Args, base: &str) -> anyhow::Result<Self> {
        let base = Url::parse(base).context("--sign-in is no URL")?;
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20));
        if args.insecure {
            builder = builder.danger_accept_invalid_certs(true);
        } else if let Some(file) = &args.ca {
            let pem = std::fs::read(file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        Ok(Self {
            client: builder.build()?,
            base,
            id: String::new(),
            cookies: BTreeMap::new(),
        })
    }

    /// TS 24.371 §5.2 — signs in, and takes the first token.
    pub(super) async fn open(&mut self, user: &str, password: &str) -> anyhow::Result<Grant> {
        self.sign_in(user, password).await?;
        self.token(false).await
    }

    /// A token that is good from now on. If the one that we have was `refused`, it is another one: the WWSF would
    /// hand out the same again as long as it is fresh.
    pub(super) async fn token(&mut self, refused: bool) -> anyhow::Result<Grant> {
        let mut url = self.base.join(&format!("session/{}/token", self.id))?;
        url.set_query(refused.then_some("refused"));
        let request = self
            .client
            .post(url.clone())
            .header("X-Requested-With", "wic");
        let request = self.with_cookies(request, &url);
        let response = request.send().await.context("the WWSF does not answer")?;
        self.keep_cookies(&url, &response);
        if !response.status().is_success() {
            bail!("the WWSF gives no token: {}", response.status());
        }
        response.json().await.context("the WWSF's token is none")
    }

    async fn sign_in(&mut self, user: &str, password: &str) -> anyhow::Result<()> {
        let mut url = self.base.join("signin")?;
        let mut form: Option<Vec<(String, String)>> = None;
        let mut shown = false;
        for _ in 0..HOPS {
            let request = match form.take() {
                Some(form) => self.client.post(url.clone()).form(&form),
                None => self.client.get(url.clone()),
            };
            let request = self.with_cookies(request, &url);
            let response = request
                .send()
                .await
                .with_context(|| format!("{} does not answer", url.host_str().unwrap_or("?")))?;
            self.keep_cookies(&url, &response);
            if response.status().is_redirection() {
                let location = response.headers().get(LOCATION);
                let location = location.and_then(|value| value.to_str().ok());
                url = url.join(location.context("a redirect to nowhere")?)?;
                if let Some(id) = fragment(&url, "session") {
                    self.id = id;
                    return Ok(());
                }
                if let Some(word) = fragment(&url, "error") {
                    bail!("signing in failed: {word}");
                }
                continue;
            }
            let status = response.status();
            let page = response.text().await?;
            let Some((action, mut fields)) = read_form(&page) else {
                bail!("signing in failed: {status} and no page to sign in at");
            };
            if shown {
                bail!("signing in failed: the user name or the password is wrong");
            }
            shown = true;
            fields.push(("username".into(), user.into()));
            fields.push(("password".into(), password.into()));
            url = url.join(&action)?;
            form = Some(fields);
        }
        bail!("signing in failed: too many redirects")
    }

    fn with_cookies(&self, request: reqwest::RequestBuilder, url: &Url) -> reqwest::RequestBuilder {
        let host = host(url);
        let mine = self.cookies.iter().filter(|((whose, _), _)| *whose == host);
        let values: Vec<String> = mine
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if values.is_empty() {
            request
        } else {
            request.header(COOKIE, values.join("; "))
        }
    }

    fn keep_cookies(&mut self, url: &Url, response: &Response) {
        for value in response.headers().get_all(SET_COOKIE) {
            let pair = value.to_str().unwrap_or_default();
            let pair = pair.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let key = (host(url), name.trim().to_owned());
            if value.is_empty() {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.trim().to_owned());
            }
        }
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// A parameter of a URL's fragment.
fn fragment(url: &Url, name: &str) -> Option<String> {
    let fragment = url.fragment()?;
    url::form_urlencoded::parse(fragment.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Where the form of a page goes, and what is hidden in it.
fn read_form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let form = page.split_once("<form")?.1;
    let form = form.split_once("</form>")?.0;
    let head = form.split_once('>')?.0;
    let fields = form
        .split("<input")
        .skip(1)
        .filter_map(|input| input.split_once('>').map(|(tag, _)| tag))
        .filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect();
    Some((attribute(head, "action")?, fields))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let plain = value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&");
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_what_is_hidden_in_it() {
        let page = "<body><form method=\"post\" action=\"authorize\">\n\
            <input type=\"hidden\" name=\"state\" value=\"a&amp;b&quot;\">\n\
            <input id=\"username\" name=\"username\" type=\"text\" value=\"\">\n\
            <button>Sign in</button></form></body>";
        let (action, fields) = read_form(page).unwrap();
        assert_eq!(action, "authorize");
        assert_eq!(fields, [("state".into(), "a&b\"".into())]);
        assert!(read_form("<p>no form</p>").is_none());
    }

    #[test]
    fn the_session_is_in_the_fragment() {
        let url = Url::parse("https://a/#session=x%2Dy").unwrap();
        assert_eq!(fragment(&url, "session").as_deref(), Some("x-y"));
        assert_eq!(fragment(&url, "error"), None);
    }

    /// What the WWSF is asked, without its answer.
    async fn asked(refused: bool) -> String {
        use tokio::io::AsyncReadExt as _;
        // Another test may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let wwsf = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let base = format!("http://{}/", wwsf.local_addr().expect("it is bound"));
        let words = format!("--w2 ws://localhost/w2 --user alice --sign-in {base} --password p");
        let mut session = Session::new(&crate::wic::tests::args(&words), &base).expect("a URL");
        session.id = "sid".into();
        let token = tokio::spawn(async move { session.token(refused).await });
        let (mut stream, _) = wwsf.accept().await.expect("the WIC");
        let mut line = [0; 64];
        let read = stream.read(&mut line).await.expect("a request");
        drop(stream);
        assert!(token.await.expect("no panic").is_err(), "nobody answered");
        String::from_utf8_lossy(&line[..read]).into_owned()
    }

    #[tokio::test]
    async fn a_token_that_was_refused_is_not_taken_once_more() {
        let usual = asked(false).await;
        assert!(usual.starts_with("POST /session/sid/token HTTP"), "{usual}");
        let other = asked(true).await;
        assert!(
            other.starts_with("POST /session/sid/token?refused HTTP"),
            "{other}"
        );
    }
}
