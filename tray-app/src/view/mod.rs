//! What is shown, and why: events of any number of apps in, a [`View`] and notes for people out. Pure: nothing here
//! touches a desktop, a file, a clock or the network, and a face only carries out what a view says.

mod burst;
mod menu;
mod model;
#[cfg(test)]
mod tests;
mod words;

use std::path::PathBuf;

pub(crate) use burst::Burst;
pub(crate) use model::{Facts, Model, Note, Place};

/// What the icon says. In the order of what is shown when several apps differ: the last one wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum State {
    /// All is well, and nothing was to be done.
    Steady,
    /// The loop rests.
    Paused,
    /// Nothing is known yet, or no recent result.
    Unknown,
    /// The last check took dynos away.
    Down,
    /// The last check added dynos.
    Up,
    /// More dynos are wanted, and cannot be had or do not help.
    AtMax,
    /// Checks or changes fail, the app is down, or it is not looked after.
    Failing,
}

impl State {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] =
        [Self::Unknown, Self::Steady, Self::Up, Self::Down, Self::AtMax, Self::Paused, Self::Failing];
}

/// All that is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct View {
    /// The icon.
    pub(crate) state: State,
    /// Is its overlay for dry run there?
    pub(crate) dry_run: bool,
    /// One line: "shop: 3 dynos, 640 ms, steady".
    pub(crate) title: String,
    /// A line an app, and why.
    pub(crate) tooltip: String,
    /// Top to bottom.
    pub(crate) menu: Vec<Entry>,
    /// What a click on the icon does.
    pub(crate) primary: Click,
}

/// An entry of the menu.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// Something to read.
    Text(String),
    /// Something to click.
    Item(String, Click),
    /// Something to switch.
    Check {
        /// What.
        label: String,
        /// Is it on?
        on: bool,
        /// `None` where it can't be switched.
        click: Option<Click>,
    },
    /// A menu of its own.
    Submenu(String, Vec<Self>),
    /// A line between groups.
    Separator,
}

/// What somebody asks for by a click.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Click {
    /// Something about the app at this place.
    App(usize, Deed),
    /// Write the sample configuration, and open it.
    CreateConfig,
    /// Open a file for editing.
    Edit(PathBuf),
    /// Look for configurations again, and run them.
    Start,
    /// Run the loop against a simulated app.
    TrySandbox,
    /// End that.
    LeaveSandbox,
    /// Say what this is.
    About,
    /// End.
    Quit,
}

/// What can be asked of an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    /// Switch dry run.
    DryRun(bool),
    /// Check at once.
    CheckNow,
    /// Rest.
    Pause,
    /// Go on.
    Resume,
    /// Show the latest graph.
    OpenGraph,
    /// Open its configuration.
    OpenConfig,
    /// Take its configuration anew.
    Reload,
}
