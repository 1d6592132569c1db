//! Requests whose packages have been looked into. That may take long: a shell does it on a thread that
//! has the time, between two functions of [`crate::Applications`].

use api_mmtel_es::common::Uri;
use api_mmtel_es::dc_app_management::{DcAppConfigReq, DcAppUpdateReq};
use api_mmtel_es::{Attribute, write};
use aws_lc_rs::digest::{SHA256, digest};

use crate::application::{Package, StoredPackage};
use crate::package::{self, Limits};

/// A request, and what was found out about each of its entries.
#[derive(Clone, Debug)]
pub struct Checked<T> {
    pub(crate) request: T,
    /// In the order of the request.
    pub(crate) entries: Vec<Result<Entry, String>>,
}

/// What was found out about an entry that is well.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The package, which is no longer in the request.
    pub(crate) package: Option<StoredPackage>,
    /// SHA-256 of the entry as it came.
    pub(crate) hash: [u8; 32],
}

impl Checked<DcAppConfigReq> {
    /// Looks into a request to configure applications.
    pub fn configuration(mut request: DcAppConfigReq, limits: &Limits) -> Self {
        let mut room = limits.unpacked;
        let entries = request.list.iter_mut().map(|entry| {
            let hash = sha256(&write(entry));
            let links = [&entry.app_icon_url, &entry.pers_data_coll_info_url];
            check(hash, &mut entry.app_pkg, links, limits, &mut room)
        });
        let entries = entries.collect();
        Self { request, entries }
    }
}

impl Checked<DcAppUpdateReq> {
    /// Looks into a request to update applications.
    pub fn update(mut request: DcAppUpdateReq, limits: &Limits) -> Self {
        let mut room = limits.unpacked;
        let entries = request.list.iter_mut().map(|entry| {
            let links = [&entry.app_icon_url, &entry.pers_data_coll_info_url];
            check([0; 32], &mut entry.app_pkg, links, limits, &mut room)
        });
        let entries = entries.collect();
        Self { request, entries }
    }
}

fn check(
    hash: [u8; 32],
    app_pkg: &mut Option<api_mmtel_es::common::Binary>,
    links: [&Option<Uri>; 2],
    limits: &Limits,
    room: &mut usize,
) -> Result<Entry, String> {
    // A page shows the one and links to the other: nothing but the Web.
    let names = ["appIconUrl", "persDataCollInfoUrl"];
    for (name, link) in names.into_iter().zip(links) {
        let scheme = link.as_ref().map(Uri::scheme);
        if scheme.is_some_and(|scheme| scheme != "https" && scheme != "http") {
            return Err(format!("{name}: must be an http or https URL"));
        }
    }
    let package = match app_pkg.take() {
        Some(package) => {
            let bytes = package.0;
            package::check_within(&bytes, limits, room)
                .map_err(|reason| format!("appPkg: {reason}"))?;
            let package = Package {
                sha256: sha256(&bytes),
                size: bytes.len() as u64,
            };
            Some(StoredPackage { package, bytes })
        }
        None => None,
    };
    Ok(Entry { package, hash })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

impl<T: Attribute> Checked<T> {
    /// The request, without its packages.
    pub fn request(&self) -> &T {
        &self.request
    }
}
