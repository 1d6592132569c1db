//! The application repository behind the edge's bootstrap channels (TS 26.114 §6.2.10): what a WIC asks there is answered
//! from what DCAppManagement holds.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use core_bootstrap::{Response, StatusCode};
use core_credentials::Secret;
use nf_epcscf::ApplicationsQuery;
use nf_mmtel_es::{Beginnings, Call, Given, Package, Signer, Viewer};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::Enabler;
use super::enabler::EnablerError;

/// Bytes of packages that are kept in memory, since many ask for the same.
const KEPT: usize = 64 * 1024 * 1024;

/// What the enabler has beside the applications themselves.
#[derive(Debug, Default)]
pub(super) struct Repository {
    signer: Option<Signer>,
    /// What edges in other processes show.
    secret: Option<Secret>,
    /// The last asked for comes last.
    kept: Mutex<VecDeque<([u8; 32], Bytes)>>,
}

impl Repository {
    /// With the operator's key, when there is one.
    pub(super) fn open(key: Option<&Path>, secret: Option<&Path>) -> Result<Self, EnablerError> {
        let read = |file: &Path| {
            let key = PrivatePkcs8KeyDer::from_pem_file(file).ok();
            let signer = key.and_then(|key| Signer::from_pkcs8(key.secret_pkcs8_der()));
            signer.ok_or_else(|| EnablerError::SigningKey(file.display().to_string()))
        };
        Ok(Self {
            signer: key.map(read).transpose()?,
            secret: secret.map(edges).transpose()?,
            kept: Mutex::default(),
        })
    }

    fn kept(&self, sha256: &[u8; 32]) -> Option<Bytes> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(of, _)| of == sha256)?;
        let found = kept.remove(at)?;
        let bytes = found.1.clone();
        kept.push_back(found);
        Some(bytes)
    }

    fn keep(&self, sha256: [u8; 32], bytes: &Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.iter().any(|(of, _)| *of == sha256) {
            return;
        }
        let size = |kept: &VecDeque<([u8; 32], Bytes)>| -> usize {
            kept.iter().map(|(_, bytes)| bytes.len()).sum()
        };
        kept.push_back((sha256, bytes.clone()));
        while size(&kept) > KEPT {
            kept.pop_front();
        }
    }
}

impl Enabler {
    /// What edges in other processes show; without one they are not served.
    pub(crate) fn repository_secret(&self) -> Option<&Secret> {
        self.repository().secret.as_ref()
    }

    /// Whether calls begin with applications; while the store is read again nobody knows of any.
    pub(super) fn beginnings(&self) -> Beginnings {
        let now = self.now();
        self.applications()
            .map(|mut all| all.get().beginnings(now))
            .unwrap_or_default()
    }

    /// TS 26.114 §6.2.10, TS 23.228 §AC.7.1 — answers what is asked on a bootstrap channel.
    pub(crate) async fn give(&self, query: ApplicationsQuery) -> Response {
        let viewer = Viewer {
            source: query.source,
            user: query.user,
            call: Call {
                established: query.established,
                video: query.video,
            },
            peer_has_data_channels: query.peer_has_data_channels,
        };
        let signer = self.repository().signer.as_ref();
        let given = match self.applications() {
            Ok(mut all) => all.get().give(&viewer, &query.request, signer, self.now()),
            Err(_) => return busy(),
        };
        match given {
            Given::Response(response) => response,
            Given::Package(mut response, package) => match self.package(package).await {
                Some(bytes) => {
                    response.body = bytes;
                    response
                }
                None => busy(),
            },
        }
    }

    async fn package(&self, package: Package) -> Option<Bytes> {
        let repository = self.repository();
        if let Some(bytes) = repository.kept(&package.sha256) {
            return Some(bytes);
        }
        let _turn = self.large().acquire().await.ok()?;
        // Somebody else may have waited for the same.
        if let Some(bytes) = repository.kept(&package.sha256) {
            return Some(bytes);
        }
        let bytes = self.store().package(package.sha256).await.ok()??;
        repository.keep(package.sha256, &bytes);
        Some(bytes)
    }
}

fn edges(file: &Path) -> Result<Secret, EnablerError> {
    let read = crate::repository::secret(file);
    read.map_err(|error| EnablerError::RepositorySecret(format!("{error:#}")))
}

fn busy() -> Response {
    let sentence = "The applications cannot be read now.";
    Response::sentence(StatusCode::SERVICE_UNAVAILABLE, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_last_is_kept() {
        let repository = Repository::default();
        let large = Bytes::from(vec![0; KEPT / 2]);
        repository.keep([1; 32], &large);
        repository.keep([2; 32], &large);
        assert!(repository.kept(&[1; 32]).is_some());
        repository.keep([3; 32], &large);
        assert!(repository.kept(&[2; 32]).is_none());
        assert!(repository.kept(&[1; 32]).is_some() && repository.kept(&[3; 32]).is_some());
    }
}
