//! SIP Digest over WebSocket (TS 24.371 §6.4.1.2): the core challenges, we say how it came.

use core_sip::Transport;
use wire_sip::header::Authorization;
use wire_sip::{HeaderName, Message};

use super::{NotRegistered, Registering};
use crate::binding::Proof;
use crate::{EpCscf, IntegrityProtected};

impl EpCscf {
    /// Writes `integrity-protected` by what is known of the flow (TS 24.229 §7.2A.2):
    ///
    /// | over | association stands | challenge response | says |
    /// | --- | --- | --- | --- |
    /// | TLS | yes | – | `tls-yes` |
    /// | TLS | no | yes | `tls-pending` |
    /// | TLS | no | no | nothing |
    /// | TLS, AKAv2-SHA-256 | – | – | `tls-connected` |
    /// | – | yes | – | `ip-assoc-yes` |
    /// | – | no | yes | `ip-assoc-pending` |
    pub(super) fn prepare_digest(
        &self,
        transport: Transport,
        message: &mut Message,
        registering: &mut Registering,
    ) -> Result<(), NotRegistered> {
        registering.proof = Proof::Digest;
        // TS 24.229 §5.2.2: without credentials the private identity follows from the public one.
        registering.impi = derived(&registering.identity);
        let authorization = message.typed::<Authorization>();
        let Some(Authorization(mut credentials)) =
            authorization.map_err(|_| NotRegistered::Malformed)?
        else {
            return Ok(());
        };
        if !credentials.is("Digest") {
            return Ok(());
        }
        // TS 33.203 §P.3: what the WIC says of itself does not count.
        credentials.params.remove("integrity-protected");
        if let Some(user) = credentials.get("username") {
            registering.impi = user;
        }
        let responds = credentials
            .get("response")
            .is_some_and(|response| !response.is_empty());
        let aka = credentials
            .get("algorithm")
            .is_some_and(|algorithm| algorithm.eq_ignore_ascii_case("AKAv2-SHA-256"));
        let stands = self.association_stands(registering);
        let says = match (transport.is_secure(), stands, responds) {
            (true, _, _) if aka => Some("tls-connected"),
            (true, true, _) => match self.config.integrity_protected {
                IntegrityProtected::TlsYes => Some("tls-yes"),
                IntegrityProtected::TlsProtected => Some("tls-protected"),
            },
            (true, false, true) => Some("tls-pending"),
            (false, true, _) => Some("ip-assoc-yes"),
            (false, false, true) => Some("ip-assoc-pending"),
            (_, false, false) => None,
        };
        if let Some(says) = says {
            let quoted = format!("\"{says}\"");
            credentials.params.set("integrity-protected", Some(&quoted));
        }
        message.set(HeaderName::Authorization, credentials);
        Ok(())
    }

    /// TS 24.371 §6.4.1.2 — the association of this very connection with this private identity,
    /// made by a 200 before.
    fn association_stands(&self, registering: &Registering) -> bool {
        let bound = self
            .flows
            .get(&registering.connection)
            .and_then(|flow| flow.binding);
        let binding = bound.and_then(|id| self.bindings.get(id));
        binding.is_some_and(|binding| binding.impi == registering.impi)
    }
}

/// `sip:user@host` without its scheme and parameters.
fn derived(identity: &str) -> String {
    let bare = identity.split_once(':').map_or(identity, |(_, rest)| rest);
    bare.split([';', '?']).next().unwrap_or(bare).to_owned()
}
