//! RFC 6749, OAuth 2.0: what the WAF does with requests, good and bad.
#![allow(dead_code)] // the door has handles for every document

#[path = "../doors/waf.rs"]
mod door;
mod s2_3_client_authentication;
mod s4_1_1_authorization_request;
mod s4_1_2_authorization_response;
mod s4_1_3_access_token_request;
mod s6_refreshing_an_access_token;
