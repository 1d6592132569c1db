//! What the core's side gets that sends no SIP, too much of it, or too often (RFC 3261 §8.2.6, §18.3,
//! §21.4.1, §21.5.7): at Mw, and at the laboratory's core.

mod process;

use std::time::Duration;

use process::sip::{Datagrams, Stream, options, status};
use process::{Folder, Process, figure, get};

/// Something that speaks SIP with the core's side, where, and what its figures begin with.
struct Door {
    process: Process,
    address: String,
    figures: &'static str,
}

impl Door {
    fn both(folder: &Folder, more: &str) -> [Self; 2] {
        let core = format!("[lab_core]\nlisten = \"127.0.0.1:0\"\n{more}\n");
        let core = Process::alone(folder, "lab-core", &core);
        let more = more.replace("requests_per_second", "mw_requests_per_second");
        let edge = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n\
             [epcscf]\nmw_listen = \"127.0.0.1:0\"\nshards = 2\n{more}\n"
        );
        let edge = Process::alone(folder, "epcscf", &edge);
        [(core, "sip", "lab_core"), (edge, "mw", "mw")].map(|(process, field, figures)| Self {
            address: process.logged(field),
            process,
            figures,
        })
    }

    fn figure(&self, name: &str) -> u64 {
        let metrics = get(&self.process.logged("admin"), "/metrics").1;
        figure(&metrics, &format!("isthmus_{}_{name}", self.figures))
    }
}

#[tokio::test]
async fn a_malformed_datagram_gets_400_or_nothing_and_is_counted() {
    let folder = Folder::new();
    for door in Door::both(&folder, "") {
        let peer = Datagrams::from("127.0.0.1", &door.address).await;
        let broken = options("UDP", "a", "").replace("Max-Forwards: 70", "Max-Forwards: many");
        peer.send(&broken).await;
        let answer = peer
            .receive(Duration::from_secs(20))
            .await
            .expect("an answer");
        assert_eq!(status(&answer), 400, "{answer}");
        for line in [
            "branch=z9hG4bKa",
            "rport=",
            "received=127.0.0.1",
            "Call-ID: a",
            ">;tag=",
        ] {
            assert!(answer.contains(line), "{line} in {answer}");
        }
        // Nobody is told what it cannot be matched with; an ACK and a response get nothing ever.
        let ack = broken.replace("OPTIONS", "ACK");
        let response = broken.replace(
            &format!("OPTIONS sip:{} SIP/2.0", process::HOME),
            "SIP/2.0 2",
        );
        for silent in ["this is no SIP\r\n\r\n", &ack, &response] {
            peer.send(silent).await;
        }
        let long = options("UDP", "b", &format!("Subject: {}\r\n", "x".repeat(20_000)));
        assert_eq!(peer.ask(&long).await, 513);
        assert_eq!(peer.ask(&options("UDP", "c", "")).await, 200);
        assert_eq!(door.figure("malformed_total"), 5);
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_what_is_wrong_while_its_end_is_certain() {
    let folder = Folder::new();
    for door in Door::both(&folder, "") {
        let mut peer = Stream::open(&door.address).await;
        let broken = options("TCP", "a", "").replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE");
        assert_eq!(peer.ask(&broken).await, Some(400));
        let wrong = options("TCP", "b", "").replace("<sip:core", "\"<sip:core");
        assert_eq!(peer.ask(&wrong).await, Some(400));
        let long = options("TCP", "c", "").replace("Length: 0", "Length: 66000");
        peer.send(&long).await;
        peer.send(&"x".repeat(66_000)).await;
        let answer = peer.receive().await.expect("an answer");
        assert_eq!(status(&answer), 513, "{answer}");
        assert!(answer.contains("Call-ID: c\r\n"), "{answer}");
        assert_eq!(peer.ask(&options("TCP", "d", "")).await, Some(200));
    }
}

#[tokio::test]
async fn a_stream_whose_next_message_nobody_finds_is_closed_and_no_other() {
    let folder = Folder::new();
    for door in Door::both(&folder, "") {
        let mut other = Stream::open(&door.address).await;
        assert_eq!(other.ask(&options("TCP", "o1", "")).await, Some(200));
        let good = options("TCP", "a", "");
        let no_length = good.replace("Content-Length: 0\r\n", "");
        let two_lengths = good.replace("Length: 0", "Length: 0\r\nl: 5");
        let endless = good.replace("Length: 0", "Length: 4000000000");
        for (broken, answer) in [(&no_length, 400), (&two_lengths, 400), (&endless, 513)] {
            let mut peer = Stream::open(&door.address).await;
            assert_eq!(peer.ask(&format!("{broken}{good}")).await, Some(answer));
            assert_eq!(peer.receive().await, None, "closed after {answer}");
        }
        // What cannot be answered either: another protocol; and header fields without an end.
        let mut http = Stream::open(&door.address).await;
        http.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            .await;
        assert_eq!(http.receive().await, None);
        let mut endless = Stream::open(&door.address).await;
        endless.send(&"x".repeat(100_000)).await;
        assert_eq!(endless.receive().await, None);
        // Garbage whose end is certain is borne for a while.
        let mut garbage = Stream::open(&door.address).await;
        let wrong = good.replace("CSeq: 1 OPTIONS", "CSeq: one");
        garbage.send(&wrong.repeat(20)).await;
        assert_eq!(garbage.receive().await, None);
        assert_eq!(other.ask(&options("TCP", "o2", "")).await, Some(200));
        assert!(door.figure("malformed_total") >= 8);
    }
}

#[tokio::test]
async fn a_flood_of_one_address_is_cut_and_harms_no_other() {
    let folder = Folder::new();
    for door in Door::both(&folder, "requests_per_second = 20") {
        let flood = Datagrams::from("127.0.0.1", &door.address).await;
        for number in 0..500 {
            flood.send(&options("UDP", &format!("f{number}"), "")).await;
        }
        let calm = Datagrams::from("127.0.0.2", &door.address).await;
        assert_eq!(calm.ask(&options("UDP", "c", "")).await, 200);
        let mut answered = 0;
        while flood.receive(Duration::from_millis(300)).await.is_some() {
            answered += 1;
        }
        // Two seconds' worth at once, and what its time allows.
        assert!((30..200).contains(&answered), "{answered} were answered");
        assert!(door.figure("flooded_total") > 300);
        // A stream of that address is read no faster, and loses nothing.
        let mut stream = Stream::open(&door.address).await;
        for number in 0..10 {
            let ask = options("TCP", &format!("s{number}"), "");
            assert_eq!(stream.ask(&ask).await, Some(200));
        }
    }
}
