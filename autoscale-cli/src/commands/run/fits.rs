//! Whether a configuration goes with the flags of `autoscale run`.

use autoscale_core::workspace::config::{Problem, ProblemKind, keys};
use autoscale_core::workspace::config_file::{LoadError, LoadErrorKind, Loaded};

/// A configuration, if it goes with the flags `--once` and `--json`.
pub(super) fn fits(loaded: Loaded, once: bool, json: bool) -> Result<Loaded, LoadError> {
    let mut problems: Vec<_> = loaded.config.unfit_for_once().filter(|_| once).into_iter().collect();
    if json && loaded.config.history_on_stdout {
        let (section, key) = (keys::HISTORY_FILE.section, keys::HISTORY_FILE.name);
        let text = "- is standard output, where --json prints the events already: leave one of them out";
        let line = loaded.lines.of(section, key);
        let problem = Problem::of_file(ProblemKind::Conflict, text);
        problems.push(Problem { section: Some(section.into()), key: Some(key.into()), line, ..problem });
    }
    if problems.is_empty() {
        return Ok(loaded);
    }
    let Loaded { path, warnings, .. } = loaded;
    Err(LoadError { path, kind: LoadErrorKind::Invalid, problems, warnings })
}
