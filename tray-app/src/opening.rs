//! Opens a file with the program that the desktop has for it, on a thread where nobody waits. What goes wrong is told.

use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;

use crate::input::Input;
use crate::view::Note;

/// Opens a file.
pub(crate) fn open(path: PathBuf, inputs: &UnboundedSender<Input>) {
    open_made(move || Ok(path), "Nothing to open".into(), inputs);
}

/// Makes a file first, then opens it.
pub(crate) fn open_made(
    make: impl FnOnce() -> Result<PathBuf, String> + Send + 'static,
    failed: String,
    inputs: &UnboundedSender<Input>,
) {
    let inputs = inputs.clone();
    tokio::task::spawn_blocking(move || {
        let note = match make() {
            Ok(path) => match open::that(&path) {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!("{} can't be opened: {error}", path.display());
                    Note::plain("Nothing here opens this file", format!("{}: {error}", path.display()))
                }
            },
            Err(error) => {
                tracing::warn!("{failed}: {error}");
                Note::plain(failed, error)
            }
        };
        let _ = inputs.send(Input::Tell(note));
    });
}
