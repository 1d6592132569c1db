//! The last deliveries, to be shown.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use nf_mmtel_es::Answer;
use serde_json::{Value, json};

/// So many are remembered.
const KEPT: usize = 100;
/// Of a longer text the beginning is shown.
const SHOWN: usize = 1024;

/// One try to deliver a notification.
struct Delivery {
    number: u64,
    /// Seconds since 1970.
    at: u64,
    target: String,
    outcome: String,
    body: Option<String>,
}

/// The last of them.
pub(in crate::mes) struct Deliveries {
    /// Whether their texts are kept: they say what people do.
    texts: bool,
    last: Mutex<VecDeque<Delivery>>,
}

impl Deliveries {
    pub(in crate::mes) fn new(texts: bool) -> Self {
        Self {
            texts,
            last: Mutex::default(),
        }
    }

    /// Remembers one, and what came of it.
    pub(in crate::mes) fn add(
        &self,
        number: u64,
        at: u64,
        target: &str,
        body: &Bytes,
        came: &Answer,
    ) {
        let outcome = match came {
            Answer::None => "no answer".to_owned(),
            Answer::Response { status, .. } => status.to_string(),
        };
        let body = self.texts.then(|| {
            let mut text = String::from_utf8_lossy(body).into_owned();
            if text.len() > SHOWN {
                let end = (0..=SHOWN).rev().find(|at| text.is_char_boundary(*at));
                text.truncate(end.unwrap_or(0));
                text.push('…');
            }
            text
        });
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(Delivery {
            number,
            at,
            target: target.to_owned(),
            outcome,
            body,
        });
    }

    /// All of them, the last one first.
    pub(super) fn shown(&self) -> Vec<Value> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = last.iter().rev().map(|one| {
            json!({
                "number": one.number,
                "at": one.at,
                "target": one.target,
                "outcome": one.outcome,
                "body": one.body,
            })
        });
        shown.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_and_long_texts_are_cut() {
        let deliveries = Deliveries::new(true);
        let long = Bytes::from("é".repeat(1000));
        for number in 0..150 {
            deliveries.add(number, 7, "http://a/", &long, &Answer::None);
        }
        let shown = deliveries.shown();
        assert_eq!(shown.len(), KEPT);
        assert_eq!(
            (&shown[0]["number"], &shown[99]["number"]),
            (&149.into(), &50.into())
        );
        assert_eq!(shown[0]["outcome"], "no answer");
        let body = shown[0]["body"].as_str().unwrap();
        assert!(body.ends_with("é…") && body.len() < SHOWN + 8, "{body}");
        let quiet = Deliveries::new(false);
        quiet.add(1, 7, "http://a/", &long, &Answer::None);
        assert_eq!(quiet.shown()[0]["body"], Value::Null);
    }
}
