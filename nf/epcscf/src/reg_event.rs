//! The eP-CSCF watches the registrations that it carries, so that the network can end one (TS 24.229 §5.2.3,
//! §5.2.5.2; RFC 3680).
//!
//! ```text
//!   200 to the first REGISTER of a binding ─▶ SUBSCRIBE ─▶ 200
//!   NOTIFY: our contact terminated          ─▶ the binding is forgotten, its calls are released
//!   NOTIFY: an identity terminated          ─▶ the binding loses that identity
//!   NOTIFY: our contact shortened           ─▶ the binding ends sooner
//!   NOTIFY: one was missed                  ─▶ SUBSCRIBE again, which gives the full state
//!   NOTIFY: the subscription is over        ─▶ SUBSCRIBE anew, if it may be
//! ```

use std::collections::HashMap;
use std::time::{Duration, Instant};

use core_sip::dialog::{Dialog, DialogId};
use core_sip::{ClientTransactionId, ServerTransactionId, TimerSet};
use wire_sip::header::{Expires, SubscriptionState};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::binding::same_identity;
use crate::timer::Timer;
use crate::{EpCscf, charging};

/// TS 24.229 §5.2.3: longer than any registration.
const EXPIRES: u32 = 600_000;
/// A subscription is refreshed so long before its end.
const BEFORE_ITS_END: Duration = Duration::from_mins(10);

/// A subscription that was over sooner than this is not begun anew.
const ANEW_AFTER: Duration = Duration::from_secs(30);

/// One subscription.
#[derive(Debug)]
struct Watch {
    binding: u64,
    /// Our tag.
    tag: String,
    /// The SUBSCRIBE that began it, until it is answered: it is large, and there is one a client.
    request: Option<Box<Message>>,
    /// From its 2xx on.
    dialog: Option<Dialog>,
    /// Of the last document.
    version: Option<u32>,
    began: Instant,
    refresh_at: Instant,
}

/// All of them, by Call-ID, which is ours.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    list: HashMap<String, Watch>,
    of_binding: HashMap<u64, String>,
    asking: HashMap<ClientTransactionId, String>,
}

impl Watches {
    /// Subscriptions, and SUBSCRIBEs under way.
    pub(crate) fn len(&self) -> (usize, usize) {
        (
            self.list.len().max(self.of_binding.len()),
            self.asking.len(),
        )
    }

    pub(crate) fn forget(&mut self, binding: u64) {
        if let Some(call) = self.of_binding.remove(&binding) {
            self.list.remove(&call);
        }
    }

    /// Is this NOTIFY for one of them?
    pub(crate) fn is_for(&self, request: &Message) -> bool {
        self.list
            .get(request.call_id())
            .is_some_and(|watch| request.to_tag() == Some(watch.tag.as_str()))
    }
}

impl EpCscf {
    /// A binding has begun: from now on we want to know what becomes of it.
    pub(crate) fn watch(&mut self, now: Instant, binding_id: u64) {
        let Some(identity) = self
            .bindings
            .get(binding_id)
            .and_then(|binding| binding.identities.first())
        else {
            return;
        };
        if !self.config.watch_registrations {
            return;
        }
        let own = format!("<sip:{}>", self.config.mw);
        let (tag, call) = (self.random.tag(), self.random.token(18));
        let mut subscribe = Message::request(Method::Subscribe, identity);
        subscribe.push_back(HeaderName::MaxForwards, 70);
        // TS 24.229 §5.2.3: by the home network's entry, not by the service route.
        subscribe.push_back(
            HeaderName::Route,
            format_args!("<{};lr>", self.config.next_hop),
        );
        subscribe.push_back(HeaderName::From, format_args!("{own};tag={tag}"));
        subscribe.push_back(HeaderName::To, format_args!("<{identity}>"));
        subscribe.push_back(HeaderName::CallId, &call);
        subscribe.push_back(HeaderName::CSeq, "1 SUBSCRIBE");
        subscribe.push_back(HeaderName::PAssertedIdentity, own);
        self.complete_subscribe(binding_id, &mut subscribe);
        let Some(id) = self.send_own(now, subscribe.clone(), TimerSet::core()) else {
            return;
        };
        self.watches.asking.insert(id, call.clone());
        self.watches.of_binding.insert(binding_id, call.clone());
        let watch = Watch {
            binding: binding_id,
            tag,
            request: Some(Box::new(subscribe)),
            dialog: None,
            version: None,
            began: now,
            refresh_at: now,
        };
        self.watches.list.insert(call, watch);
    }

    fn complete_subscribe(&mut self, binding_id: u64, subscribe: &mut Message) {
        let user = self.binding_token(binding_id);
        // `lr` is for routes, and this is a target.
        let own = self.config.core_uri(Some(&user));
        let contact = own.trim_end_matches(";lr");
        subscribe.push_back(HeaderName::Contact, format_args!("<{contact}>"));
        subscribe.push_back(HeaderName::Event, "reg");
        subscribe.push_back(HeaderName::Accept, "application/reginfo+xml");
        subscribe.push_back(HeaderName::Expires, EXPIRES);
        let icid = charging::icid(&mut self.random);
        let vector = charging::vector(&self.config, &icid);
        subscribe.push_back(HeaderName::PChargingVector, vector);
        subscribe.set(HeaderName::ContentLength, 0);
    }

    /// An answer to a SUBSCRIBE of ours; `false` when the transaction is another's.
    pub(crate) fn watch_answered(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        response: Option<&Message>,
    ) -> bool {
        let status = response.and_then(Message::status);
        let Some(call) = self.watches.asking.get(&id).cloned() else {
            return false;
        };
        if status.is_some_and(StatusCode::is_provisional) {
            return true;
        }
        self.watches.asking.remove(&id);
        let Some(watch) = self.watches.list.get_mut(&call) else {
            return true;
        };
        let Some(response) = response.filter(|_| status.is_some_and(StatusCode::is_success)) else {
            // Without it the registration still ends by its own time.
            tracing::info!(?status, "a registration cannot be watched");
            let (binding, began) = (watch.binding, watch.began);
            self.watches.forget(binding);
            // RFC 6665 §4.1.2.2: the core has lost it.
            if status == Some(StatusCode::CALL_DOES_NOT_EXIST) && began + ANEW_AFTER <= now {
                self.watch(now, binding);
            }
            return true;
        };
        if let Some(dialog) = &mut watch.dialog {
            dialog.handle_response(response);
        } else if let Some(request) = watch.request.take() {
            watch.dialog = Dialog::from_response(&request, response);
        }
        let granted = response.typed::<Expires>().ok().flatten();
        let granted = Duration::from_secs(u64::from(granted.map_or(EXPIRES, |e| e.0)));
        let margin = BEFORE_ITS_END.min(granted / 2);
        watch.refresh_at = now + granted.saturating_sub(margin);
        self.timers
            .set(watch.refresh_at, Timer::WatchAgain(watch.binding));
        true
    }

    /// RFC 6665 §4.1.2.3.
    pub(crate) fn watch_again(&mut self, now: Instant, binding: u64) {
        let Some(call) = self.watches.of_binding.get(&binding).cloned() else {
            return;
        };
        let Some(watch) = self.watches.list.get_mut(&call) else {
            return;
        };
        let Some(dialog) = watch.dialog.as_mut().filter(|_| watch.refresh_at <= now) else {
            return;
        };
        let mut subscribe = dialog.request(Method::Subscribe);
        self.complete_subscribe(binding, &mut subscribe);
        if let Some(id) = self.send_own(now, subscribe, TimerSet::core()) {
            self.watches.asking.insert(id, call);
        }
    }

    /// A NOTIFY for one of our subscriptions: we are the user agent (TS 24.229 §5.2.3).
    pub(crate) fn watched(&mut self, now: Instant, id: ServerTransactionId, notify: &Message) {
        let Some(watch) = self.watches.list.get_mut(notify.call_id()) else {
            return;
        };
        if let Some(dialog) = &mut watch.dialog {
            // RFC 6665 §4.1.3: another's tag is another's dialog.
            let ours = DialogId::of_request(notify).as_ref() == Some(dialog.id());
            let verdict = if ours {
                dialog.handle_request(notify)
            } else {
                Err(StatusCode::CALL_DOES_NOT_EXIST)
            };
            if let Err(status) = verdict {
                self.answer(now, id, notify, status);
                return;
            }
        }
        let binding = watch.binding;
        let document = std::str::from_utf8(notify.body())
            .ok()
            .and_then(RegInfo::parse);
        let news = document
            .as_ref()
            .map_or(News::Nothing, |document| watch.news(document));
        let began = watch.began;
        self.answer(now, id, notify, StatusCode::OK);
        if news == News::Gap {
            if let Some(watch) = self.watches.list.get_mut(notify.call_id()) {
                watch.refresh_at = now;
            }
            self.watch_again(now, binding);
        }
        if let Some(document) = document.filter(|_| news != News::Nothing) {
            self.adopt(now, binding, &document);
        }
        let state = notify.typed::<SubscriptionState>().ok().flatten();
        let Some(over) = state.filter(|state| state.value.eq_ignore_ascii_case("terminated"))
        else {
            return;
        };
        self.watches.forget(binding);
        // RFC 6665 §4.1.3: for some reasons one may subscribe anew at once.
        let reason = over.params.get("reason").unwrap_or_default();
        let may = matches!(reason, "deactivated" | "timeout");
        if may && began + ANEW_AFTER <= now {
            self.watch(now, binding);
        }
    }

    /// TS 24.229 §5.2.5.2 — what the network says of a registration is so.
    fn adopt(&mut self, now: Instant, id: u64, document: &RegInfo) {
        let Some(binding) = self.bindings.get_mut(id) else {
            return;
        };
        let of_ours = |contact: &&ContactInfo| contact.uri == binding.contact;
        let contacts = document.registrations.iter().flat_map(|r| &r.contacts);
        let ours: Vec<&ContactInfo> = contacts.filter(of_ours).collect();
        let stands = ours.iter().any(|contact| !contact.terminated);
        // Each identity by itself: the contact may have ended for one of them alone.
        let lost = |registration: &Registration| {
            let mut ours = registration.contacts.iter().filter(of_ours).peekable();
            registration.terminated || ours.peek().is_some() && ours.all(|ours| ours.terminated)
        };
        let lost: Vec<&str> = document
            .registrations
            .iter()
            .filter(|registration| lost(registration))
            .map(|registration| registration.aor.as_str())
            .collect();
        binding
            .identities
            .retain(|own| !lost.iter().any(|aor| same_identity(own, aor)));
        // What a full document does not say of our contact it says of none.
        let ended = document.full && !ours.is_empty() && !stands;
        if ended || binding.identities.is_empty() {
            self.forget_binding(now, id);
            return;
        }
        let shortened = ours.iter().filter(|c| c.event == "shortened");
        if let Some(seconds) = shortened.filter_map(|contact| contact.expires).min() {
            let expires = now.checked_add(Duration::from_secs(seconds));
            // A time that no clock has is no shorter.
            if let Some(expires) = expires.filter(|expires| *expires < binding.expires) {
                binding.expires = expires;
                self.timers.set(expires, Timer::BindingExpires(id));
            }
        }
    }
}

/// What a document is to whoever has read those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// It is an old one, or none at all.
    Nothing,
    /// The next one.
    Next,
    /// There was one before it that did not come.
    Gap,
}

impl Watch {
    /// RFC 3680 §5.1: versions go up by one; what is not above the last is passed over, and a full
    /// document says all that those before it said.
    fn news(&mut self, document: &RegInfo) -> News {
        let before = self.version;
        if before.is_some_and(|before| document.version <= before) {
            return News::Nothing;
        }
        self.version = Some(document.version);
        let next = before.is_some_and(|before| before.checked_add(1) == Some(document.version));
        if next || document.full {
            News::Next
        } else {
            News::Gap
        }
    }
}

/// RFC 3680 §5: what of a document matters here.
#[derive(Debug, PartialEq, Eq)]
struct RegInfo {
    version: u32,
    full: bool,
    registrations: Vec<Registration>,
}

#[derive(Debug, PartialEq, Eq)]
struct Registration {
    aor: String,
    terminated: bool,
    contacts: Vec<ContactInfo>,
}

#[derive(Debug, PartialEq, Eq)]
struct ContactInfo {
    uri: String,
    terminated: bool,
    event: String,
    expires: Option<u64>,
}

impl RegInfo {
    fn parse(text: &str) -> Option<Self> {
        const NAMESPACE: &str = "urn:ietf:params:xml:ns:reginfo";
        let document = roxmltree::Document::parse(text).ok()?;
        let root = document.root_element();
        if !root.has_tag_name((NAMESPACE, "reginfo")) {
            return None;
        }
        let registrations = root
            .children()
            .filter(|node| node.has_tag_name((NAMESPACE, "registration")))
            .map(|node| {
                let contacts = node
                    .children()
                    .filter(|node| node.has_tag_name((NAMESPACE, "contact")))
                    .filter_map(|contact| {
                        let uri = contact
                            .children()
                            .find(|node| node.has_tag_name((NAMESPACE, "uri")))?;
                        Some(ContactInfo {
                            uri: uri.text()?.trim().to_owned(),
                            terminated: contact.attribute("state") == Some("terminated"),
                            event: contact.attribute("event").unwrap_or_default().to_owned(),
                            expires: contact.attribute("expires").and_then(|e| e.parse().ok()),
                        })
                    })
                    .collect();
                Registration {
                    aor: node.attribute("aor").unwrap_or_default().to_owned(),
                    terminated: node.attribute("state") == Some("terminated"),
                    contacts,
                }
            })
            .collect();
        Some(Self {
            version: root.attribute("version")?.parse().ok()?,
            full: root.attribute("state") == Some("full"),
            registrations,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read() {
        let info = RegInfo::parse(
            "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"3\" state=\"partial\">\
             <registration aor=\"sip:a@home\" id=\"r\" state=\"active\"><contact id=\"c\" state=\"terminated\" \
             event=\"deactivated\" expires=\"7\"><uri> sip:x@y;transport=ws </uri></contact></registration></reginfo>",
        )
        .unwrap();
        assert_eq!((info.version, info.full), (3, false));
        let contact = &info.registrations[0].contacts[0];
        assert!(contact.terminated && !info.registrations[0].terminated);
        assert_eq!(contact.uri, "sip:x@y;transport=ws");
        assert_eq!(contact.expires, Some(7));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "<reginfo version='1'/>",
            "<x",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        ] {
            assert_eq!(RegInfo::parse(text), None, "{text}");
        }
    }
}
