//! Isthmus: the Web and the IMS, joined.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    isthmus::main()
}
