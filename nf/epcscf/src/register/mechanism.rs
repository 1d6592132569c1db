//! How a WIC proves who it is, and what the core is told of that (TS 33.203 annex P, TS 24.371 §6.4.1.1).

use core_credentials::bearer::{Presented, presented};
use wire_sip::header::{Authorization, Challenge};
use wire_sip::{HeaderName, Message, TypedHeader as _};

use crate::IntegrityProtected;

/// Whose procedures a REGISTER goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// A token, which we judge ourselves: scenarios 2 and 3 (TS 24.371 §6.4.2, §6.4.3).
    Bearer,
    /// IMS-AKA over the TLS connection that stands already (TS 24.371 §6.4.1.3).
    Aka,
    /// SIP Digest with TLS (TS 24.371 §6.4.1.2); also whatever says nothing of itself.
    Digest,
}

/// What a REGISTER came with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    /// Over TLS, or over a bare WebSocket as in a laboratory.
    pub(super) over_tls: bool,
    /// A 200 before this one has bound this connection to this private identity by this mechanism.
    pub(super) association: bool,
    /// With a response to a challenge.
    pub(super) responds: bool,
}

/// One line of the table; `None` is whatever it may be.
struct Row {
    mechanism: Mechanism,
    over_tls: Option<bool>,
    association: Option<bool>,
    responds: Option<bool>,
    says: Option<&'static str>,
}

/// TS 33.203 §P.3 with TS 24.229 §7.2A.2 and TS 24.371 §6.4.1.2, §6.4.1.3, §6.4.2: the first row that
/// fits says what `integrity-protected` becomes.
const TABLE: &[Row] = {
    use Mechanism::{Aka, Bearer, Digest};
    const fn row(
        mechanism: Mechanism,
        over_tls: Option<bool>,
        association: Option<bool>,
        responds: Option<bool>,
        says: Option<&'static str>,
    ) -> Row {
        Row {
            mechanism,
            over_tls,
            association,
            responds,
            says,
        }
    }
    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);
    &[
        //  mechanism TLS   assoc. resp. says
        row(Bearer, None, None, None, Some("auth-done")),
        row(Aka, YES, None, None, Some("tls-connected")),
        row(Digest, YES, YES, None, Some("tls-yes")),
        row(Digest, YES, NO, YES, Some("tls-pending")),
        row(Digest, YES, NO, NO, None),
        row(Aka, NO, None, None, None),
        row(Digest, NO, YES, None, Some("ip-assoc-yes")),
        row(Digest, NO, NO, YES, Some("ip-assoc-pending")),
        row(Digest, NO, NO, NO, None),
    ]
};

impl Mechanism {
    /// What the core is told; `None`: nothing.
    pub(super) fn integrity_protected(
        self,
        came: Came,
        spelling: IntegrityProtected,
    ) -> Option<&'static str> {
        let fits = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        let row = TABLE.iter().find(|row| {
            row.mechanism == self
                && fits(row.over_tls, came.over_tls)
                && fits(row.association, came.association)
                && fits(row.responds, came.responds)
        })?;
        match (row.says, spelling) {
            (Some("tls-yes"), IntegrityProtected::TlsProtected) => Some("tls-protected"),
            (says, _) => says,
        }
    }
}

/// What the Authorization lines of a REGISTER show, each read once.
pub(super) struct Shown {
    pub(super) mechanism: Mechanism,
    /// The first credentials of the Digest scheme, where no token goes before them.
    pub(super) digest: Option<Challenge>,
    /// Whether every line can be read; a token's is judged elsewhere.
    pub(super) readable: bool,
    /// An AKA that we do not let in: nobody is to bid it down.
    pub(super) weaker: bool,
}

impl Shown {
    /// TS 33.203 §P.3 — by what the request shows. A token goes first, which that annex does not know;
    /// an AKA that is not over TLS is for the core to refuse. TS 24.371 §6.4.1.3 knows AKAv2-SHA-256 alone.
    pub(super) fn of(message: &Message, akav1: bool) -> Self {
        let lines = || message.lines(HeaderName::Authorization);
        let mut shown = Self {
            mechanism: Mechanism::Bearer,
            digest: None,
            readable: true,
            weaker: false,
        };
        if lines().any(|line| !matches!(presented(line), Presented::OtherScheme)) {
            return shown;
        }
        for line in lines() {
            match Authorization::parse(line) {
                Ok(Authorization(credentials)) if credentials.is("Digest") => {
                    shown.digest.get_or_insert(credentials);
                }
                Ok(_) => {}
                Err(_) => shown.readable = false,
            }
        }
        let algorithm = shown.digest.as_ref().and_then(|it| it.get("algorithm"));
        let algorithm = algorithm.as_deref();
        shown.mechanism = match algorithm {
            Some(name) if name.eq_ignore_ascii_case("AKAv2-SHA-256") => Mechanism::Aka,
            Some(name) if akav1 && name.eq_ignore_ascii_case("AKAv1-MD5") => Mechanism::Aka,
            _ => Mechanism::Digest,
        };
        let of_aka = |name: &str| {
            name.get(..4)
                .is_some_and(|it| it.eq_ignore_ascii_case("AKAv"))
        };
        shown.weaker = shown.mechanism == Mechanism::Digest && algorithm.is_some_and(of_aka);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(Mechanism, [bool; 3], Option<&str>)] = {
        use Mechanism::{Aka, Bearer, Digest};
        // over TLS, association, responds
        &[
            (Bearer, [true, false, false], Some("auth-done")),
            (Bearer, [true, true, false], Some("auth-done")),
            (Bearer, [false, false, false], Some("auth-done")),
            (Aka, [true, false, false], Some("tls-connected")),
            (Aka, [true, false, true], Some("tls-connected")),
            (Aka, [true, true, true], Some("tls-connected")),
            (Digest, [true, true, false], Some("tls-yes")),
            (Digest, [true, true, true], Some("tls-yes")),
            (Digest, [true, false, true], Some("tls-pending")),
            (Digest, [true, false, false], None),
            (Aka, [false, false, true], None),
            (Digest, [false, true, true], Some("ip-assoc-yes")),
            (Digest, [false, false, true], Some("ip-assoc-pending")),
            (Digest, [false, false, false], None),
        ]
    };

    fn says(
        mechanism: Mechanism,
        [over_tls, association, responds]: [bool; 3],
    ) -> Option<&'static str> {
        let came = Came {
            over_tls,
            association,
            responds,
        };
        mechanism.integrity_protected(came, IntegrityProtected::TlsYes)
    }

    fn row(number: usize) {
        let Row {
            mechanism,
            over_tls,
            association,
            responds,
            says: expected,
        } = &TABLE[number];
        let fits = |wanted: &Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        let of_row: Vec<_> = CASES
            .iter()
            .filter(|(of, [tls, stands, answers], _)| {
                of == mechanism
                    && fits(over_tls, *tls)
                    && fits(association, *stands)
                    && fits(responds, *answers)
            })
            .collect();
        assert!(!of_row.is_empty(), "row {number} has no case");
        for (mechanism, came, wanted) in of_row {
            assert_eq!(says(*mechanism, *came), *wanted, "{mechanism:?} {came:?}");
            assert_eq!(wanted, expected, "{mechanism:?} {came:?}");
        }
    }

    #[test]
    fn row_0_a_token_is_judged_here() {
        row(0);
    }

    #[test]
    fn row_1_aka_is_connected_by_tls() {
        row(1);
    }

    #[test]
    fn row_2_a_tls_association_stands() {
        row(2);
    }

    #[test]
    fn row_3_a_response_comes_before_the_association() {
        row(3);
    }

    #[test]
    fn row_4_nothing_is_known_yet() {
        row(4);
    }

    #[test]
    fn row_5_aka_without_tls_is_not_vouched_for() {
        row(5);
    }

    #[test]
    fn row_6_an_address_is_associated() {
        row(6);
    }

    #[test]
    fn row_7_a_response_without_tls() {
        row(7);
    }

    #[test]
    fn row_8_nothing_without_tls() {
        row(8);
        assert_eq!(TABLE.len(), 9, "a test a row");
    }

    #[test]
    fn an_operator_may_spell_it_as_the_old_text_does() {
        let came = Came {
            over_tls: true,
            association: true,
            responds: false,
        };
        let spelled = Mechanism::Digest.integrity_protected(came, IntegrityProtected::TlsProtected);
        assert_eq!(spelled, Some("tls-protected"));
    }

    #[test]
    fn the_request_shows_its_mechanism() {
        let of = |lines: &str, akav1| {
            let text = format!(
                "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/WSS h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
                 To: <sip:a@x>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n{lines}\r\n"
            );
            let shown = Shown::of(&Message::parse(text.into()).unwrap(), akav1);
            (!shown.weaker).then_some(shown.mechanism)
        };
        let digest = |algorithm: &str| {
            format!("Authorization: Digest username=\"a\", realm=\"x\", algorithm={algorithm}\r\n")
        };
        assert_eq!(of("", false), Some(Mechanism::Digest));
        assert_eq!(of(&digest("MD5"), false), Some(Mechanism::Digest));
        assert_eq!(of(&digest("akav2-sha-256"), false), Some(Mechanism::Aka));
        assert_eq!(of(&digest("AKAv1-MD5"), false), None);
        assert_eq!(of(&digest("AKAv2-MD5"), true), None);
        assert_eq!(of(&digest("aka"), false), Some(Mechanism::Digest));
        assert_eq!(of(&digest("AKAv1-MD5"), true), Some(Mechanism::Aka));
        let token = "Authorization: Bearer abc\r\n";
        assert_eq!(of(token, false), Some(Mechanism::Bearer));
        assert_eq!(
            of(&format!("{}{token}", digest("MD5")), false),
            Some(Mechanism::Bearer)
        );
        assert_eq!(
            of("Authorization: Other x=y\r\n", false),
            Some(Mechanism::Digest)
        );
    }
}
