//! The words of a line, both ways, and the bytes of a file.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Map, Value};

/// How large the messages of a file are.
pub const MESSAGE: usize = 16 * 1024;

/// What is to be done.
pub struct Order(Value);

impl Order {
    /// A line, and the number of the peer that is meant.
    pub fn parse(line: &str) -> Result<(u64, Self)> {
        let value: Value = serde_json::from_str(line)?;
        let peer = value["peer"].as_u64().context("no number of a peer")?;
        Ok((peer, Self(value)))
    }

    /// The verb.
    pub fn what(&self) -> &str {
        self.word("do")
    }

    /// A word of it, empty when it is not there.
    pub fn word(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// How many bytes.
    pub fn size(&self) -> u64 {
        self.0["size"].as_u64().unwrap_or_default()
    }

    /// What is to be sent, and whether it is binary.
    pub fn message(&self) -> Result<(bool, Vec<u8>)> {
        if let Some(text) = self.0["text"].as_str() {
            return Ok((false, text.as_bytes().to_vec()));
        }
        Ok((true, unhex(self.word("hex"))?))
    }
}

/// One of the peers of this process.
#[derive(Clone, Copy)]
pub struct Teller(pub u64);

impl Teller {
    /// Something happened.
    pub fn tell(self, event: &str, more: &[(&str, Value)]) {
        let mut line = Map::new();
        line.insert("peer".into(), self.0.into());
        line.insert("event".into(), event.into());
        for (name, value) in more {
            line.insert((*name).into(), value.clone());
        }
        let mut out = std::io::stdout().lock();
        // Who does not listen any more is gone, and this process with it soon.
        let _ = writeln!(out, "{}", Value::Object(line));
        let _ = out.flush();
    }

    pub fn failed(self, reason: impl std::fmt::Display) {
        self.tell("failed", &[("reason", reason.to_string().into())]);
    }

    /// A message that is no part of a file.
    pub fn message(self, label: &str, binary: bool, data: &[u8]) {
        let (event, name, text) = if binary {
            ("binary", "hex", hex(data))
        } else {
            ("text", "text", String::from_utf8_lossy(data).into_owned())
        };
        self.tell(event, &[("label", label.into()), (name, text.into())]);
    }
}

/// The bytes of a file, message by message: those that every peer makes alike, or (of a flood) always the same.
pub struct Content {
    left: u64,
    state: Option<u32>,
    message: Vec<u8>,
}

impl Content {
    pub fn new(label: &str, size: u64) -> Self {
        Self {
            left: size,
            state: (!is_flood(label)).then_some(size as u32),
            message: vec![0; MESSAGE],
        }
    }

    /// The next message, until there is no more.
    pub fn next(&mut self) -> Option<&[u8]> {
        let length = self.left.min(MESSAGE as u64);
        self.left -= length;
        self.message.truncate(length as usize);
        if let Some(state) = &mut self.state {
            for byte in &mut self.message {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (*state >> 24) as u8;
            }
        }
        (length > 0).then_some(&self.message)
    }
}

/// A flood is a file that nobody looks at: it is measured, not compared.
pub fn is_flood(label: &str) -> bool {
    label.starts_with("file flood")
}

/// A file on its way in or out.
pub struct File {
    size: u64,
    digest: Option<Context>,
    begun: Instant,
}

impl File {
    pub fn new(label: &str) -> Self {
        Self {
            size: 0,
            digest: (!is_flood(label)).then(|| Context::new(&SHA256)),
            begun: Instant::now(),
        }
    }

    pub fn add(&mut self, part: &[u8]) {
        self.size += part.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(part);
        }
    }

    /// `file` at who takes it, `sent` at who gives it.
    pub fn tell(self, teller: Teller, event: &str, label: &str) {
        let mut more = vec![
            ("label", label.into()),
            ("size", self.size.into()),
            ("seconds", self.begun.elapsed().as_secs_f64().into()),
        ];
        if let Some(digest) = self.digest {
            more.push(("sha256", hex(digest.finish().as_ref()).into()));
        }
        teller.tell(event, &more);
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect()
}
