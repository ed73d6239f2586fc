//! Lines to a person: results on stdout, complaints on stderr. Not the log, and not what a machine reads.

use std::io::Write as _;

use crate::exit::Exit;
use crate::show::RED;

/// Prints a line on stdout; styles are dropped where nobody would see them.
pub(crate) fn say(text: &str) {
    // A reader that went away needs no message.
    let _ = writeln!(anstream::stdout().lock(), "{text}");
}

/// Prints on stderr why the program stops, and returns the exit code.
pub(crate) fn complain(text: &str, exit: Exit) -> Exit {
    let red = RED.bold();
    let _ = writeln!(anstream::stderr().lock(), "{red}autoscale:{red:#} {text}");
    exit
}
