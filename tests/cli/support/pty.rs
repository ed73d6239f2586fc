//! A program at a terminal of its own, and somebody who reads and types there.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::wait_until;

/// A program and its terminal. The program is killed when this is dropped.
pub(crate) struct AtTerminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
    /// How much of the screen has been read.
    read: usize,
}

impl AtTerminal {
    /// Starts it with the terminal as stdin, stdout and stderr.
    pub(crate) fn start(command: &mut Command) -> Self {
        let pty = openpty(None, None).unwrap();
        let side = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let keyboard = File::from(pty.master);
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut output, shown) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        // Kept open here: what the program wrote last would be lost on some platforms once nobody has the other side.
        let other_side: OwnedFd = pty.slave;
        std::thread::spawn(move || {
            let _other_side = other_side;
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
        });
        Self { child, keyboard, screen, read: 0 }
    }

    /// All that was shown so far, without colours and carriage returns.
    pub(crate) fn screen(&self) -> String {
        anstream::adapter::strip_str(&self.screen.lock().unwrap()).to_string().replace('\r', "")
    }

    /// Waits until a text is shown after what was waited for before.
    pub(crate) fn expect(&mut self, text: &str) {
        let mut found = None;
        let this = &*self;
        wait_until(&format!("{text:?} on the screen"), || {
            let screen = this.screen();
            found = screen[this.read..].find(text).map(|at| this.read + at + text.len());
            assert!(found.is_some() || !screen.contains("panicked"), "{screen}");
            found.is_some()
        });
        self.read = found.unwrap();
    }

    /// Types a line that is shown.
    pub(crate) fn type_line(&mut self, text: &str) {
        self.type_raw(&format!("{text}\n"));
    }

    /// Types keys, and no Enter.
    pub(crate) fn type_raw(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line once the terminal hides what is typed.
    pub(crate) fn type_hidden(&mut self, text: &str) {
        wait_until("a terminal that hides what is typed", || !self.echoes());
        self.type_line(text);
    }

    /// Does the terminal show what is typed?
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        wait_until("the end", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
