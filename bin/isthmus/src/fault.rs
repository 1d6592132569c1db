//! Why the program does not start: one sentence that says what to do, and exit code 2.

use std::fmt;
use std::path::{Path, PathBuf};

/// A mistake of configuration or of the machine, found before anything runs.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The file that says it, and the line, when it stands in one.
    place: Option<(PathBuf, Option<usize>)>,
    sentence: String,
}

impl Fault {
    /// A fault of no file's.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self {
            place: None,
            sentence: sentence.into(),
        }
    }

    /// A fault in a file, at a line that counts from 1.
    pub(crate) fn at(file: &Path, line: Option<usize>, sentence: impl Into<String>) -> Self {
        Self {
            place: Some((file.to_owned(), line)),
            sentence: sentence.into(),
        }
    }

    /// Whether it is of this file.
    pub(crate) fn is_of(&self, file: &Path) -> bool {
        self.place.as_ref().is_some_and(|(place, _)| place == file)
    }

    /// A port that cannot be had.
    pub(crate) fn bind(port: &Port, address: impl fmt::Display, error: &std::io::Error) -> Self {
        let Port { what, key, flag } = port;
        let flag = flag.map(|flag| format!(", all in one also {flag}"));
        let how = format!("{key} says which{}", flag.unwrap_or_default());
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program has it; stop it or choose another port".to_owned()
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not; choose a port above 1023".to_owned()
            }
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        Self::new(format!(
            "cannot listen for {what} on {address}: {why}: {how}"
        ))
    }
}

/// A port that is listened on, as an operator knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    /// What is listened for, in words.
    what: &'static str,
    /// The key of the configuration that says where.
    key: &'static str,
    /// The flag of the all-in-one that says it, too.
    flag: Option<&'static str>,
}

impl Port {
    pub(crate) const HTTPS: Self = Self::new("HTTPS", "http.listen", Some("--https-port"));
    pub(crate) const HTTP: Self = Self::new("HTTP", "http.plain_listen", Some("--http-port"));
    pub(crate) const ADMIN: Self =
        Self::new("metrics and health", "admin.listen", Some("--admin-port"));
    pub(crate) const MW: Self = Self::new(
        "SIP towards the core",
        "epcscf.mw_listen",
        Some("--mw-port"),
    );
    pub(crate) const MW_TLS: Self = Self::new("SIP towards the core", "epcscf.mw_tls.listen", None);
    pub(crate) const CORE: Self = Self::new(
        "SIP at the laboratory's core",
        "lab_core.listen",
        Some("--core-port"),
    );
    pub(crate) const CORE_TLS: Self =
        Self::new("SIP at the laboratory's core", "lab_core.tls.listen", None);
    pub(crate) const W3: Self = Self::new("the browsers' media", "gateway.port", None);
    pub(crate) const W3_ADDRESS: Self = Self::new("the browsers' media", "gateway.addresses", None);
    pub(crate) const CALLS: Self = Self::new(
        "SIP at the MMTel Enabler Server",
        "mmtel_es.calls.listen",
        None,
    );

    /// The section of the configuration that says where.
    pub(crate) fn section(&self) -> &'static str {
        self.key.trim_end_matches(".listen")
    }

    const fn new(what: &'static str, key: &'static str, flag: Option<&'static str>) -> Self {
        Self { what, key, flag }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((file, Some(line))) => write!(f, "{}:{line}: ", file.display())?,
            Some((file, None)) => write!(f, "{}: ", file.display())?,
            None => {}
        }
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Fault {}
