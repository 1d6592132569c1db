//! Our gateway, as `isthmus eims-agw` runs it: steered over Iq, in a process of its own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use anyhow::{Context, Result, bail};
use core_iq::{
    Calling, Command, CoreSettings, Decoder, DtlsRole, Fingerprint, FromGateway, Gate,
    IceCredentials, MediaKind, Reply, RequestId, Reserved, SharedSecret, Step, StreamId,
    StreamSettings, ToGateway, W3Settings, encode,
};
use core_w3::dtls::Certificate;

use super::call::{Call, Towards};
use super::{CALLS, Figures, load};
use crate::process::{self, Process};

const SECRET: &str = "the secret of this benchmark";

/// Starts it, sets the calls up, runs the load.
pub fn measure() -> Result<Figures> {
    let folder = process::folder("eims-agw")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?));
    let admin = process::free_port()?;
    std::fs::write(
        folder.join("eims-agw.toml"),
        format!(
            "[admin]\nlisten = \"127.0.0.1:{admin}\"\n\n\
             [gateway]\nworkers = 1\naddresses = [\"127.0.0.1\"]\n\n\
             [iq]\naddress = \"{address}\"\nsecret = \"{SECRET}\"\ntls = false\n"
        ),
    )?;
    let program = process::isthmus()?;
    let arguments = ["eims-agw", "--config", "eims-agw.toml"];
    let mut process = Process::start(folder, &program, &arguments)?;
    process.wait_for(address)?;
    let mut iq = Iq::connect(address)?;
    let certificate = Certificate::generate()?;
    let mut calls = Vec::with_capacity(CALLS);
    for number in 0..CALLS {
        let mut call = Call::new()?;
        let ice = IceCredentials {
            ufrag: format!("wic{number}"),
            pwd: "aPasswordOfTheWicForAll".into(),
        };
        let mut stream = StreamSettings::new(StreamId(0), MediaKind::Audio);
        stream.w3 = Some(W3Settings {
            remote_ice: Some(ice.clone()),
            remote_fingerprints: Some(vec![Fingerprint {
                algorithm: certificate.fingerprint().algorithm.clone(),
                digest: certificate.fingerprint().digest.clone(),
            }]),
            dtls_role: Some(DtlsRole::Server),
            gate: Some(Gate::OPEN),
        });
        stream.core = Some(CoreSettings {
            remote_rtp: Some(call.phone.local_addr()?),
            remote_rtcp: None,
            gate: Some(Gate::OPEN),
        });
        let reserved = iq.reserve(number as u64, stream)?;
        let local = reserved.streams.first().context("no stream")?;
        call.towards = Some(Towards {
            w3: *local.w3.candidates.first().context("no candidate")?,
            core: local.core.rtp,
            fingerprint: local.w3.fingerprint.digest.clone(),
            ice: Some((
                format!("{}:{}", local.w3.ice.ufrag, ice.ufrag),
                local.w3.ice.pwd.clone(),
            )),
        });
        call.connect(&certificate)?;
        calls.push(call);
    }
    let keeper = iq.keep()?;
    let figures = load::run(process.id(), &mut calls);
    drop(keeper);
    figures
}

/// An eP-CSCF's end of Iq, as small as it can be.
struct Iq {
    stream: TcpStream,
    decoder: Decoder,
}

impl Iq {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut iq = Self {
            stream,
            decoder: Decoder::new(),
        };
        let secret = SharedSecret::new(SECRET.as_bytes())?;
        // Loopback without TLS: the binding is all zeroes. The nonce is no secret here.
        let (mut calling, hello) = Calling::new(secret, [7; 32], &[0; 32]);
        iq.send(&hello)?;
        loop {
            match calling.handle(iq.receive()?)? {
                Step::Send(frame) => iq.send(&frame)?,
                Step::Last(frame) => {
                    iq.send(&frame)?;
                    break;
                }
                Step::Done => break,
            }
        }
        iq.decoder.trust();
        Ok(iq)
    }

    fn reserve(&mut self, id: u64, stream: StreamSettings) -> Result<Reserved> {
        let command = Command::Reserve {
            context: None,
            streams: vec![stream],
        };
        self.send(&ToGateway::Request {
            id: RequestId(id),
            command,
        })?;
        loop {
            if let FromGateway::Reply { result, .. } = self.receive()? {
                match result? {
                    Reply::Reserved(reserved) => return Ok(reserved),
                    other => bail!("{other:?}"),
                }
            }
        }
    }

    /// Keeps the connection alive until what this gives is dropped.
    fn keep(mut self) -> Result<TcpStream> {
        let end = self.stream.try_clone()?;
        std::thread::spawn(move || {
            while self.send(&ToGateway::Ping).is_ok() {
                std::thread::sleep(std::time::Duration::from_secs(5));
            }
        });
        Ok(end)
    }

    fn send(&mut self, frame: &ToGateway) -> Result<()> {
        let mut bytes = Vec::new();
        encode(frame, &mut bytes)?;
        self.stream.write_all(&bytes)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<FromGateway> {
        let mut bytes = [0; 16 * 1024];
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(frame);
            }
            let length = self.stream.read(&mut bytes)?;
            if length == 0 {
                bail!("the gateway hung up");
            }
            self.decoder.push(&bytes[..length]);
        }
    }
}
