//! One tray a user: a lock that ends with its process, and a loopback port by which a second one makes the first show
//! itself. The port is written, with a word that only this user can read, beside the lock.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::state::{self, InstanceLock, LockError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use crate::session::Input;

/// How long a word may take to come, or an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const UNDERSTOOD: &[u8] = b"ok";

/// The right to be this user's tray.
#[derive(Debug)]
pub(crate) struct Instance {
    _lock: InstanceLock,
    door: PathBuf,
}

/// Why this is not the tray.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Another one is.
    By {
        /// Its process id, if known.
        pid: Option<u32>,
        /// Did it answer?
        raised: bool,
    },
    /// The lock can't be made.
    Unknown(LockError),
}

impl Instance {
    /// Takes the place, or makes the one who has it show itself.
    pub(crate) fn acquire() -> Result<Self, Taken> {
        let folder = state::user_dir();
        let door = folder.join("tray.port");
        match InstanceLock::acquire_at(&folder.join("tray.lock")) {
            Ok(lock) => Ok(Self { _lock: lock, door }),
            Err(LockError::Held { pid }) => Err(Taken::By { pid, raised: raise(&door).is_some() }),
            Err(error) => Err(Taken::Unknown(error)),
        }
    }

    /// Listens for others, for as long as the program runs. Without a port the lock still holds.
    pub(crate) async fn listen(&self, inputs: UnboundedSender<Input>) {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(error) => return tracing::warn!("a second tray can't reach this one: {error}"),
        };
        let word = format!("{:016x}", std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0));
        let written = listener.local_addr().and_then(|address| {
            // `replace` makes a file for its owner only.
            state::replace(&self.door, format!("{} {word}", address.port()).as_bytes())
        });
        if let Err(error) = written {
            return tracing::warn!("a second tray can't reach this one: {}: {error}", self.door.display());
        }
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut said = vec![0; word.len()];
                let read = tokio::time::timeout(ANSWER_WITHIN, stream.read_exact(&mut said)).await;
                if matches!(read, Ok(Ok(_))) && said == word.as_bytes() {
                    let _ = stream.write_all(UNDERSTOOD).await;
                    let _ = inputs.send(Input::Raised);
                }
            }
        });
    }
}

/// Makes the first one show itself.
fn raise(door: &Path) -> Option<()> {
    let text = std::fs::read_to_string(door).ok()?;
    let (port, word) = text.split_once(' ')?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    stream.write_all(word.trim().as_bytes()).ok()?;
    let mut answer = [0; UNDERSTOOD.len()];
    stream.read_exact(&mut answer).ok()?;
    (answer == UNDERSTOOD).then_some(())
}
