//! SIP Digest and IMS-AKA over WebSocket (TS 24.371 §6.4.1.2, §6.4.1.3): the core challenges, we say how
//! the answer came.

use core_sip::Transport;
use wire_sip::{HeaderName, Message};

use super::mechanism::{Came, Mechanism, Shown};
use super::{NotRegistered, Registering};
use crate::EpCscf;
use crate::binding::Proof;

impl EpCscf {
    /// TS 33.203 §P.3 — writes `integrity-protected`, which only we may write, and leaves the rest of
    /// the credentials as they came.
    pub(super) fn prepare_digest(
        &self,
        transport: Transport,
        shown: Shown,
        message: &mut Message,
        registering: &mut Registering,
    ) -> Result<(), NotRegistered> {
        registering.proof = match shown.mechanism {
            Mechanism::Aka => Proof::Aka,
            Mechanism::Digest | Mechanism::Bearer => Proof::Digest,
        };
        // TS 24.229 §5.2.2: without credentials the private identity follows from the public one.
        registering.impi = derived(&registering.identity);
        if !shown.readable {
            return Err(NotRegistered::Malformed);
        }
        // One answer to one challenge. Of what else a WIC might write there, nothing may say in the
        // core's eyes how the request came.
        let Some(mut credentials) = shown.digest else {
            message.remove(HeaderName::Authorization);
            return Ok(());
        };
        credentials.params.remove("integrity-protected");
        credentials.params.remove("authorization-entity");
        if let Some(user) = credentials.get("username") {
            registering.impi = user;
        }
        let came = Came {
            over_tls: transport.is_secure(),
            association: self.association_stands(registering),
            responds: credentials
                .get("response")
                .is_some_and(|response| !response.is_empty()),
        };
        if let Some(says) = shown
            .mechanism
            .integrity_protected(came, self.config.integrity_protected)
        {
            let quoted = format!("\"{says}\"");
            credentials.params.set("integrity-protected", Some(&quoted));
        }
        message.set(HeaderName::Authorization, credentials);
        Ok(())
    }

    /// TS 24.371 §6.4.1.2 — the association of this very connection with this private identity, made
    /// by a 200 before, and by the same mechanism: who showed a token has answered no challenge.
    fn association_stands(&self, registering: &Registering) -> bool {
        let bound = self
            .flows
            .get(&registering.connection)
            .and_then(|flow| flow.binding);
        bound
            .and_then(|id| self.bindings.get(id))
            .is_some_and(|binding| {
                let same = std::mem::discriminant(&binding.proof)
                    == std::mem::discriminant(&registering.proof);
                same && binding.impi == registering.impi
            })
    }
}

/// `sip:user@host` without its scheme and parameters.
fn derived(identity: &str) -> String {
    let bare = identity.split_once(':').map_or(identity, |(_, rest)| rest);
    bare.split([';', '?']).next().unwrap_or(bare).to_owned()
}
