//! The document of the reg event package: RFC 3680 §5, with the GRUUs of RFC 5628.

use std::{fmt::Write as _, time::Instant};

use crate::{
    LabCoreConfig, gruu,
    location::{Change, Contact, ContactEvent},
    users::User,
};

/// What is told of a subscriber; each of its identities has the same contacts.
pub(crate) struct Document<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a LabCoreConfig,
    pub(crate) user: &'a User,
    /// Those that there are.
    pub(crate) contacts: &'a [Contact],
    /// Since the last document.
    pub(crate) changes: &'a [Change],
    /// All contacts, or those that changed.
    pub(crate) full: bool,
}

impl Document<'_> {
    pub(crate) fn write(&self, version: u32) -> String {
        let state = if self.full { "full" } else { "partial" };
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" \
             xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\" version=\"{version}\" state=\"{state}\">\r\n"
        );
        let ended = || self.changes.iter().filter(|change| change.event.is_end());
        let state = match (self.contacts.is_empty(), ended().next().is_some()) {
            (false, _) => "active",
            (true, true) => "terminated",
            (true, false) => "init",
        };
        for (number, impu) in self.user.impus.iter().enumerate() {
            let aor = escape(impu);
            let _ = write!(
                xml,
                " <registration aor=\"{aor}\" id=\"r{number}\" state=\"{state}\">\r\n"
            );
            for contact in self.contacts {
                let mut changed = self.changes.iter();
                let change = changed.find(|change| change.contact.id == contact.id);
                let event = change.map(|change| change.event);
                if self.full || event.is_some() {
                    let event = event.unwrap_or(ContactEvent::Registered);
                    self.write_contact(&mut xml, number, contact, event);
                }
            }
            for change in ended() {
                self.write_contact(&mut xml, number, &change.contact, change.event);
            }
            xml.push_str(" </registration>\r\n");
        }
        xml.push_str("</reginfo>\r\n");
        xml
    }

    fn write_contact(
        &self,
        xml: &mut String,
        registration: usize,
        contact: &Contact,
        event: ContactEvent,
    ) {
        let state = if event.is_end() {
            "terminated"
        } else {
            "active"
        };
        let (id, name) = (contact.id, event.name());
        let _ = write!(
            xml,
            "  <contact id=\"c{registration}-{id}\" state=\"{state}\" event=\"{name}\""
        );
        if !event.is_end() {
            let left = contact.seconds_left(self.now);
            let _ = write!(xml, " expires=\"{left}\"");
        }
        if let ContactEvent::Probation(again) = event {
            let _ = write!(xml, " retry-after=\"{}\"", again.as_secs());
        }
        let (call_id, uri) = (escape(&contact.call_id), escape(&contact.uri));
        let cseq = contact.cseq;
        let _ = write!(
            xml,
            " callid=\"{call_id}\" cseq=\"{cseq}\"><uri>{uri}</uri>"
        );
        if let Some(instance) = &contact.instance {
            let instance = escape(instance);
            let _ = write!(
                xml,
                "<unknown-param name=\"+sip.instance\">\"{instance}\"</unknown-param>"
            );
        }
        // RFC 5628 §5.1; TS 24.229 §5.4.2.1.2.
        let gruus = gruu::of_contact(self.config, self.user, contact);
        if let Some(gruus) = gruus.filter(|_| !event.is_end()) {
            let (public, temporary) = (escape(&gruus.public), escape(&gruus.temporary));
            let first = contact.first_cseq;
            let _ = write!(
                xml,
                "<gr:pub-gruu uri=\"{public}\"/><gr:temp-gruu uri=\"{temporary}\" first-cseq=\"{first}\"/>"
            );
        }
        xml.push_str("</contact>\r\n");
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}
