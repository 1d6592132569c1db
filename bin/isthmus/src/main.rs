//! Isthmus: the Web and the IMS, joined.
#![forbid(unsafe_code)]

/// A registration is some hundred short allocations, of which half are freed by another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    isthmus::main()
}
