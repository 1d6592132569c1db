//! Typed headers: one file a header, or a table where many have one shape.
//!
//! | file | headers | shape |
//! | --- | --- | --- |
//! | [`addresses`] | From, To, Route, Record-Route, Path, Service-Route, P-*-Identity .. | name-addr with parameters |
//! | [`numbers`] | Max-Forwards, Expires, RSeq, Content-Length .. | a number |
//! | [`tokens`] | Require, Supported, Allow, Privacy .. | one token of a list |
//! | [`parameterised`] | Event, Session-Expires, Reason, P-Charging-Vector .. | a word and parameters |
//! | [`texts`] | Subject, Server, User-Agent .. | any text |
//! | the rest | Via, Contact, CSeq, RAck, Content-Type, Authorization and challenges, Replaces | their own |

pub mod addresses;
mod auth;
mod contact;
mod content_type;
mod cseq;
mod date;
pub mod numbers;
pub mod parameterised;
mod rack;
mod replaces;
pub mod texts;
pub mod tokens;
mod via;
mod warning;

pub use addresses::{
    From, HistoryInfo, PAssertedIdentity, PAssociatedUri, PCalledPartyId, PPreferredIdentity,
    PServedUser, Path, RecordRoute, ReferTo, ReferredBy, ReplyTo, Route, ServiceRoute, To,
};
pub use auth::{Authorization, Challenge, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate};
pub use contact::Contact;
pub use content_type::ContentType;
pub use cseq::CSeq;
pub use date::Date;
pub use numbers::{ContentLength, Expires, FlowTimer, MaxBreadth, MaxForwards, MinExpires, RSeq};
pub use parameterised::{
    Accept, AcceptContact, AcceptEncoding, AcceptLanguage, AlertInfo, AuthenticationInfo, CallInfo,
    ContentDisposition, ErrorInfo, Event, FeatureCaps, Geolocation, InfoPackage, MinSe,
    PAccessNetworkInfo, PChargingFunctionAddresses, PChargingVector, PVisitedNetworkId, Reason,
    RecvInfo, RejectContact, RetryAfter, SecurityClient, SecurityServer, SecurityVerify,
    SessionExpires, SubscriptionState, TargetDialog, Timestamp,
};
pub use rack::RAck;
pub use replaces::{Join, Replaces};
pub use texts::{CallId, Organization, Server, SessionId, Subject, UserAgent, UserToUser};
pub use tokens::{
    AcceptResourcePriority, Allow, AllowEvents, ContentEncoding, ContentLanguage, InReplyTo,
    MimeVersion, PAssertedService, PEarlyMedia, PPreferredService, Priority, Privacy, ProxyRequire,
    RequestDisposition, Require, ResourcePriority, SipEtag, SipIfMatch, Supported, Unsupported,
};
pub use via::Via;
pub use warning::Warning;

use crate::HeaderName;

/// A header value as a type.
pub trait TypedHeader: Sized {
    /// Its field.
    const NAME: HeaderName;
    /// May one line hold several, separated by commas?
    const LIST: bool = false;

    /// One value, unfolded or not; `Err` names the rule that was broken.
    fn parse(value: &str) -> Result<Self, &'static str>;
}
