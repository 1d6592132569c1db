//! Typed views, parsed when asked for.

use super::Message;
use crate::header::TypedHeader;
use crate::{Fault, HeaderError, HeaderName, Malformed, NameAddr, Uri, header};

impl Message {
    /// The first value of that type; `None` when the field is absent.
    pub fn typed<T: TypedHeader>(&self) -> Result<Option<T>, HeaderError> {
        self.all::<T>().next().transpose()
    }

    /// The same, where absence is an error.
    pub fn require<T: TypedHeader>(&self) -> Result<T, HeaderError> {
        self.typed()?.ok_or(HeaderError::Missing(T::NAME))
    }

    /// Every value of that type, over all lines.
    pub fn all<T: TypedHeader>(&self) -> impl Iterator<Item = Result<T, HeaderError>> {
        let list = T::LIST;
        self.lines(T::NAME)
            .flat_map(move |line| {
                let whole = (!list).then_some(line);
                let split = list.then(|| crate::scan::split_commas(line));
                whole.into_iter().chain(split.into_iter().flatten())
            })
            .map(|value| {
                T::parse(value).map_err(|what| HeaderError::Malformed {
                    name: T::NAME,
                    what,
                })
            })
    }

    /// The Request-URI; `None` in a response.
    pub fn uri(&self) -> Option<Result<Uri, &'static str>> {
        self.request_uri().map(Uri::parse)
    }

    /// The header fields a proxy acts on, read in full: what [`Message::parse`] leaves to the typed views. An edge
    /// refuses a message that fails here with 400.
    pub fn check(&self) -> Result<(), Malformed> {
        let refuse = |name: HeaderName| {
            let at = self
                .entry(name)
                .map_or(0, |entry| entry.start as usize & 0x7fff_ffff);
            Malformed::new(Fault::Header(name), at)
        };
        match self.uri() {
            // RFC 3261 §19.1.1: header fields have no place in a Request-URI.
            Some(Ok(Uri::Sip(uri))) if uri.headers.is_none() => {}
            None | Some(Ok(Uri::Tel(_) | Uri::Urn(_) | Uri::Other(_))) => {}
            Some(_) => return Err(Malformed::new(Fault::RequestUri, 0)),
        }
        for name in [HeaderName::From, HeaderName::To] {
            NameAddr::parse(self.header(name).unwrap_or("")).map_err(|_| refuse(name))?;
        }
        for via in self.all::<header::Via>() {
            via.map_err(|_| refuse(HeaderName::Via))?;
        }
        for name in [
            HeaderName::Route,
            HeaderName::RecordRoute,
            HeaderName::Path,
            HeaderName::ServiceRoute,
        ] {
            for value in self.values(name) {
                if !value.contains('<') || NameAddr::parse(value).is_err() {
                    return Err(refuse(name));
                }
            }
        }
        for contact in self.all::<header::Contact>() {
            contact.map_err(|_| refuse(HeaderName::Contact))?;
        }
        let number = |name, most: u32| match self.header(name) {
            Some(value) if crate::scan::number(value).is_none_or(|n| n > most) => Err(refuse(name)),
            _ => Ok(()),
        };
        number(HeaderName::MaxForwards, 255)?;
        number(HeaderName::Expires, u32::MAX)?;
        if self.call_id().split(['@']).count() > 2 || self.call_id().bytes().any(|b| b <= b' ') {
            return Err(refuse(HeaderName::CallId));
        }
        if !self.body().is_empty() && self.content_type().is_none() {
            return Err(Malformed::new(Fault::Missing(HeaderName::ContentType), 0));
        }
        self.typed::<header::Date>()
            .map_err(|_| refuse(HeaderName::Date))?;
        self.typed::<header::ContentType>()
            .map_err(|_| refuse(HeaderName::ContentType))?;
        Ok(())
    }
}
