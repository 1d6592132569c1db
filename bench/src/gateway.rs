//! Our gateway, as `isthmus eims-agw` runs it, in a process of its own, and Iq to it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use anyhow::{Result, bail};
use core_iq::{
    Calling, Command, ContextId, Decoder, FromGateway, Reply, RequestId, Reserved, SharedSecret,
    Step, StreamSettings, ToGateway, encode,
};

use crate::process::{self, Process};

const SECRET: &str = "the secret of this benchmark";

/// Starts it with one media worker.
pub fn start() -> Result<(Process, Iq)> {
    let folder = process::folder("eims-agw")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?));
    let admin = process::free_port()?;
    std::fs::write(
        folder.join("eims-agw.toml"),
        format!(
            "[admin]\nlisten = \"127.0.0.1:{admin}\"\n\n\
             [gateway]\nworkers = 1\naddresses = [\"127.0.0.1\"]\nmax_contexts = 20000\n\n\
             [iq]\naddress = \"{address}\"\nsecret = \"{SECRET}\"\ntls = false\n"
        ),
    )?;
    let program = process::isthmus()?;
    let arguments = ["eims-agw", "--config", "eims-agw.toml"];
    let mut process = Process::start(folder, &program, &arguments)?;
    process.wait_for(address)?;
    Ok((process, Iq::connect(address)?))
}

/// An eP-CSCF's end of Iq, as small as it can be.
pub struct Iq {
    stream: TcpStream,
    decoder: Decoder,
    requests: u64,
}

impl Iq {
    /// Connects and shows the secret.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut iq = Self {
            stream,
            decoder: Decoder::new(),
            requests: 0,
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

    /// A new Context with one stream.
    pub fn reserve(&mut self, stream: StreamSettings) -> Result<Reserved> {
        self.reserve_all(vec![stream])
    }

    /// A new Context with these.
    pub fn reserve_all(&mut self, streams: Vec<StreamSettings>) -> Result<Reserved> {
        let context = None;
        let reply = self.ask(Command::Reserve { context, streams })?;
        match reply {
            Reply::Reserved(reserved) => Ok(reserved),
            other => bail!("{other:?}"),
        }
    }

    /// More of a stream.
    pub fn configure(&mut self, context: ContextId, stream: StreamSettings) -> Result<()> {
        let streams = vec![stream];
        self.ask(Command::Configure { context, streams })?;
        Ok(())
    }

    fn ask(&mut self, command: Command) -> Result<Reply> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.send(&ToGateway::Request { id, command })?;
        loop {
            if let FromGateway::Reply { result, .. } = self.receive()? {
                return Ok(result?);
            }
        }
    }

    /// Keeps the connection alive until what this gives is dropped.
    pub fn keep(mut self) -> Result<TcpStream> {
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
