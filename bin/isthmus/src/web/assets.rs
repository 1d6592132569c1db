//! The files of the client: in the binary when it is released, from the disk while it is worked on.

use nf_wwsf::{Asset, etag};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../web/wic"]
// What the client is developed with stays at home.
#[exclude = "node_modules/*"]
#[exclude = "test/*"]
#[exclude = "package*.json"]
#[exclude = "*.config.js"]
#[exclude = "tsconfig.json"]
// A page of the laboratory alone.
#[exclude = "enabler/*"]
#[exclude = ".*"]
struct Wic;

/// A file of the client.
pub(super) fn read(file: &str) -> Option<Asset> {
    let data = Wic::get(file)?.data.into_owned();
    Some(Asset {
        etag: etag(&data),
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_there_and_its_workshop_is_not() {
        assert!(read("index.html").is_some());
        assert!(read("page/main.js").is_some());
        for file in [
            "package.json",
            "package-lock.json",
            "tsconfig.json",
            "eslint.config.js",
            "test/message.test.js",
            "enabler/index.html",
        ] {
            assert!(read(file).is_none(), "{file}");
        }
    }
}
