//! Parsing allocates nothing, and neither do the look-ups that every element makes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use wire_sip::{HeaderName, Message};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// An allocator can only be counted by being one, and that trait is unsafe; each method passes through to the system's.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    run();
    COUNT.with(Cell::get) - before
}

#[test]
fn a_register_is_parsed_without_allocating() {
    let text = "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bK1;rport\r\n\
        Max-Forwards: 70\r\nFrom: <sip:a@home.example>;tag=1\r\nTo: <sip:a@home.example>\r\nCall-ID: c\r\n\
        CSeq: 1 REGISTER\r\nContact: <sip:x@a.invalid;transport=ws>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\n\
        Supported: path, outbound, gruu\r\nX-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n";
    let bytes = Bytes::from(text.to_owned().into_bytes());
    let mut parsed = None;
    assert_eq!(allocations(|| parsed = Some(Message::parse(bytes))), 0);
    let message = parsed.unwrap().unwrap();
    let looked_up = allocations(|| {
        assert_eq!(message.top_branch(), Some("z9hG4bK1"));
        assert_eq!(message.from_tag(), Some("1"));
        assert_eq!(message.cseq().unwrap().0, 1);
        assert!(message.lists(HeaderName::Supported, "outbound"));
        assert_eq!(message.header_named("x-folded"), Some("a\r\n b"));
    });
    assert_eq!(looked_up, 0);
    assert!(
        allocations(|| drop(message.to_bytes().to_vec())) > 0,
        "the counter counts"
    );
}
