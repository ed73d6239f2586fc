//! One tray a user, and one sandbox beside it: a lock that ends with its process, and a loopback port by which a second
//! one makes the first show itself. The port is written, with a word that only this user can read, beside the lock.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::files::read_text;
use autoscale_core::workspace::places;
use autoscale_core::workspace::replacing::replace;
use autoscale_core::workspace::state::{InstanceLock, LockError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use crate::input::Input;

/// How long a word may take to come, or an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// What a tray answers that shows itself, and one that has nothing to show. Of one length.
const SHOWN: [u8; 2] = *b"ok";
const HEADLESS: [u8; 2] = *b"no";

/// The right to be this user's tray.
#[derive(Debug)]
pub(crate) struct Instance {
    _lock: InstanceLock,
    door: PathBuf,
}

/// What a user has one of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// The loops of the user's apps.
    Tray,
    /// A simulated app, which is in nobody's way.
    Sandbox,
}

impl Role {
    /// In words, and in the names of its files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tray => "tray",
            Self::Sandbox => "sandbox",
        }
    }
}

/// What the first one answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It shows itself.
    Shown,
    /// It has neither icon nor notifications.
    Headless,
}

/// Why this is not the tray.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Another one is.
    By {
        /// Its process id, if known.
        pid: Option<u32>,
        /// What it answered, if it did.
        answer: Option<Answer>,
    },
    /// The lock can't be made.
    Unknown(LockError),
}

impl Instance {
    /// Takes the place, or makes the one who has it show itself.
    pub(crate) fn acquire(role: Role) -> Result<Self, Taken> {
        let folder = places::user_dir();
        let file = |extension: &str| folder.join(role.name()).with_extension(extension);
        let door = file("port");
        match InstanceLock::acquire_at(&file("lock")) {
            Ok(lock) => Ok(Self { _lock: lock, door }),
            Err(LockError::Held { pid }) => Err(Taken::By { pid, answer: raise(&door) }),
            Err(error) => Err(Taken::Unknown(error)),
        }
    }

    /// Listens for others, for as long as the program runs. Without a port the lock still holds.
    pub(crate) async fn listen(&self, headless: bool, inputs: UnboundedSender<Input>) {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(error) => return tracing::warn!("a second tray can't reach this one: {error}"),
        };
        let word = format!("{:016x}", std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0));
        let written = listener.local_addr().and_then(|address| {
            // `replace` makes a file for its owner only.
            replace(&self.door, format!("{} {word}", address.port()).as_bytes())
        });
        if let Err(error) = written {
            return tracing::warn!("a second tray can't reach this one: {}: {error}", self.door.display());
        }
        let answer = if headless { HEADLESS } else { SHOWN };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut said = vec![0; word.len()];
                let read = tokio::time::timeout(ANSWER_WITHIN, stream.read_exact(&mut said)).await;
                if matches!(read, Ok(Ok(_))) && said == word.as_bytes() {
                    let _ = stream.write_all(&answer).await;
                    let _ = inputs.send(Input::Raised);
                }
            }
        });
    }
}

/// Makes the first one show itself.
fn raise(door: &Path) -> Option<Answer> {
    let text = read_text(door, 256).ok()?;
    let (port, word) = text.split_once(' ')?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    stream.write_all(word.trim().as_bytes()).ok()?;
    let mut answer = [0; SHOWN.len()];
    stream.read_exact(&mut answer).ok()?;
    match answer {
        SHOWN => Some(Answer::Shown),
        HEADLESS => Some(Answer::Headless),
        _ => None,
    }
}
