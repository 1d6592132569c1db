//! Globally routable URIs of one contact (RFC 5627): the public one, which says who it is, and temporary
//! ones, which do not.

use core_sip::address::UriView;

use crate::{
    LabCoreConfig,
    location::{Contact, Locations},
    users::{User, UserId, Users},
};

/// What a URI with `gr` leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gruu {
    /// RFC 5627 §4.2: the contacts of this instance.
    Public(UserId, String),
    /// RFC 5627 §4.1: the contact that was given it.
    Temporary(UserId, String),
}

/// The GRUUs of a contact, as it is told them.
pub(crate) struct Gruus {
    pub(crate) public: String,
    pub(crate) temporary: String,
}

/// RFC 5627 §5.1 — the GRUUs of a contact; `None` for one that asked for none.
pub(crate) fn of_contact(config: &LabCoreConfig, user: &User, contact: &Contact) -> Option<Gruus> {
    let instance = contact.instance.as_deref()?;
    let newest = contact.gruus.last()?;
    let address = user.impus.iter().find(|impu| impu.starts_with("sip:"))?;
    let domain = &config.home_domain;
    let instance = bare(instance);
    Some(Gruus {
        public: format!("{address};gr={instance}"),
        temporary: format!("sip:{newest}@{domain};gr"),
    })
}

impl Gruus {
    /// The parameters in the 200 to REGISTER.
    pub(crate) fn params(&self) -> String {
        let Self { public, temporary } = self;
        format!(";pub-gruu=\"{public}\";temp-gruu=\"{temporary}\"")
    }
}

impl Gruu {
    /// RFC 5627 §5.3 — reads a Request-URI; `None` when it is no GRUU of anybody's here.
    pub(crate) fn read(
        config: &LabCoreConfig,
        users: &Users,
        locations: &Locations,
        uri: &str,
    ) -> Option<Self> {
        let view = UriView::parse(uri)?;
        let gr = view.param("gr")?;
        if gr.is_empty() {
            let token = view.user?;
            let user = locations.of_gruu(token)?;
            return Some(Self::Temporary(user, token.to_owned()));
        }
        let user = users.by_impu(config, uri)?;
        Some(Self::Public(user, gr.to_owned()))
    }

    pub(crate) fn user(&self) -> UserId {
        match self {
            Self::Public(user, _) | Self::Temporary(user, _) => *user,
        }
    }

    /// Whether this contact is meant.
    pub(crate) fn means(&self, contact: &Contact) -> bool {
        match self {
            Self::Public(_, gr) => contact
                .instance
                .as_deref()
                .is_some_and(|instance| bare(instance).eq_ignore_ascii_case(gr)),
            Self::Temporary(_, token) => contact.gruus.iter().any(|own| own == token),
        }
    }
}

/// RFC 5627 §5.4 — an instance without its brackets.
fn bare(instance: &str) -> &str {
    instance.trim_matches(['<', '>'])
}
