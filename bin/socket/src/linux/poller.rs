use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::{Socket, WAKER};

/// Waits for many sockets at once (`epoll`, level-triggered).
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
    event: Arc<File>,
}

/// Ends a [`Poller::wait`] from another thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<File>);

impl Poller {
    /// A poller that waits for nothing yet but its waker.
    pub fn new() -> io::Result<Self> {
        // SAFETY: plain calls that give a new descriptor or -1, which is checked before it is owned.
        let (epoll, event) = unsafe {
            let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            if epoll < 0 {
                return Err(io::Error::last_os_error());
            }
            let epoll = OwnedFd::from_raw_fd(epoll);
            let event = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if event < 0 {
                return Err(io::Error::last_os_error());
            }
            (epoll, File::from_raw_fd(event))
        };
        let poller = Self {
            epoll,
            event: Arc::new(event),
        };
        poller.control(libc::EPOLL_CTL_ADD, poller.event.as_raw_fd(), WAKER)?;
        Ok(poller)
    }

    /// A handle that ends [`wait`](Self::wait).
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.event))
    }

    /// Watches a socket; its readiness is told as `token`.
    pub fn add(&self, socket: &Socket, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket.inner.as_raw_fd(), token)
    }

    /// Watches a socket no longer. Dropping a socket does the same.
    pub fn remove(&self, socket: &Socket) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, socket.inner.as_raw_fd(), 0)
    }

    /// Waits until a socket has something, the waker was used, or the time is over; puts the tokens
    /// into `ready` ([`WAKER`] for the waker).
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
        const EVENTS: usize = 256;
        ready.clear();
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        // Rounded up, so that a timer is due when we are back.
        let timeout = timeout.map_or(-1, |timeout| {
            timeout.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32
        });
        // SAFETY: `events` has room for the number that is given; the descriptor is ours.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                events.as_mut_ptr(),
                EVENTS as i32,
                timeout,
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            };
        }
        for event in &events[..count as usize] {
            let token = event.u64;
            if token == WAKER {
                // Reset; the value says how often it was woken, which nobody asks.
                let _ = (&*self.event).read(&mut [0; 8]);
            }
            ready.push(token);
        }
        Ok(())
    }

    fn control(&self, operation: i32, descriptor: i32, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: both descriptors are open for the length of the call; the event is on our stack.
        let result = unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                operation,
                descriptor,
                &raw mut event,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Waker {
    /// Wakes. Never blocks; many wakes before the poller looks are one.
    pub fn wake(&self) {
        // It can only fail when the counter is full, and then the poller wakes anyway.
        let _ = (&*self.0).write(&1u64.to_ne_bytes());
    }
}
