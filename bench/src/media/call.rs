//! The two ends of one call: a WIC that does DTLS and SRTP, a phone that does neither.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use core_w3::dtls::{Association, AssociationEvent, Certificate, Dimpl, Fingerprint, Role};
use core_w3::srtp::{Receiver, Sender};
use isthmus_socket::{Batch, Socket};
use wire_stun::{Builder, Class, IntegrityKey, TransactionId};

/// RTP header and 20 ms of G.711.
pub const PACKET: usize = 12 + 160;

/// Both ends.
pub struct Call {
    pub wic: Socket,
    pub phone: Socket,
    /// Where the WIC sends, and where the phone does.
    pub towards: Option<Towards>,
    association: Option<Association>,
    announced: Vec<Fingerprint>,
    pub keys: Option<(Sender, Receiver)>,
    pub profile: &'static str,
    sequence: u16,
}

/// The relay's addresses for this call.
#[derive(Clone)]
pub struct Towards {
    pub w3: SocketAddr,
    pub core: SocketAddr,
    /// `sha-256` of the relay's certificate.
    pub fingerprint: Vec<u8>,
    /// Username and password of connectivity checks, if the relay wants them.
    pub ice: Option<(String, String)>,
}

impl Call {
    pub fn new() -> Result<Self> {
        let bind = || Socket::bind(([127, 0, 0, 1], 0).into(), Some(1 << 20));
        Ok(Self {
            wic: bind()?,
            phone: bind()?,
            towards: None,
            association: None,
            announced: Vec::new(),
            keys: None,
            profile: "",
            sequence: 0,
        })
    }

    /// Connectivity check, if there are to be any. Repeated now and then, as browsers do.
    pub fn check(&mut self) -> Result<()> {
        let Some(Towards {
            w3,
            ice: Some((username, password)),
            ..
        }) = &self.towards
        else {
            return Ok(());
        };
        let mut bytes = [0; 256];
        let length = Builder::new(&mut bytes, Class::Request, TransactionId([7; 12]))
            .username(username)
            .priority(1_845_501_695)
            .ice_controlling(7)
            .use_candidate()
            .integrity(&IntegrityKey::new(password))
            .fingerprint()
            .finish()
            .map_err(|_| anyhow::anyhow!("no room for a check"))?;
        self.wic.send_to(&bytes[..length], *w3)?;
        Ok(())
    }

    /// Runs the handshake to its end.
    pub fn connect(&mut self, certificate: &Certificate) -> Result<()> {
        let towards = self.towards.clone().context("no relay")?;
        let config = Dimpl::config()?;
        let engine = Dimpl::new(Instant::now(), &config, certificate, Role::Client);
        self.announced = vec![Fingerprint {
            algorithm: "sha-256".into(),
            digest: towards.fingerprint.clone(),
        }];
        self.association = Some(Association::new(Box::new(engine), Role::Client));
        self.check()?;
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut batch = Batch::new(8);
        while self.keys.is_none() {
            let now = Instant::now();
            if now > deadline {
                bail!("no DTLS association with {}", towards.w3);
            }
            let Some(association) = &mut self.association else {
                bail!("no association")
            };
            if association.poll_timeout().is_none_or(|due| due <= now) {
                association.handle_timeout(now, &self.announced);
            }
            for slot in batch.receive(&self.wic, 8)? {
                if let Some((_, length, bytes)) = batch.datagram(slot)
                    && bytes[..length]
                        .first()
                        .is_some_and(|first| (20..64).contains(first))
                {
                    association.handle_packet(now, &bytes[..length], &self.announced);
                }
            }
            batch.clear();
            while let Some(event) = association.poll_event() {
                match event {
                    AssociationEvent::Transmit(bytes) => {
                        self.wic.send_to(&bytes, towards.w3)?;
                    }
                    AssociationEvent::Connected(Some(keys)) => {
                        self.profile = keys.profile.name();
                        self.keys = Some((
                            Sender::new(keys.profile, &keys.client),
                            Receiver::new(keys.profile, &keys.server),
                        ));
                    }
                    AssociationEvent::Connected(None) => bail!("no SRTP"),
                    AssociationEvent::Failed(error) => bail!("{error}"),
                    AssociationEvent::Data(_) | AssociationEvent::Closed => {}
                }
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// One packet each way, stamped with the time.
    pub fn send(&mut self, stamp: u64) -> Result<()> {
        let Some(towards) = &self.towards else {
            return Ok(());
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = [0; PACKET + 32];
        packet[..2].copy_from_slice(&[0x80, 8]);
        packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(self.sequence) * 160).to_be_bytes());
        packet[12..20].copy_from_slice(&stamp.to_be_bytes());
        packet[8..12].copy_from_slice(&2u32.to_be_bytes());
        // A full buffer is loss, and counted as such at the other end.
        let _ = self.phone.send_to(&packet[..PACKET], towards.core);
        packet[8..12].copy_from_slice(&1u32.to_be_bytes());
        if let Some((sender, _)) = &mut self.keys {
            let length = sender.protect_rtp(&mut packet, PACKET)?;
            let _ = self.wic.send_to(&packet[..length], towards.w3);
        }
        Ok(())
    }
}
