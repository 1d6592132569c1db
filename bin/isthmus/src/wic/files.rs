//! Files over a channel, as docs/data-channels.md has them: announced, sent in messages of 16 KiB, ended
//! by their SHA-256, which the other end confirms.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use aws_lc_rs::digest::{Context, SHA256};
use nf_wic::{Kind, Message};
use serde_json::{Value, json};

/// The subprotocol of a channel for files.
pub(super) const PROTOCOL: &str = "isthmus-file";

/// Bytes of a message.
const CHUNK: usize = 16 * 1024;

/// A name that is longer is cut: some file systems take no more.
const LONGEST_NAME: usize = 200;

/// A file that goes.
#[derive(Debug)]
pub(super) struct Sending {
    file: File,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sent: u64,
    pub(super) since: Instant,
    hash: Hash,
    step: Step,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Announce,
    Send,
    /// All is said; the other end has this to confirm.
    Wait(String),
}

impl Sending {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("{shown} cannot be read"))?;
        let metadata = file.metadata()?;
        anyhow::ensure!(metadata.is_file(), "{shown} is no file");
        let name = path.file_name().context("it has no name")?;
        Ok(Self {
            file,
            name: name.to_string_lossy().into_owned(),
            size: metadata.len(),
            sent: 0,
            since: Instant::now(),
            hash: Hash::new(),
            step: Step::Announce,
        })
    }

    /// What is to be said next; nothing, when all is said. An error ends it: `abort` is said then.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Message>> {
        match &self.step {
            Step::Announce => {
                self.step = Step::Send;
                let (name, size) = (&self.name, self.size);
                Ok(Some(say(
                    &json!({ "type": "file", "name": name, "size": size }),
                )))
            }
            Step::Send if self.sent == self.size => {
                let sha256 = self.hash.hex();
                self.step = Step::Wait(sha256.clone());
                Ok(Some(say(&json!({ "type": "end", "sha256": sha256 }))))
            }
            Step::Send => {
                let left = self.size - self.sent;
                let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
                let read = self.file.read_exact(&mut chunk);
                read.context("the file became shorter, or cannot be read any more")?;
                self.hash.update(&chunk);
                self.sent += chunk.len() as u64;
                Ok(Some(Message::binary(chunk)))
            }
            Step::Wait(_) => Ok(None),
        }
    }

    /// The file's SHA-256, once all is said.
    pub(super) fn sha256(&self) -> Option<&str> {
        match &self.step {
            Step::Wait(sha256) => Some(sha256),
            _ => None,
        }
    }
}

/// Says that it stops.
pub(super) fn abort(reason: &str) -> Message {
    say(&json!({ "type": "abort", "reason": reason }))
}

/// Files that come on one channel.
#[derive(Debug)]
pub(super) struct Receiving {
    folder: Option<PathBuf>,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    /// What is still under way is passed over.
    Refused,
    Writing(Box<Coming>),
}

/// A file that comes.
#[derive(Debug)]
pub(super) struct Coming {
    file: File,
    part: PathBuf,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) came: u64,
    pub(super) since: Instant,
    hash: Hash,
}

/// What a message of the other end amounts to.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// Nothing that anybody has to know.
    Nothing,
    /// A file is announced.
    Begun { name: String, size: u64 },
    /// More of it is there.
    More,
    /// It is kept; that is to be said.
    Kept {
        name: String,
        size: u64,
        sha256: String,
        file: PathBuf,
        since: Instant,
    },
    /// It is not kept; `say`: the other end does not know yet.
    Lost {
        name: String,
        reason: String,
        say: bool,
    },
    /// The other end has ours, with that SHA-256.
    Received(String),
    /// The other end does not want ours.
    Refused(String),
}

impl Receiving {
    /// Files go into that folder; without one they are refused.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            state: State::Idle,
        }
    }

    pub(super) fn coming(&self) -> Option<&Coming> {
        match &self.state {
            State::Writing(coming) => Some(coming),
            _ => None,
        }
    }

    pub(super) fn hear(&mut self, message: &Message) -> Heard {
        if message.kind == Kind::Binary {
            return self.bytes(&message.data);
        }
        let Ok(value) = serde_json::from_slice::<Value>(&message.data) else {
            return Heard::Nothing;
        };
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        match value["type"].as_str() {
            Some("file") => self.begin(&text("name"), value["size"].as_u64()),
            Some("end") => self.end(&text("sha256")),
            Some("abort") => match std::mem::replace(&mut self.state, State::Idle) {
                State::Writing(coming) => Heard::Lost {
                    name: coming.thrown_away(),
                    reason: format!("the other end stopped: {}", text("reason")),
                    say: false,
                },
                State::Idle | State::Refused => Heard::Nothing,
            },
            Some("received") => Heard::Received(text("sha256")),
            Some("refused") => Heard::Refused(text("reason")),
            _ => Heard::Nothing,
        }
    }

    /// The channel is closed: what came of a file is thrown away.
    pub(super) fn close(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Writing(coming) => Some(coming.thrown_away()),
            State::Idle | State::Refused => None,
        }
    }

    fn begin(&mut self, name: &str, size: Option<u64>) -> Heard {
        if let Some(before) = self.close() {
            self.state = State::Refused;
            return Heard::Lost {
                name: before,
                reason: "another file was announced before its end".to_owned(),
                say: true,
            };
        }
        let name = plain(name);
        let opened = match (&self.folder, size) {
            (None, _) => Err("no files are taken here".to_owned()),
            (_, None) => Err("a file without a size".to_owned()),
            (Some(folder), Some(size)) => {
                Coming::open(folder, &name, size).map_err(|error| format!("{error:#}"))
            }
        };
        match opened {
            Ok(coming) => {
                let size = coming.size;
                self.state = State::Writing(Box::new(coming));
                Heard::Begun { name, size }
            }
            Err(reason) => {
                self.state = State::Refused;
                Heard::Lost {
                    name,
                    reason,
                    say: true,
                }
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Heard {
        let State::Writing(coming) = &mut self.state else {
            return Heard::Nothing;
        };
        let written = if bytes.len() as u64 > coming.size - coming.came {
            Err("more bytes than were announced".to_owned())
        } else {
            let written = coming.file.write_all(bytes);
            written.map_err(|error| format!("it cannot be written: {error}"))
        };
        if let Err(reason) = written {
            return self.lose(reason);
        }
        coming.hash.update(bytes);
        coming.came += bytes.len() as u64;
        Heard::More
    }

    fn end(&mut self, theirs: &str) -> Heard {
        let State::Writing(coming) = &mut self.state else {
            self.state = State::Idle;
            return Heard::Nothing;
        };
        let sha256 = coming.hash.hex();
        let kept = if coming.came < coming.size {
            Err("fewer bytes than were announced".to_owned())
        } else if theirs == sha256 {
            coming.keep().map_err(|error| format!("{error:#}"))
        } else {
            Err("another SHA-256 than was announced".to_owned())
        };
        match kept {
            Ok(file) => {
                let heard = Heard::Kept {
                    name: coming.name.clone(),
                    size: coming.size,
                    sha256,
                    file,
                    since: coming.since,
                };
                self.state = State::Idle;
                heard
            }
            Err(reason) => {
                let lost = self.lose(reason);
                self.state = State::Idle;
                lost
            }
        }
    }

    fn lose(&mut self, reason: String) -> Heard {
        let name = self.close().unwrap_or_default();
        self.state = State::Refused;
        let say = true;
        Heard::Lost { name, reason, say }
    }
}

impl Coming {
    fn open(folder: &Path, name: &str, size: u64) -> anyhow::Result<Self> {
        let (part, file) = create(folder, &format!("{name}.part"))?;
        Ok(Self {
            file,
            part,
            name: name.to_owned(),
            size,
            came: 0,
            since: Instant::now(),
            hash: Hash::new(),
        })
    }

    /// Gives it its name, or one beside it if there is such a file.
    fn keep(&mut self) -> anyhow::Result<PathBuf> {
        let folder = self.part.parent().unwrap_or(Path::new("."));
        let (path, _) = create(folder, &self.name)?;
        std::fs::rename(&self.part, &path).context("it cannot be given its name")?;
        Ok(path)
    }

    fn thrown_away(&self) -> String {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.part);
        self.name.clone()
    }
}

/// Where files are to go, from before the first call on.
pub(super) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let words = || format!("the folder for files, {}, cannot be made", folder.display());
    std::fs::create_dir_all(folder).with_context(words)
}

/// A new file: with that name, or with a number behind it.
fn create(folder: &Path, name: &str) -> anyhow::Result<(PathBuf, File)> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for number in 1..1000 {
        let path = if number == 1 {
            folder.join(name)
        } else {
            folder.join(format!("{stem}-{number}{extension}"))
        };
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).context("no file can be made in the folder for files");
            }
        }
    }
    anyhow::bail!("there are too many files of that name")
}

/// What the other end calls its file, as a name that does no harm here.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut plain = String::new();
    for c in last.chars().filter(|c| !c.is_control() && *c != ':') {
        if plain.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        plain.push(c);
    }
    if plain.trim_matches(['.', ' ']).is_empty() {
        "file".to_owned()
    } else {
        plain
    }
}

/// Says that a file is kept.
pub(super) fn received(sha256: &str) -> Message {
    say(&json!({ "type": "received", "sha256": sha256 }))
}

/// Says that a file is not.
pub(super) fn refused(reason: &str) -> Message {
    say(&json!({ "type": "refused", "reason": reason }))
}

fn say(value: &Value) -> Message {
    Message::text(value.to_string())
}

/// A SHA-256 on its way.
struct Hash(Context);

impl Hash {
    fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn hex(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for byte in self.0.clone().finish().as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let name = format!("isthmus-files-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn pass(from: &Path, into: &mut Receiving) -> Vec<Heard> {
        let mut sending = Sending::open(from).unwrap();
        let mut heard = Vec::new();
        while let Some(message) = sending.next().unwrap() {
            heard.push(into.hear(&message));
        }
        heard
    }

    #[test]
    fn a_file_arrives_under_its_name_and_beside_one_that_is_there() {
        let folder = folder("arrives");
        let from = folder.join("from.bin");
        let into = folder.join("into");
        std::fs::create_dir(&into).unwrap();
        for (size, name) in [
            (0, "from.bin"),
            (CHUNK, "from-2.bin"),
            (3 * CHUNK + 7, "from-3.bin"),
        ] {
            let data: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            std::fs::write(&from, &data).unwrap();
            let mut receiving = Receiving::new(Some(into.clone()));
            let mut heard = pass(&from, &mut receiving);
            let Some(Heard::Kept { file, sha256, .. }) = heard.pop() else {
                panic!("{heard:?}");
            };
            assert_eq!(file, into.join(name));
            assert_eq!(std::fs::read(file).unwrap(), data);
            let mut hash = Hash::new();
            hash.update(&data);
            assert_eq!(sha256, hash.hex());
            assert_eq!(heard.len(), 1 + size.div_ceil(CHUNK));
        }
        assert_eq!(std::fs::read_dir(&into).unwrap().count(), 3, "no parts");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_not_as_announced_is_not_kept() {
        let folder = folder("not-kept");
        let file =
            |name: &str, size: u64| say(&json!({"type": "file", "name": name, "size": size}));
        let bytes = || Message::binary(vec![1; 10]);
        let end = |sha256: &str| say(&json!({ "type": "end", "sha256": sha256 }));
        let cases = [
            (vec![file("a", 20), bytes(), end("")], "fewer bytes"),
            (vec![file("a", 5), bytes()], "more bytes"),
            (vec![file("a", 10), bytes(), end("00")], "SHA-256"),
            (vec![file("a", 10), file("b", 10)], "another file"),
            (vec![file("a", 10), abort("enough")], "enough"),
            (vec![say(&json!({ "type": "file" }))], "without a size"),
        ];
        for (messages, why) in cases {
            let mut receiving = Receiving::new(Some(folder.clone()));
            let heard = messages.iter().map(|message| receiving.hear(message));
            let Some(Heard::Lost { reason, .. }) = heard.last() else {
                panic!("{why}");
            };
            assert!(reason.contains(why), "{reason}");
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{why}");
        }
        // After a refusal the rest is passed over, and the next file is taken.
        let mut receiving = Receiving::new(Some(folder.clone()));
        for message in [file("a", 5), bytes(), bytes()] {
            receiving.hear(&message);
        }
        assert_eq!(receiving.hear(&end("")), Heard::Nothing);
        assert!(matches!(
            receiving.hear(&file("b", 10)),
            Heard::Begun { .. }
        ));
        assert_eq!(receiving.close().as_deref(), Some("b"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn names_do_no_harm() {
        for (name, is) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\windows\\x.dll", "x.dll"),
            ("..", "file"),
            ("", "file"),
            ("a\nb", "ab"),
            ("folder/", "file"),
        ] {
            assert_eq!(plain(name), is);
        }
        assert_eq!(plain(&"ü".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn without_a_folder_files_are_refused() {
        let mut receiving = Receiving::new(None);
        let announced = say(&json!({ "type": "file", "name": "a", "size": 1 }));
        let heard = receiving.hear(&announced);
        assert!(matches!(heard, Heard::Lost { say: true, .. }));
    }
}
