//! Any other system: `std`'s sockets, one call a datagram, and a poller that looks once a
//! millisecond. Right, and slow.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::{SLOT, Socket, WAKER};

/// Datagrams on their way through: received into slots, worked on in place, sent from there.
#[derive(Debug)]
pub struct Batch {
    buffers: Box<[u8]>,
    slots: Box<[Slot]>,
    used: usize,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    address: Option<SocketAddr>,
    length: usize,
    departure: Range<usize>,
}

impl Batch {
    /// A batch of that many slots.
    pub fn new(slots: usize) -> Self {
        Self {
            buffers: vec![0; slots * SLOT].into(),
            slots: vec![Slot::default(); slots].into(),
            used: 0,
        }
    }

    /// How many slots there are.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many slots are free.
    pub fn free(&self) -> usize {
        self.capacity() - self.used
    }

    /// Empties all slots.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Receives what is there into the free slots, at most `limit`, and names the slots that were
    /// filled: none when there was nothing.
    pub fn receive(&mut self, socket: &Socket, limit: usize) -> io::Result<Range<usize>> {
        let first = self.used;
        let last = first + self.free().min(limit);
        while self.used < last {
            let start = self.used * SLOT;
            match socket
                .inner
                .recv_from(&mut self.buffers[start..start + SLOT])
            {
                Ok((length, source)) => {
                    self.slots[self.used] = Slot {
                        address: Some(source),
                        // Full to the brim: cut off, most likely, and not one of ours.
                        length: if length < SLOT { length } else { 0 },
                        departure: 0..0,
                    };
                    self.used += 1;
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::Interrupted
                            | io::ErrorKind::ConnectionRefused
                            | io::ErrorKind::ConnectionReset
                    ) =>
                {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(first..self.used)
    }

    /// Whence the datagram in a slot came, how long it is, and the whole room of the slot.
    pub fn datagram(&mut self, slot: usize) -> Option<(SocketAddr, usize, &mut [u8])> {
        let start = slot * SLOT;
        let source = self.slots[slot].address?;
        let length = self.slots[slot].length;
        Some((source, length, &mut self.buffers[start..start + SLOT]))
    }

    /// Says that this part of the slot leaves, and where it goes.
    pub fn depart(&mut self, slot: usize, range: Range<usize>, destination: SocketAddr) {
        self.slots[slot].address = Some(destination);
        self.slots[slot].departure = range;
    }

    /// Sends the slots that were made to depart, in that order, by one socket. Says how many the
    /// system took; what it did not take is lost, as in a full queue on the way.
    pub fn send(&mut self, socket: &Socket, slots: &[usize]) -> usize {
        slots
            .iter()
            .filter(|&&index| {
                let slot = &self.slots[index];
                let start = index * SLOT;
                let part = &self.buffers[start..start + SLOT][slot.departure.clone()];
                slot.address
                    .is_some_and(|destination| socket.inner.send_to(part, destination).is_ok())
            })
            .count()
    }
}

/// Says of every socket once a millisecond that it may have something.
#[derive(Debug)]
pub struct Poller {
    tokens: Mutex<Vec<(SocketAddr, u64)>>,
    woken: Arc<(Mutex<bool>, Condvar)>,
}

/// Ends a [`Poller::wait`] from another thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<(Mutex<bool>, Condvar)>);

impl Poller {
    /// A poller that waits for nothing yet but its waker.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            tokens: Mutex::default(),
            woken: Arc::default(),
        })
    }

    /// A handle that ends [`wait`](Self::wait).
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.woken))
    }

    /// Watches a socket; its readiness is told as `token`.
    pub fn add(&self, socket: &Socket, token: u64) -> io::Result<()> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.push((socket.local_addr()?, token));
        Ok(())
    }

    /// Watches a socket no longer.
    pub fn remove(&self, socket: &Socket) -> io::Result<()> {
        let address = socket.local_addr()?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|(watched, _)| *watched != address);
        Ok(())
    }

    /// Waits until a socket may have something, the waker was used, or the time is over; puts the
    /// tokens into `ready` ([`WAKER`] for the waker).
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
        const LOOK: Duration = Duration::from_millis(1);
        ready.clear();
        let (flag, condition) = &*self.woken;
        let mut woken = flag.lock().unwrap_or_else(PoisonError::into_inner);
        if !*woken {
            let timeout = timeout.map_or(LOOK, |timeout| timeout.min(LOOK));
            woken = condition
                .wait_timeout(woken, timeout)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if std::mem::take(&mut *woken) {
            ready.push(WAKER);
        }
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        ready.extend(tokens.iter().map(|(_, token)| *token));
        Ok(())
    }
}

impl Waker {
    /// Wakes. Never blocks for long; many wakes before the poller looks are one.
    pub fn wake(&self) {
        let (flag, condition) = &*self.0;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        condition.notify_one();
    }
}
