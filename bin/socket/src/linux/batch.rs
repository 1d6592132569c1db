use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::AsRawFd;

use super::address::Name;
use crate::{SLOT, Socket};

/// Datagrams on their way through: received into slots, worked on in place, sent from there.
pub struct Batch {
    buffers: Box<[u8]>,
    names: Box<[Name]>,
    name_lengths: Box<[libc::socklen_t]>,
    lengths: Box<[usize]>,
    departures: Box<[Range<usize>]>,
    headers: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    used: usize,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("slots", &self.capacity())
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

impl Batch {
    /// A batch of that many slots.
    pub fn new(slots: usize) -> Self {
        // SAFETY: `mmsghdr` and `iovec` are plain C structures of integers and pointers; all zeroes
        // is a value (no name, no vectors, no control data).
        let (header, vector) = unsafe {
            (
                std::mem::zeroed::<libc::mmsghdr>(),
                std::mem::zeroed::<libc::iovec>(),
            )
        };
        Self {
            buffers: vec![0; slots * SLOT].into(),
            names: vec![Name::empty(); slots].into(),
            name_lengths: vec![0; slots].into(),
            lengths: vec![0; slots].into(),
            departures: vec![0..0; slots].into(),
            headers: vec![header; slots].into(),
            vectors: vec![vector; slots].into(),
            used: 0,
        }
    }

    /// How many slots there are.
    pub fn capacity(&self) -> usize {
        self.lengths.len()
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
        let count = self.free().min(limit);
        if count == 0 {
            return Ok(first..first);
        }
        if count == 1 {
            return self.receive_one(socket);
        }
        for slot in first..first + count {
            self.prepare(slot);
        }
        // SAFETY: the `count` headers from `first` on were just pointed at their slot's own name, vector
        // and buffer, which live in boxes of `self` that do not move during the call; no two
        // slots overlap; the descriptor is open as long as `socket` is borrowed.
        let received = unsafe {
            libc::recvmmsg(
                socket.inner.as_raw_fd(),
                self.headers[first..].as_mut_ptr(),
                count as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        if received < 0 {
            return nothing_or(io::Error::last_os_error(), first);
        }
        let end = first + received as usize;
        for slot in first..end {
            let header = &self.headers[slot];
            // A datagram that did not fit is not one of ours; it is seen as empty.
            self.lengths[slot] = if header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0 {
                (header.msg_len as usize).min(SLOT)
            } else {
                0
            };
            self.departures[slot] = 0..0;
        }
        self.used = end;
        Ok(first..end)
    }

    /// The shorter way for a single one, the rule on ports towards the core.
    fn receive_one(&mut self, socket: &Socket) -> io::Result<Range<usize>> {
        let slot = self.used;
        let start = slot * SLOT;
        let buffer = &mut self.buffers[start..start + SLOT];
        let mut length = Name::SIZE;
        self.names[slot] = Name::empty();
        // SAFETY: buffer and name are borrowed for the call and as long as is said; the descriptor
        // is open as long as `socket` is borrowed.
        let received = unsafe {
            libc::recvfrom(
                socket.inner.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                SLOT,
                libc::MSG_DONTWAIT | libc::MSG_TRUNC,
                (&raw mut self.names[slot]).cast(),
                &raw mut length,
            )
        };
        if received < 0 {
            return nothing_or(io::Error::last_os_error(), slot);
        }
        let received = received as usize;
        // With MSG_TRUNC its real length is told: one that did not fit is seen as empty.
        self.lengths[slot] = if received <= SLOT { received } else { 0 };
        self.departures[slot] = 0..0;
        self.used += 1;
        Ok(slot..slot + 1)
    }

    /// Points a slot's header at the slot.
    fn prepare(&mut self, slot: usize) {
        let start = slot * SLOT;
        self.vectors[slot] = libc::iovec {
            iov_base: self.buffers[start..start + SLOT].as_mut_ptr().cast(),
            iov_len: SLOT,
        };
        let header = &mut self.headers[slot].msg_hdr;
        header.msg_name = (&raw mut self.names[slot]).cast();
        header.msg_namelen = Name::SIZE;
        header.msg_iov = &raw mut self.vectors[slot];
        header.msg_iovlen = 1;
        header.msg_control = std::ptr::null_mut();
        header.msg_controllen = 0;
        header.msg_flags = 0;
    }

    /// Whence the datagram in a slot came, how long it is, and the whole room of the slot.
    pub fn datagram(&mut self, slot: usize) -> Option<(SocketAddr, usize, &mut [u8])> {
        let source = self.names[slot].get()?;
        let start = slot * SLOT;
        Some((
            source,
            self.lengths[slot],
            &mut self.buffers[start..start + SLOT],
        ))
    }

    /// Says that this part of the slot leaves, and where it goes.
    pub fn depart(&mut self, slot: usize, range: Range<usize>, destination: SocketAddr) {
        self.name_lengths[slot] = self.names[slot].set(destination);
        self.departures[slot] = range;
    }

    /// Sends the slots that were made to depart, in that order, by one socket. Says how many the
    /// system took; what it did not take is lost, as in a full queue on the way.
    pub fn send(&mut self, socket: &Socket, slots: &[usize]) -> usize {
        let mut sent = 0;
        for chunk in slots.chunks(self.capacity().max(1)) {
            sent += self.send_chunk(socket, chunk);
        }
        sent
    }

    fn send_chunk(&mut self, socket: &Socket, slots: &[usize]) -> usize {
        // A single one, the rule towards the core, has a shorter way.
        if let [slot] = slots {
            let part = self.part(*slot);
            let length = self.name_lengths[*slot];
            // SAFETY: `part` and the name are borrowed for the call; `depart` wrote `length` bytes
            // of name, which is no more than the name's size.
            let taken = unsafe {
                libc::sendto(
                    socket.inner.as_raw_fd(),
                    part.as_ptr().cast(),
                    part.len(),
                    libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                    (&raw const self.names[*slot]).cast(),
                    length,
                )
            };
            return usize::from(taken >= 0);
        }
        let mut headers = [const { EMPTY }; CHUNK];
        let mut sent = 0;
        for group in slots.chunks(CHUNK) {
            for (header, &slot) in headers.iter_mut().zip(group) {
                let part = self.part(slot);
                let (base, length) = (part.as_ptr(), part.len());
                self.vectors[slot] = libc::iovec {
                    iov_base: base.cast_mut().cast(),
                    iov_len: length,
                };
                header.msg_hdr.msg_name = (&raw mut self.names[slot]).cast();
                header.msg_hdr.msg_namelen = self.name_lengths[slot];
                header.msg_hdr.msg_iov = &raw mut self.vectors[slot];
                header.msg_hdr.msg_iovlen = 1;
            }
            let mut rest = &mut headers[..group.len()];
            while !rest.is_empty() {
                // SAFETY: each header points at the name, vector and buffer part of its slot, all
                // in boxes of `self` that do not move during the call; the kernel only reads them.
                let taken = unsafe {
                    libc::sendmmsg(
                        socket.inner.as_raw_fd(),
                        rest.as_mut_ptr(),
                        rest.len() as libc::c_uint,
                        (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
                    )
                };
                // An error belongs to the first datagram (an unreachable peer): skip that one.
                let (step, won) = if taken > 0 {
                    (taken as usize, taken as usize)
                } else {
                    (1, 0)
                };
                sent += won;
                rest = &mut rest[step..];
            }
        }
        sent
    }

    fn part(&self, slot: usize) -> &[u8] {
        let start = slot * SLOT;
        &self.buffers[start..start + SLOT][self.departures[slot].clone()]
    }
}

/// Nothing to receive is no error; nor that a datagram sent earlier was refused at the far end.
fn nothing_or(error: io::Error, first: usize) -> io::Result<Range<usize>> {
    match error.kind() {
        io::ErrorKind::WouldBlock
        | io::ErrorKind::Interrupted
        | io::ErrorKind::ConnectionRefused => Ok(first..first),
        _ => Err(error),
    }
}

/// Datagrams a `sendmmsg`.
const CHUNK: usize = 64;

const EMPTY: libc::mmsghdr = libc::mmsghdr {
    // SAFETY: plain C structure; all zeroes is a value.
    msg_hdr: unsafe { std::mem::zeroed() },
    msg_len: 0,
};

// SAFETY: the raw pointers in `headers` and `vectors` are only followed during a call that wrote
// them first, and they point into boxes that the batch itself owns.
unsafe impl Send for Batch {}
