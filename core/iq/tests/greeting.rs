//! Two ends that know the secret find each other; nobody else gets in.
#![allow(missing_docs, clippy::unwrap_used)]

use core_iq::{
    Called, Calling, FromGateway, GreetingError, SharedSecret, Step, ToGateway, VERSION,
};

const SECRET: &[u8] = b"correct horse battery";

fn secret(text: &[u8]) -> SharedSecret {
    SharedSecret::new(text).unwrap()
}

/// Runs a greeting and says how each end sees it.
fn greet(
    calling: (&[u8], &[u8]),
    called: (&[u8], &[u8]),
) -> (Result<(), GreetingError>, Option<Result<(), GreetingError>>) {
    let (mut caller, hello) = Calling::new(secret(calling.0), [1; 32], calling.1);
    let mut callee = Called::new(secret(called.0), [2; 32], called.1);
    let Ok(Step::Send(challenge)) = callee.handle(&hello) else {
        panic!("a hello is answered with a challenge");
    };
    let proof = match caller.handle(challenge) {
        Ok(Step::Send(proof)) => proof,
        Ok(other) => panic!("not a proof: {other:?}"),
        Err(error) => return (Err(error), None),
    };
    match callee.handle(&proof) {
        Ok(Step::Last(welcome)) => {
            assert_eq!(caller.handle(welcome), Ok(Step::Done));
            (Ok(()), Some(Ok(())))
        }
        Ok(other) => panic!("not a welcome: {other:?}"),
        Err(error) => (Ok(()), Some(Err(error))),
    }
}

#[test]
fn the_same_secret_on_the_same_connection_is_welcome() {
    assert_eq!(
        greet((SECRET, b"tls"), (SECRET, b"tls")),
        (Ok(()), Some(Ok(())))
    );
    assert_eq!(greet((SECRET, b""), (SECRET, b"")), (Ok(()), Some(Ok(()))));
}

#[test]
fn a_false_gateway_is_found_out_before_anything_is_proved_to_it() {
    let wrong = Err(GreetingError::WrongProof);
    assert_eq!(
        greet((SECRET, b""), (b"another long secret", b"")),
        (wrong, None)
    );
}

#[test]
fn somebody_in_the_middle_of_tls_is_found_out() {
    let wrong = Err(GreetingError::WrongProof);
    assert_eq!(greet((SECRET, b"one"), (SECRET, b"two")), (wrong, None));
}

#[test]
fn a_caller_without_the_secret_is_refused() {
    let mut callee = Called::new(secret(SECRET), [2; 32], b"");
    let (_, hello) = Calling::new(secret(SECRET), [1; 32], b"");
    let Ok(Step::Send(FromGateway::Challenge { proof, .. })) = callee.handle(&hello) else {
        panic!("a hello is answered with a challenge");
    };
    // Handing the gateway's own proof back is no proof.
    assert_eq!(
        callee.handle(&ToGateway::Proof { proof }),
        Err(GreetingError::WrongProof)
    );
    // One try a connection.
    assert_eq!(callee.handle(&hello), Err(GreetingError::OutOfTurn));
}

#[test]
fn another_version_and_words_out_of_turn_are_refused() {
    let mut callee = Called::new(secret(SECRET), [2; 32], b"");
    let hello = ToGateway::Hello {
        version: VERSION + 1,
        nonce: [0; 32],
    };
    assert_eq!(
        callee.handle(&hello),
        Err(GreetingError::Version(VERSION + 1))
    );
    let mut callee = Called::new(secret(SECRET), [2; 32], b"");
    assert_eq!(
        callee.handle(&ToGateway::Ping),
        Err(GreetingError::OutOfTurn)
    );
    let (mut caller, _) = Calling::new(secret(SECRET), [1; 32], b"");
    assert_eq!(
        caller.handle(FromGateway::Welcome),
        Err(GreetingError::OutOfTurn)
    );
    let (mut caller, _) = Calling::new(secret(SECRET), [1; 32], b"");
    let reason = "another release".to_owned();
    assert_eq!(
        caller.handle(FromGateway::Rejected {
            reason: reason.clone()
        }),
        Err(GreetingError::Rejected(reason))
    );
    assert!(SharedSecret::new(b"short").is_err());
}
