//! What functions need that run apart: ports that are known before, and subscribers that the core knows.

use std::net::{TcpListener, UdpSocket};

use super::{Folder, HOME};

/// A port that was free a moment ago, UDP and TCP: two functions may have to know each other's before they start.
pub(crate) fn free_port() -> u16 {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let port = udp.local_addr().expect("it is bound").port();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Writes `people.toml`: subscribers by name and telephone number, each with the password `of NAME`.
pub(crate) fn people(folder: &Folder, people: &[(&str, &str)]) {
    let people = people.iter().map(|(name, number)| {
        format!(
            "[[subscriber]]\nname = \"{name}\"\npassword = \"of {name}\"\nimpi = \"{name}@{HOME}\"\n\
             impus = [\"sip:{name}@{HOME}\", \"tel:{number}\"]\n\n"
        )
    });
    folder.write("people.toml", &people.collect::<String>());
}
