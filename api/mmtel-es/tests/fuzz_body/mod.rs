//! What the property test and the fuzz target both run: any bytes, read as any body.

use api_mmtel_es::call_control::ImsSession;
use api_mmtel_es::dc_app_call::{
    DcCallReq, DcCallResp, DcMediaNotifyReq, DcMediaNotifyResp, DcMediaUpdateReq, DcMediaUpdateResp,
};
use api_mmtel_es::dc_app_management::{
    DcAppConfigReq, DcAppConfigResp, DcAppIdReq, DcAppIdResp, DcAppStatResp, DcAppUpdateReq,
};
use api_mmtel_es::ims_session::ImsSessionEventNotification;
use api_mmtel_es::patch::Patch;
use api_mmtel_es::{Attribute, MAX_FAULTS, ProblemDetails, read, write};
use serde_json::Value;

/// Reads `data` as every type that is a body.
///
/// # Panics
/// When a reader breaks a promise: what it takes it takes again from what we write of it, and what it
/// refuses has a problem to answer with.
pub(crate) fn fuzz(data: &[u8]) {
    body::<DcAppConfigReq>(data);
    body::<DcAppConfigResp>(data);
    body::<DcAppUpdateReq>(data);
    body::<DcAppStatResp>(data);
    body::<DcAppIdReq>(data);
    body::<DcAppIdResp>(data);
    body::<DcCallReq>(data);
    body::<DcCallResp>(data);
    body::<DcMediaUpdateReq>(data);
    body::<DcMediaUpdateResp>(data);
    body::<DcMediaNotifyReq>(data);
    body::<DcMediaNotifyResp>(data);
    body::<ImsSession>(data);
    body::<ImsSessionEventNotification>(data);
    body::<Patch>(data);
    body::<ProblemDetails>(data);
}

fn body<T: Attribute>(data: &[u8]) {
    match read::<T>(data) {
        Ok(first) => {
            let again = read::<T>(&write(&first)).expect("what we write can be read");
            let [first, again] = [&first, &again].map(|read| read.write().unwrap_or_default());
            assert!(same(&first, &again), "{first} and {again}");
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            let problem = ProblemDetails::from(&faults);
            assert_eq!(problem.status(), 400);
            let named = problem.invalid_params.as_ref().map_or(0, Vec::len);
            assert!(named <= MAX_FAULTS);
            assert!(problem.cause.is_some() && problem.detail.is_some());
            read::<ProblemDetails>(&write(&problem)).expect("a problem can be read");
        }
    }
}

/// Whether two values are the same. Numbers with a fraction may differ in their last digit.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (
                a.as_f64().unwrap_or_default(),
                b.as_f64().unwrap_or_default(),
            );
            (a - b).abs() <= a.abs() * 1e-15 + f64::MIN_POSITIVE
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let equal = |(name, a)| b.get(name).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(equal)
        }
        (a, b) => a == b,
    }
}
