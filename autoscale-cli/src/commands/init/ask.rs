//! A conversation at a terminal: lines, secrets and choices. The questions go to stderr, so that stdout holds results
//! only. Knows nothing of apps and checks.

use std::io::{self, IsTerminal as _, Write as _};

use autoscale_core::workspace::config::Secret;
use tokio::runtime::Runtime;

use super::choice::{Choice, Step};
use super::stop::Stop;
use super::token;
use crate::show::{BOLD, DIM};

/// A person at a terminal.
#[derive(Debug)]
pub(super) struct Terminal(());

impl Terminal {
    /// `None` where there is nobody to ask: stdin or stderr is no terminal.
    pub(super) fn open() -> Option<Self> {
        (io::stdin().is_terminal() && io::stderr().is_terminal()).then_some(Self(()))
    }

    /// Says something.
    pub(super) fn say(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// A line, without the space around it.
    pub(super) fn line(&self, prompt: &str) -> Result<String, Stop> {
        self.prompt(prompt);
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(0) => {
                self.say("");
                Err(Stop::failed("no more input; nothing was written"))
            }
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(Stop::failed(format!("cannot read the answer: {error}; nothing was written"))),
        }
    }

    /// A token, which is not shown; `None` for Enter alone.
    pub(super) fn secret(&self, prompt: &str) -> Result<Option<Secret>, Stop> {
        loop {
            self.prompt(prompt);
            let typed = console::Term::stderr().read_secure_line();
            let typed = typed.map_err(|e| Stop::failed(format!("cannot read the token: {e}; nothing was written")))?;
            match token::usable(&typed) {
                Ok(token) => return Ok(token),
                Err(why) => self.say(&format!("The token {why}.")),
            }
        }
    }

    /// An answer that `read` takes, or the default for Enter alone.
    pub(super) fn ask<T>(
        &self,
        what: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Stop> {
        loop {
            let line = self.line(&format!("{what} [{default}]"))?;
            match read(if line.is_empty() { default } else { &line }) {
                Ok(value) => return Ok(value),
                Err(why) => self.say(&sentence(&why)),
            }
        }
    }

    /// The place of a row; `what` is one of them in a word, such as "app".
    pub(super) fn choose(&self, what: &str, mut choice: Choice) -> Result<usize, Stop> {
        let mut changed = true;
        loop {
            if changed {
                self.show(&choice);
            }
            let prompt = match (choice.shown().is_some(), choice.default_number()) {
                (_, Some(number)) => format!("{what}: number, or part of a name [{number}]"),
                (true, None) if choice.is_narrowed() => {
                    format!("{what}: number, or part of a name (Enter: all {})", choice.len())
                }
                (true, None) => format!("{what}: number, or part of a name"),
                (false, None) => format!("{what}: part of a name, to narrow down the {}", choice.len()),
            };
            match choice.answer(&self.line(&prompt)?) {
                Step::Chosen(place) => return Ok(place),
                Step::Narrowed => changed = true,
                Step::Unclear(why) => {
                    self.say(&why);
                    changed = false;
                }
            }
        }
    }

    fn show(&self, choice: &Choice) {
        let Some(rows) = choice.shown() else { return };
        for (number, (row, is_default)) in (1..).zip(&rows) {
            let style = if *is_default { BOLD } else { anstyle::Style::new() };
            self.say(&format!("  {DIM}{number:>2}{DIM:#}  {style}{}{style:#}", row.label));
        }
        if rows.len() < choice.len() {
            self.say(&format!("  {DIM}{} of {}{DIM:#}", rows.len(), choice.len()));
        }
    }

    fn prompt(&self, text: &str) {
        let mut stderr = anstream::stderr().lock();
        let _ = write!(stderr, "{BOLD}{text}:{BOLD:#} ").and_then(|()| stderr.flush());
    }
}

/// "x" as "X."
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// On a signal, gives the terminal back as it was: in the middle of a token it does not show what is typed, and not
/// every shell mends that.
pub(super) fn end_well_on_a_signal(runtime: &Runtime) {
    let restore = remember_the_terminal();
    runtime.spawn(async move {
        let Ok(mut signals) = crate::signals::Signals::listen() else { return };
        signals.next().await;
        restore();
        let _ = writeln!(io::stderr().lock(), "\nStopped; nothing was written.");
        std::process::exit(i32::from(crate::exit::Exit::Failed as u8));
    });
}

#[cfg(unix)]
fn remember_the_terminal() -> impl FnOnce() + Send + 'static {
    use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};

    // Only raw flags can go to another thread.
    let before = tcgetattr(io::stdin()).ok().map(nix::libc::termios::from);
    move || {
        if let Some(before) = before {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before.into());
        }
    }
}

#[cfg(not(unix))]
fn remember_the_terminal() -> impl FnOnce() + Send + 'static {
    || ()
}
