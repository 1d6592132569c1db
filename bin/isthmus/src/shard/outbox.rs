//! What waits to be written on one WebSocket: a queue of one thread, and of few octets while it is
//! empty. Ten thousand silent clients have one each; a channel made for threads keeps a block of
//! slots for each of them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Notify;

use super::web_socket::ToWebSocket;

/// Messages that wait for a client that does not read; one more and it is cut off.
const MOST: usize = 64;

/// The end that the shard holds. When it goes, the other end reads what is left and then nothing.
pub(super) struct Outbox(Rc<Shared>);

/// The end that the connection's task holds.
pub(super) struct Waiting(Rc<Shared>);

struct Shared {
    queue: RefCell<Queue>,
    changed: Notify,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<ToWebSocket>,
    closed: bool,
}

/// An empty one.
pub(super) fn outbox() -> (Outbox, Waiting) {
    let shared = Rc::new(Shared {
        queue: RefCell::default(),
        changed: Notify::new(),
    });
    (Outbox(Rc::clone(&shared)), Waiting(shared))
}

impl Outbox {
    /// Puts one in; whether there was room.
    #[must_use]
    pub(super) fn put(&self, message: ToWebSocket) -> bool {
        let mut queue = self.0.queue.borrow_mut();
        if queue.closed || queue.messages.len() >= MOST {
            return false;
        }
        queue.messages.push_back(message);
        self.0.changed.notify_one();
        true
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.0.queue.borrow_mut().closed = true;
        self.0.changed.notify_one();
    }
}

impl Waiting {
    /// The next one; nothing when the shard has let go and all is written. Nothing is lost when this
    /// is dropped before it ends.
    pub(super) async fn next(&mut self) -> Option<ToWebSocket> {
        loop {
            {
                let mut queue = self.0.queue.borrow_mut();
                if let Some(message) = queue.messages.pop_front() {
                    if queue.messages.is_empty() {
                        queue.messages = VecDeque::new();
                    }
                    return Some(message);
                }
                if queue.closed {
                    return None;
                }
            }
            self.0.changed.notified().await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut queue = self.0.queue.borrow_mut();
        queue.closed = true;
        queue.messages = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn message(number: u8) -> ToWebSocket {
        ToWebSocket::Send(Bytes::copy_from_slice(&[number]))
    }

    #[tokio::test]
    async fn gives_in_order_and_ends_with_the_shard() {
        let (outbox, mut waiting) = outbox();
        assert!(outbox.put(message(1)));
        assert!(outbox.put(message(2)));
        drop(outbox);
        for wanted in [1, 2] {
            let given = waiting.next().await;
            assert!(matches!(given, Some(ToWebSocket::Send(bytes)) if *bytes == [wanted]));
        }
        assert!(waiting.next().await.is_none());
    }

    #[tokio::test]
    async fn is_bounded_and_refuses_when_nobody_writes() {
        let (outbox, waiting) = outbox();
        assert!((0..64).all(|number| outbox.put(message(number))));
        assert!(!outbox.put(message(64)));
        drop(waiting);
        assert!(!outbox.put(message(65)));
    }

    #[tokio::test]
    async fn wakes_who_waits() {
        let (outbox, mut waiting) = outbox();
        let later = async {
            tokio::task::yield_now().await;
            assert!(outbox.put(message(7)));
        };
        let (given, ()) = tokio::join!(waiting.next(), later);
        assert!(matches!(given, Some(ToWebSocket::Send(_))));
    }
}
