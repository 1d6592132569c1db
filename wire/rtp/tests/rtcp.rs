//! RTCP packets as they come from browsers and phones.

use wire_rtp::rtcp::{
    Compound, FirEntry, NackEntry, Packet, write_bye, write_fir, write_nack, write_pli,
    write_receiver_report,
};

/// A sender report with one block, a CNAME, a BYE with a reason.
const COMPOUND: &[u8] = &[
    0x81, 200, 0, 12, 0, 0, 0, 7, 0xe0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0x1f, 0x40, 0, 0, 0, 50, 0,
    0, 0x1f, 0x40, 0, 0, 0, 9, 0x40, 0xff, 0xff, 0xfe, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0,
    5, // sender report
    0x81, 202, 0, 3, 0, 0, 0, 7, 1, 4, b'a', b'@', b'b', b'c', 0, 0, // source description
    0x81, 203, 0, 2, 0, 0, 0, 7, 3, b'b', b'y', b'e', // bye
];

#[test]
fn a_compound_is_read_packet_by_packet() {
    let compound = Compound::parse(COMPOUND).unwrap();
    let packets: Vec<_> = compound.packets().collect();
    let [
        Packet::SenderReport(report),
        Packet::SourceDescription(description),
        Packet::Bye(bye),
    ] = packets.as_slice()
    else {
        panic!("{packets:?}");
    };
    assert_eq!(report.ssrc, 7);
    assert_eq!(report.info.ntp, 0xe000_0001_8000_0000);
    assert_eq!(report.info.packets, 50);
    let block = report.blocks().next().unwrap();
    assert_eq!((block.ssrc, block.fraction_lost), (9, 0x40));
    assert_eq!(block.cumulative_lost, -2);
    assert_eq!(block.highest_sequence, 0x0001_0002);
    let chunk = description.chunks().next().unwrap();
    assert_eq!((chunk.ssrc, chunk.cname), (7, Some(&b"a@bc"[..])));
    assert!(bye.sources().eq([7]));
    assert_eq!(bye.reason, Some(&b"bye"[..]));
}

#[test]
fn what_ends_early_or_pads_in_the_middle_is_malformed() {
    for length in 1..COMPOUND.len() {
        let whole = matches!(length, 52 | 68);
        assert_eq!(Compound::parse(&COMPOUND[..length]).is_ok(), whole);
    }
    assert!(Compound::parse(&[]).is_err());
    let mut padded = COMPOUND.to_vec();
    padded[0] |= 0x20;
    assert!(Compound::parse(&padded).is_err());
}

#[test]
fn what_is_written_is_read_again() {
    let mut bytes = [0; 128];
    let mut length = write_receiver_report(&mut bytes, 1).unwrap();
    length += write_pli(&mut bytes[length..], 1, 2).unwrap();
    let fir = [FirEntry {
        ssrc: 3,
        sequence: 4,
    }];
    length += write_fir(&mut bytes[length..], 1, &fir).unwrap();
    let nack = [NackEntry {
        packet: 65535,
        following: 0b101,
    }];
    length += write_nack(&mut bytes[length..], 1, 2, &nack).unwrap();
    length += write_bye(&mut bytes[length..], &[1, 2]).unwrap();

    let compound = Compound::parse(&bytes[..length]).unwrap();
    let packets: Vec<_> = compound.packets().collect();
    let [
        Packet::ReceiverReport(report),
        Packet::PayloadFeedback(pli),
        Packet::PayloadFeedback(full_intra),
        Packet::TransportFeedback(negative),
        Packet::Bye(bye),
    ] = packets.as_slice()
    else {
        panic!("{packets:?}");
    };
    assert_eq!(report.ssrc, 1);
    assert!(pli.is_pli() && pli.media == 2 && pli.fir().is_none());
    assert!(full_intra.fir().unwrap().eq(fir));
    let missing = negative.nack().unwrap().flat_map(NackEntry::sequences);
    assert!(missing.eq([65535, 0, 2]));
    assert!(bye.sources().eq([1, 2]));
}

#[test]
fn what_does_not_fit_is_not_written() {
    assert_eq!(write_pli(&mut [0; 11], 1, 2), None);
    assert_eq!(write_receiver_report(&mut [], 1), None);
    assert_eq!(write_bye(&mut [0; 512], &[0; 32]), None);
}
