//! Why the web functions do not start.

/// What an operator has to change. The shell says where it stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// A value of the configuration makes no sense.
    #[error("{key}: {why}")]
    Config {
        /// The key, as in the file.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A certificate or key for W4 cannot be read.
    #[error("cannot read {path}")]
    Certificate {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path} does not hold {what}")]
    Pem {
        /// The file.
        path: String,
        /// What should be in it.
        what: &'static str,
    },
    /// The HTTP client for W4 cannot be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// A signing key cannot be made, or a password cannot be hashed.
    #[error("the cryptographic library refuses to make a key")]
    Crypto,
    /// The operating system gives no randomness.
    #[error("no randomness")]
    Randomness(#[source] getrandom::Error),
    /// The accounts or keys cannot be written down.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

impl WebError {
    pub(crate) fn config(key: &'static str, why: impl Into<String>) -> Self {
        Self::Config {
            key,
            why: why.into(),
        }
    }

    pub(crate) fn key(file: &std::path::Path, what: &'static str) -> Self {
        Self::Pem {
            path: file.display().to_string(),
            what,
        }
    }
}
