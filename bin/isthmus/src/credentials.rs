//! What the command line says of whom to trust, and of who asks.

use std::path::Path;

use anyhow::Context as _;

/// With what an option says of certificates: theirs, and ours.
pub(crate) fn trusting(
    mut builder: reqwest::ClientBuilder,
    insecure: bool,
    ca: Option<&Path>,
    certificate: Option<&Path>,
) -> anyhow::Result<reqwest::ClientBuilder> {
    if insecure {
        builder = builder.danger_accept_invalid_certs(true);
    }
    if let Some(file) = ca {
        let certificates = reqwest::Certificate::from_pem_bundle(&read(file)?)
            .with_context(|| format!("{} holds no certificates", file.display()))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(file) = certificate {
        let identity = reqwest::Identity::from_pem(&read(file)?)
            .with_context(|| format!("{} holds no certificate with its key", file.display()))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

/// A secret that stands in a file, so that it is in no list of processes.
pub(crate) fn first_line(file: &Path) -> anyhow::Result<String> {
    let text =
        String::from_utf8(read(file)?).with_context(|| format!("{} is no text", file.display()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    anyhow::ensure!(!line.is_empty(), "{} is empty", file.display());
    Ok(line.to_owned())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// Why there is no answer, and what helps. `what` says who was asked.
pub(crate) fn no_answer(error: reqwest::Error, what: &str) -> anyhow::Error {
    let error = anyhow::Error::from(error);
    let hint = hint(&error);
    error.context(format!("{what}{hint}"))
}

/// An error and all that caused it on one line, and what helps.
pub(crate) fn in_words(error: &anyhow::Error) -> String {
    format!("{error:#}{}", hint(error))
}

/// What helps where a certificate is one that nobody here knows.
fn hint(error: &anyhow::Error) -> &'static str {
    let unknown = |cause: &(dyn std::error::Error + 'static)| {
        cause.to_string().contains("invalid peer certificate")
    };
    if error.chain().any(unknown) {
        "; its certificate is not known here: --ca FILE names whom to trust, --insecure takes any, \
         for a laboratory"
    } else {
        ""
    }
}
