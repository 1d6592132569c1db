//! Where data channel applications run: a document of their own, each on a site of its own, which lets
//! nothing out. What runs in it comes from the page around it.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, header::REFERRER_POLICY};

use crate::{Asset, Origin, Origins, Reply, Wwsf, headers};

/// The file of the client that is the document.
pub const FRAME: &str = "runtime/frame.html";

/// An origin for each application: `https://app-{id}.apps.example.net`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationSite {
    before: String,
    after: String,
}

impl ApplicationSite {
    /// From its spelling, `{id}` once and in the first label.
    pub fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.split_once("{id}")?;
        let label = before
            .strip_prefix("https://")
            .or_else(|| before.strip_prefix("http://"))?;
        let in_label = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        let rest = after.find('.')?;
        let good = label.bytes().chain(after[..rest].bytes()).all(in_label)
            && Origin::parse(&format!("{before}x{after}")).is_some();
        good.then(|| Self {
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// All of them, as a policy names them.
    fn source(&self) -> String {
        let scheme = self.before.find("://").map_or(0, |at| at + 3);
        let domain = self.after.find('.').unwrap_or_default();
        format!("{}*{}", &self.before[..scheme], &self.after[domain..])
    }
}

impl std::fmt::Display for ApplicationSite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{{id}}{}", self.before, self.after)
    }
}

impl Wwsf {
    /// The document that applications run in. It asks nobody who they are, on whatever site: there is
    /// nothing in it. `nonce` is for this reply alone.
    pub fn frame(&self, document: Option<Asset>, nonce: &str) -> Reply {
        let Some(document) = document else {
            return headers::error(StatusCode::NOT_FOUND, "not_found");
        };
        let around = match &self.settings().origins {
            // On loopback, ports are not known here; policies have no IPv6 addresses.
            Origins::Loopback => ["localhost", "127.0.0.1"]
                .map(|host| format!("http://{host}:* https://{host}:*"))
                .join(" "),
            Origins::Only(origins) => {
                let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
                origins.join(" ")
            }
        };
        // Scripts, styles and pictures are blobs of the package; nothing is fetched, nothing is sent,
        // and there is no window in it.
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}' blob:; style-src 'unsafe-inline' blob:; \
             img-src blob: data:; font-src blob: data:; media-src blob: data:; connect-src 'none'; \
             worker-src 'none'; frame-src 'none'; object-src 'none'; form-action 'none'; \
             base-uri 'none'; frame-ancestors {around}; \
             sandbox allow-scripts allow-forms"
        );
        let text = String::from_utf8_lossy(&document.data).replace("{nonce}", nonce);
        let mut reply = headers::plain(StatusCode::OK);
        *reply.body_mut() = text.into_bytes();
        for (name, value) in [
            (CONTENT_SECURITY_POLICY, policy.as_str()),
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("x-dns-prefetch-control"), "off"),
            // A process of its own, where browsers have processes.
            (HeaderName::from_static("origin-agent-cluster"), "?1"),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), microphone=(), display-capture=(), geolocation=(), payment=(), usb=(), \
                 serial=(), hid=(), midi=()",
            ),
        ] {
            headers::set(&mut reply, name, value);
        }
        reply
    }

    /// What the page may frame.
    pub(crate) fn frame_source(&self) -> String {
        let site = self.settings().applications.as_ref();
        site.map_or_else(
            || "'self'".to_owned(),
            |site| format!("'self' {}", site.source()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn each_application_has_a_site_of_its_own() {
        for (text, source) in [
            ("http://app-{id}.localhost:8080", "http://*.localhost:8080"),
            (
                "https://{id}.apps.example.net",
                "https://*.apps.example.net",
            ),
        ] {
            let site = ApplicationSite::parse(text).unwrap();
            assert_eq!(site.source(), source);
            assert_eq!(site.to_string(), text);
        }
        for bad in [
            "https://example.net",
            "https://{id}",
            "https://x.{id}.example.net",
            "ftp://{id}.example.net",
            "https://{id}.example.net/; script-src *",
            "https://{id}.{id}.example.net",
        ] {
            assert_eq!(ApplicationSite::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_leaves_the_frame() {
        let wwsf = Wwsf::new(Settings::new("wwsf", "home1.net"), Vec::new());
        let document = Asset {
            data: b"<script nonce=\"{nonce}\"></script>".to_vec(),
            etag: String::new(),
        };
        let reply = wwsf.frame(Some(document), "abc");
        let policy = reply.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'nonce-abc' blob:;",
            "connect-src 'none'",
            "frame-src 'none'",
            "worker-src 'none'",
            "form-action 'none'",
            "sandbox allow-scripts allow-forms",
            "frame-ancestors http://localhost:* ",
        ] {
            assert!(policy.contains(part), "{part}");
        }
        assert!(!policy.contains("allow-same-origin") && !policy.contains("'self'"));
        assert_eq!(reply.body(), b"<script nonce=\"abc\"></script>");
    }
}
