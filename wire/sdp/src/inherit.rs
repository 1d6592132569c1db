//! What a media description takes from the session level when it does not say it itself.

use crate::attribute::{Attribute, Direction, Fingerprint, IcePwd, IceUfrag};
use crate::{Connection, Malformed, Session};

/// RFC 8839 §5.4 — the user name fragment and password that hold for one media description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IceCredentials<'a> {
    /// `a=ice-ufrag`.
    pub ufrag: &'a str,
    /// `a=ice-pwd`.
    pub pwd: &'a str,
}

impl Session {
    /// RFC 8866 §5.7 — the connection of the m-line, else that of the session.
    pub fn media_connection(&self, index: usize) -> Result<Option<Connection<'_>>, Malformed> {
        match self
            .media(index)
            .map(|m| m.connection())
            .transpose()?
            .flatten()
        {
            Some(connection) => Ok(Some(connection)),
            None => self.section().connection(),
        }
    }

    /// RFC 8866 §6.7 — the direction of the m-line, else that of the session, else `sendrecv`.
    pub fn media_direction(&self, index: usize) -> Direction {
        self.media(index)
            .and_then(|m| m.direction())
            .or_else(|| self.section().direction())
            .unwrap_or(Direction::SendRecv)
    }

    /// RFC 8839 §5.4 — both credentials, each from the m-line or the session.
    pub fn media_ice(&self, index: usize) -> Result<Option<IceCredentials<'_>>, Malformed> {
        let ufrag = self.media_attribute::<IceUfrag<'_>>(index)?;
        let pwd = self.media_attribute::<IcePwd<'_>>(index)?;
        Ok(ufrag.zip(pwd).map(|(ufrag, pwd)| IceCredentials {
            ufrag: ufrag.0,
            pwd: pwd.0,
        }))
    }

    /// RFC 8122 §5 — the fingerprints of the m-line; those of the session when it has none.
    pub fn media_fingerprints(&self, index: usize) -> Result<Vec<Fingerprint<'_>>, Malformed> {
        let own: Vec<_> = match self.media(index) {
            Some(media) => media.section().attributes().collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        if own.is_empty() {
            self.section().attributes().collect()
        } else {
            Ok(own)
        }
    }

    /// An attribute that may stand at either level: that of the m-line, else that of the session.
    pub fn media_attribute<'a, A: Attribute<'a>>(
        &'a self,
        index: usize,
    ) -> Result<Option<A>, Malformed> {
        match self
            .media(index)
            .map(|m| m.section().attribute())
            .transpose()?
            .flatten()
        {
            Some(attribute) => Ok(Some(attribute)),
            None => self.section().attribute(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Setup;

    const TEXT: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=recvonly\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n\
        a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP6 2001:db8::1\r\na=sendonly\r\na=ice-ufrag:efgh\r\na=setup:active\r\n";

    #[test]
    fn the_session_level_fills_what_an_m_line_leaves_out() {
        let s = Session::parse(TEXT.as_bytes()).expect("valid");
        assert_eq!(
            s.media_connection(0)
                .expect("valid")
                .expect("inherited")
                .address,
            "192.0.2.1"
        );
        assert_eq!(
            s.media_connection(1).expect("valid").expect("own").address,
            "2001:db8::1"
        );
        assert_eq!(s.media_direction(0), Direction::RecvOnly);
        assert_eq!(s.media_direction(1), Direction::SendOnly);
        assert_eq!(
            s.media_ice(0).expect("valid").expect("inherited").ufrag,
            "abcd"
        );
        let ice = s.media_ice(1).expect("valid").expect("mixed");
        assert_eq!((ice.ufrag, ice.pwd), ("efgh", "0123456789012345678901"));
        assert_eq!(s.media_fingerprints(1).expect("valid").len(), 1);
        assert_eq!(s.media_attribute::<Setup>(0), Ok(Some(Setup::ActPass)));
        assert_eq!(s.media_attribute::<Setup>(1), Ok(Some(Setup::Active)));
    }
}
