//! TS 24.371 §6.4.2 — the core is told whose WAF and WWSF are behind a registration, when they are not
//! the operator's own.

use core_credentials::token::Entities;
use nf_epcscf::{Issuer, ThirdPartyForm};
use wire_sip::{HeaderName, Message};

use super::bearer::{ISSUER, Waf, with_token};
use super::support::*;

fn told(form: ThirdPartyForm, waf: Option<&str>, wwsfs: &[&str], client: &str) -> Message {
    let mut bench = Bench::with(|config| {
        config.third_party_form = form;
        config.issuers.push(Issuer {
            issuer: ISSUER.into(),
            third_party: waf.map(str::to_owned),
            third_party_wwsfs: wwsfs.iter().map(|one| (*one).to_owned()).collect(),
            ..Issuer::default()
        });
    });
    let token = Waf::new(&mut bench).token(300, |claims| {
        claims.client_id = client.into();
        claims.waf = Some("whatever-it-says.example".into());
    });
    let mut request = with_token(1, &token);
    request.set_body(
        Some(Entities::CONTENT_TYPE),
        "eyJhbGciOiJub25lIn0.e30.".as_bytes().to_vec(),
    );
    bench.wic_says(&request);
    bench.at_core()
}

fn entities(request: &Message) -> Option<(Option<String>, Option<String>)> {
    if request.body().is_empty() {
        assert_eq!(request.content_type(), None);
        return None;
    }
    assert_eq!(request.content_type(), Some("application/jwt"));
    let length = request.header(HeaderName::ContentLength).unwrap();
    assert_eq!(length, request.body().len().to_string());
    let entities = Entities::from_jwt(request.body()).expect("a JWT without signature");
    Some((entities.waf, entities.wwsf))
}

#[test]
fn the_operators_own_are_not_named() {
    let request = told(ThirdPartyForm::Jwt, None, &[], "wwsf");
    assert_eq!(entities(&request), None, "nor does a WIC's own body pass");
}

#[test]
fn a_third_partys_waf_is_named_as_it_is_known_here() {
    let request = told(ThirdPartyForm::Jwt, Some("waf.other.example"), &[], "wwsf");
    let waf = Some("waf.other.example".to_owned());
    assert_eq!(entities(&request), Some((waf, None)));
}

#[test]
fn a_third_partys_wwsf_is_named() {
    let wwsf = Some("shop".to_owned());
    for named in ["shop", "*"] {
        let request = told(ThirdPartyForm::Jwt, None, &["news", named], "shop");
        assert_eq!(entities(&request), Some((None, wwsf.clone())));
    }
    let request = told(ThirdPartyForm::Jwt, None, &["news"], "shop");
    assert_eq!(entities(&request), None);
}

#[test]
fn both_are_in_the_same_jwt() {
    let request = told(ThirdPartyForm::Jwt, Some("waf.x"), &["*"], "shop");
    let both = (Some("waf.x".to_owned()), Some("shop".to_owned()));
    assert_eq!(entities(&request), Some(both));
    let token: Vec<&[u8]> = request.body().split(|byte| *byte == b'.').collect();
    // {"alg":"none"}, and no signature.
    assert_eq!(token[0], b"eyJhbGciOiJub25lIn0");
    assert_eq!(token[2], b"");
}

/// TS 24.371 V12.3 §6.4.2.
#[test]
fn an_older_core_reads_a_parameter() {
    let request = told(ThirdPartyForm::Parameter, Some("waf.x"), &["*"], "shop");
    assert_eq!(entities(&request), None);
    let says = request.header(HeaderName::Authorization).unwrap();
    assert!(says.ends_with("integrity-protected=\"auth-done\", authorization-entity=\"waf.x\""));
    let request = told(ThirdPartyForm::Parameter, None, &["*"], "shop");
    let says = request.header(HeaderName::Authorization).unwrap();
    assert!(!says.contains("authorization-entity"));
}
