//! A bad network between two real sockets: a UDP relay that loses, delays, reorders and doubles
//! (in per cent and milliseconds).
//!
//! ```text
//! udp-relay --listen 127.0.0.2:40000 --to 127.0.0.1:40000 --loss 2 --delay 20 --jitter 10
//! ```
//!
//! Every client gets a socket of its own towards the target, as behind a NAT, so that answers find
//! their way back. Both ways suffer alike. It prints one line when it is ready and one when it
//! ends, which it does when its standard input is closed: it never outlives the test that began it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr)] // it speaks to the test by printing

use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testbed::Dice;

/// A client more than this is one too many for a test.
const MOST_CLIENTS: usize = 256;

struct Weather {
    /// Of a thousand datagrams, as are the next two.
    loss: u16,
    duplicate: u16,
    reorder: u16,
    delay: Duration,
    jitter: Duration,
}

struct Options {
    listen: SocketAddr,
    to: SocketAddr,
    weather: Weather,
    seed: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = match options(&words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("udp-relay: {why}");
            return ExitCode::from(2);
        }
    };
    match relay(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("udp-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(words: &[String]) -> Result<Options, String> {
    let mut given: HashMap<&str, &str> = HashMap::new();
    for pair in words.chunks(2) {
        let [name, value] = pair else {
            return Err(format!("«{}» has no value", pair[0]));
        };
        given.insert(name, value);
    }
    let mut take = |name: &'static str| given.remove(name);
    let address = |name, value: Option<&str>| -> Result<SocketAddr, String> {
        value
            .ok_or(format!("{name} ADDRESS:PORT is missing"))?
            .parse()
            .map_err(|_| format!("{name} is no ADDRESS:PORT"))
    };
    let number = |name, value: Option<&str>| -> Result<f64, String> {
        value.map_or(Ok(0.0), |value| {
            value.parse().map_err(|_| format!("{name} is no number"))
        })
    };
    let options = Options {
        listen: address("--listen", take("--listen"))?,
        to: address("--to", take("--to"))?,
        weather: Weather {
            loss: (number("--loss", take("--loss"))? * 10.0) as u16,
            duplicate: (number("--duplicate", take("--duplicate"))? * 10.0) as u16,
            reorder: (number("--reorder", take("--reorder"))? * 10.0) as u16,
            delay: Duration::from_secs_f64(number("--delay", take("--delay"))? / 1e3),
            jitter: Duration::from_secs_f64(number("--jitter", take("--jitter"))? / 1e3),
        },
        seed: number("--seed", take("--seed"))? as u64,
    };
    given.keys().next().map_or(Ok(options), |unknown| {
        Err(format!("«{unknown}» is no option"))
    })
}

/// A datagram on its way: the client it belongs to, and the direction.
struct Datagram {
    client: SocketAddr,
    to_target: bool,
    bytes: Vec<u8>,
}

fn relay(options: &Options) -> std::io::Result<()> {
    let front = UdpSocket::bind(options.listen)?;
    front.set_nonblocking(true)?;
    println!("relaying {} to {}", front.local_addr()?, options.to);
    let ended = watch_stdin();
    let mut dice = Dice::new(options.seed);
    let mut backs: HashMap<SocketAddr, UdpSocket> = HashMap::new();
    let mut under_way: BTreeMap<(Instant, u64), Datagram> = BTreeMap::new();
    let (mut serial, mut lost) = (0_u64, 0_u64);
    let mut buffer = [0; 2048];
    while !ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        let mut arrived = Vec::new();
        while let Some((length, client)) = receive(&front, &mut buffer)? {
            if !backs.contains_key(&client) && backs.len() < MOST_CLIENTS {
                let back = UdpSocket::bind((options.listen.ip(), 0))?;
                back.connect(options.to)?;
                back.set_nonblocking(true)?;
                backs.insert(client, back);
            }
            arrived.push(Datagram {
                client,
                to_target: true,
                bytes: buffer[..length].to_vec(),
            });
        }
        for (client, back) in &backs {
            while let Some((length, _)) = receive(back, &mut buffer)? {
                let bytes = buffer[..length].to_vec();
                arrived.push(Datagram {
                    client: *client,
                    to_target: false,
                    bytes,
                });
            }
        }
        for datagram in arrived {
            let weather = &options.weather;
            if dice.chance(weather.loss) {
                lost += 1;
                continue;
            }
            let copies = 1 + usize::from(dice.chance(weather.duplicate));
            for _ in 0..copies {
                let mut due = now + weather.delay + dice.up_to(weather.jitter);
                if dice.chance(weather.reorder) {
                    due += Duration::from_millis(5);
                }
                serial += 1;
                let bytes = datagram.bytes.clone();
                under_way.insert((due, serial), Datagram { bytes, ..datagram });
            }
        }
        while let Some(entry) = under_way.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let datagram = entry.remove();
            // A target that is not there (any more) is the network's business, not ours.
            let _ = if datagram.to_target {
                backs
                    .get(&datagram.client)
                    .map(|back| back.send(&datagram.bytes))
            } else {
                Some(front.send_to(&datagram.bytes, datagram.client))
            };
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    println!("relayed {serial}, lost {lost}");
    Ok(())
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> std::io::Result<Option<(usize, SocketAddr)>> {
    match socket.recv_from(buffer) {
        Ok(received) => Ok(Some(received)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Becomes true when whoever began us closes our standard input, or is gone.
fn watch_stdin() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    std::thread::spawn(move || {
        let mut sink = [0; 64];
        while std::io::stdin()
            .read(&mut sink)
            .is_ok_and(|length| length > 0)
        {}
        flag.store(true, Ordering::Relaxed);
    });
    ended
}
