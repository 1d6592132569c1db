use std::net::SocketAddr;

/// What a description says of a transport, and how that is changed by a restart of ICE.
pub(crate) trait Described {
    /// The socket that our next description names.
    fn described(&self) -> SocketAddr;

    /// Whether we are the DTLS client, once that is settled. It stays so while the association does
    /// (RFC 8842 §5.3).
    fn role(&self) -> Option<bool>;

    /// Name and password for ICE.
    fn credentials(&mut self) -> (String, String);

    /// The value of `a=fingerprint`.
    fn fingerprint(&mut self) -> String;

    /// RFC 8445 §9 — our next offer names another socket and other credentials. Until the peer agrees
    /// everything goes on as it was.
    fn prepare_restart(&mut self, local: SocketAddr, credentials: (String, String));

    /// The peer did not agree; the socket that is not needed.
    fn abandon_restart(&mut self) -> Option<SocketAddr>;
}
