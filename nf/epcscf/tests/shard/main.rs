//! One shard between a WIC, a core and a gateway, all of them scripted, on virtual time.
#![expect(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod announce;
mod bearer;
mod bindings;
mod bootstrap;
mod calls;
mod changes;
mod digest;
mod forks;
mod introspection;
mod offers;
mod pool;
mod promise;
mod properties;
mod races;
mod reconnection;
mod reg_event;
mod registration;
mod security;
mod silence;
mod storm;
mod support;
mod third_party;
mod timers;
mod two_wics;
mod w2;
