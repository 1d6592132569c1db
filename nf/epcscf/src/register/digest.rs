//! SIP Digest over WebSocket (TS 24.371 §6.4.1.2): the core challenges, we say how it came.

use core_sip::Transport;
use wire_sip::{HeaderName, Message, scan};

use super::Registering;
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
    /// | – | yes | – | `ip-assoc-yes` |
    /// | – | no | yes | `ip-assoc-pending` |
    pub(super) fn prepare_digest(
        &self,
        transport: Transport,
        message: &mut Message,
        registering: &mut Registering,
    ) {
        registering.proof = Proof::Digest;
        let Some(value) = message.header(HeaderName::Authorization) else {
            return;
        };
        let value = scan::unfold(value).into_owned();
        let params = value.trim_start().strip_prefix("Digest").unwrap_or(&value);
        let mut kept: Vec<&str> = Vec::new();
        let mut responds = false;
        for param in scan::split_commas(params) {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                // TS 33.203 §P.3: what the WIC says of itself does not count.
                "integrity-protected" => continue,
                "response" => responds = !scan::unquote(value.trim()).is_empty(),
                "username" => registering.impi = scan::unquote(value.trim()).into_owned(),
                _ => {}
            }
            kept.push(param);
        }
        let stands = self.association_stands(registering);
        let says = match (transport.is_secure(), stands, responds) {
            (true, true, _) => match self.config.integrity_protected {
                IntegrityProtected::TlsYes => Some("tls-yes"),
                IntegrityProtected::TlsProtected => Some("tls-protected"),
            },
            (true, false, true) => Some("tls-pending"),
            (false, true, _) => Some("ip-assoc-yes"),
            (false, false, true) => Some("ip-assoc-pending"),
            (_, false, false) => None,
        };
        let mut value = format!("Digest {}", kept.join(", "));
        if let Some(says) = says {
            value.push_str(", integrity-protected=\"");
            value.push_str(says);
            value.push('"');
        }
        message.set(HeaderName::Authorization, value);
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
