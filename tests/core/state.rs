//! The state file and the instance lock, on a real file system.

use std::fs;
use std::path::Path;

use autoscale_core::workspace::config::{Config, Overrides, parse};
use autoscale_core::workspace::engine::Warnings;
use autoscale_core::workspace::ledger::{Intent, Ledger};
use autoscale_core::workspace::replacing::replace;
use autoscale_core::workspace::state::{InstanceLock, LockError, StateFile};
use autoscale_core::workspace::time::Timestamp;

#[test]
fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/state.json");
    replace(&path, b"one").unwrap();
    replace(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn where_nothing_can_be_written_it_says_so() {
    assert!(replace(Path::new("/dev/null/state.json"), b"").is_err());
    assert!(matches!(InstanceLock::acquire_at(Path::new("/dev/null/a.lock")), Err(LockError::Io { .. })));
}

#[test]
fn a_ledger_survives_as_json() {
    let ledger = Ledger {
        quantity: Some(3),
        intent: Some(Intent { at: Timestamp::from_secs(5), from: 3, to: 4 }),
        memory: vec![0, 1, 2, 255],
        ..Ledger::default()
    };
    let text = serde_json::to_string(&ledger).unwrap();
    let back: Ledger = serde_json::from_str(&text).unwrap();
    assert_eq!((back.quantity, back.intent, back.memory), (ledger.quantity, ledger.intent, ledger.memory));
    let of_an_older_version: Ledger = serde_json::from_str("{\"quantity\":2}").unwrap();
    assert_eq!(of_an_older_version.quantity, Some(2));
}

#[test]
fn the_second_instance_is_told_who_the_first_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.lock");
    let first = InstanceLock::acquire_at(&path).unwrap();
    let second = InstanceLock::acquire_at(&path).unwrap_err();
    let pid = std::process::id();
    assert_eq!(second.to_string(), format!("another instance (pid {pid}) scales this app already"));
    drop(first);
    InstanceLock::acquire_at(&path).unwrap();
}

fn config(dir: &Path) -> Config {
    let text = format!(
        "[HEROKU_INFOS]\napp_name: shop\n[PINGDOM_INFOS]\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\nstate_dir: {}\n",
        dir.display()
    );
    parse(&text, &Overrides::default()).unwrap().config
}

#[test]
fn one_who_only_looks_changes_nothing_and_one_who_loads_sweeps_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = StateFile::of(&config(dir.path()));
    assert!(file.look().unwrap().is_none() && file.load(&Warnings::default()).unwrap().is_none());
    file.save(&Ledger { quantity: Some(3), ..Ledger::default() }).unwrap();
    // What a kill in the middle of a write leaves, and what another app is writing.
    let name = file.path().file_name().unwrap().to_str().unwrap();
    fs::write(dir.path().join(format!(".{name}.new-abc")), "{").unwrap();
    fs::write(dir.path().join(".blog.json.new-def"), "{").unwrap();
    assert_eq!(file.look().unwrap().unwrap().quantity, Some(3));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    assert_eq!(file.load(&Warnings::default()).unwrap().unwrap().quantity, Some(3));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    fs::write(file.path(), "{").unwrap();
    assert!(file.look().is_err());
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "{");
    assert!(file.load(&Warnings::default()).unwrap().is_none(), "set aside");
    assert!(!file.path().exists());
}

#[test]
fn below_what_is_no_folder_there_is_no_state_and_that_is_no_error() {
    let file = StateFile::of(&config(Path::new("/dev/null/x")));
    assert!(file.load(&Warnings::default()).unwrap().is_none());
    assert!(file.save(&Ledger::default()).is_err());
}

#[test]
fn who_looks_at_a_lock_is_told_the_holder_and_keeps_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    assert_eq!(InstanceLock::holder(&config), None);
    let stem = autoscale_core::workspace::places::file_stem(&config);
    let path = dir.path().join(format!("{stem}.lock"));
    let lock = InstanceLock::acquire_at(&path).unwrap();
    assert_eq!(InstanceLock::holder(&config), Some(Some(std::process::id())));
    drop(lock);
    assert_eq!(InstanceLock::holder(&config), None);
}

#[cfg(target_os = "linux")]
#[test]
fn the_flock_of_another_program_is_no_second_instance() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.lock");
    fs::write(&path, "1").unwrap();
    let theirs = fs::File::open(&path).unwrap();
    theirs.lock().unwrap();
    let lock = InstanceLock::acquire_at(&path).unwrap();
    assert!(matches!(InstanceLock::acquire_at(&path), Err(LockError::Held { .. })), "an instance of ours holds it");
    drop((lock, theirs));
}

#[cfg(unix)]
#[test]
fn the_lock_beside_the_state_keeps_out_whoever_has_another_home() {
    let dir = tempfile::tempdir().unwrap();
    let config = sandbox_config(dir.path(), "beside");
    let beside = dir.path().join(autoscale_core::workspace::places::file_stem(&config) + ".lock");
    let other = InstanceLock::acquire_at(&beside).unwrap();
    assert!(matches!(InstanceLock::acquire(&config), Err(LockError::Held { .. })));
    drop(other);
    InstanceLock::acquire(&config).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_lock_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let [target, link, second] = ["target", "link.lock", "second.lock"].map(|name| dir.path().join(name));
    fs::write(&target, "precious").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    fs::hard_link(&target, &second).unwrap();
    for (path, what) in [(&link, "a symbolic link"), (&second, "a hard link")] {
        let error = InstanceLock::acquire_at(path).unwrap_err();
        assert!(matches!(error, LockError::Io { .. }) && error.to_string().contains(what), "{error}");
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[cfg(unix)]
#[test]
fn state_and_lock_are_for_the_group_of_their_folder_to_read_and_for_nobody_else() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let dir = tempfile::tempdir().unwrap();
    let config = sandbox_config(dir.path(), "modes");
    let state = StateFile::of(&config);
    state.save(&Ledger::default()).unwrap();
    let _lock = InstanceLock::acquire(&config).unwrap();
    let group = fs::metadata(dir.path()).unwrap().gid();
    for path in [state.path().to_owned(), state.path().with_extension("lock")] {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.gid()), (0o640, group), "{}", path.display());
    }
}

#[cfg(unix)]
#[test]
fn a_named_pipe_in_the_place_of_a_state_is_an_error_that_is_there_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateFile::of(&config(dir.path()));
    let made = std::process::Command::new("mkfifo").arg(state.path()).status().unwrap();
    assert!(made.success());
    for error in [state.load(&Warnings::default()).unwrap_err(), state.look().unwrap_err()] {
        assert_eq!(error.to_string(), "a named pipe, not a regular file");
    }
}

/// An app of a sandbox, with a name that no other test has.
#[cfg(unix)]
fn sandbox_config(dir: &Path, app: &str) -> Config {
    let text = format!(
        "[HEROKU_INFOS]\napp_name: {app}-{}\napi_url: http://127.0.0.1:1\n[PINGDOM_INFOS]\ncheck_id: 1\n\
         [AUTOSCALE_SETTINGS]\nstate_dir: {}\n",
        std::process::id(),
        dir.display()
    );
    parse(&text, &Overrides::default()).unwrap().config
}

#[cfg(unix)]
#[test]
fn a_lock_that_others_could_take_is_shut_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.lock");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(InstanceLock::acquire_at(&path).unwrap());
    assert_eq!(mode(), 0o640);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let _lock = InstanceLock::acquire_at(&path).unwrap();
    assert_eq!(mode(), 0o640);
}

#[cfg(unix)]
#[test]
fn the_lock_of_a_sandbox_app_leaves_no_file_behind() {
    let dir = tempfile::tempdir().unwrap();
    let config = sandbox_config(dir.path(), "gone");
    let name = autoscale_core::workspace::places::file_stem(&config) + ".lock";
    let is_there =
        || [&autoscale_core::workspace::places::user_dir(), dir.path()].iter().any(|dir| dir.join(&name).exists());
    let lock = InstanceLock::acquire(&config).unwrap();
    assert!(is_there());
    assert!(matches!(InstanceLock::acquire(&config), Err(LockError::Held { .. })), "the lock holds");
    assert!(is_there(), "one who does not get it leaves it alone");
    drop(lock);
    assert!(!is_there());
}

#[cfg(unix)]
#[test]
fn a_lock_whose_file_goes_with_it_is_never_held_twice() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let dir = tempfile::tempdir().unwrap();
    let config = sandbox_config(dir.path(), "busy");
    let (held, taken) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let Ok(lock) = InstanceLock::acquire(&config) else { continue };
                    assert_eq!(held.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                    taken.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    held.fetch_sub(1, Ordering::SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert!(taken.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_damaged_state_file_is_set_aside_whatever_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nstate_dir: {}\n", dir.path().display());
    let state = StateFile::of(&parse(&text, &Overrides::default()).unwrap().config);
    assert!(state.load(&Warnings::default()).unwrap().is_none(), "there is none yet");
    for damage in [&b"{\"quantity\":"[..], b"\xff\xfe\x00garbage", b""] {
        fs::write(state.path(), damage).unwrap();
        assert!(state.load(&Warnings::default()).unwrap().is_none());
        assert_eq!(fs::read(state.path().with_extension("broken.json")).unwrap(), damage);
        assert!(!state.path().exists());
    }
    state.save(&Ledger { quantity: Some(7), ..Ledger::default() }).unwrap();
    assert_eq!(state.load(&Warnings::default()).unwrap().unwrap().quantity, Some(7));
}

#[test]
fn json_that_is_no_state_is_set_aside_as_a_damaged_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateFile::of(&config(dir.path()));
    for other in ["{\"a\":1}", "{}", "[]", "{\"quantity\":3,\"override_until\":99}", "null"] {
        fs::write(state.path(), other).unwrap();
        assert!(state.look().is_err(), "{other}");
        let warnings = Warnings::default();
        assert!(state.load(&warnings).unwrap().is_none(), "{other}");
        let text = warnings.take()[0].text.clone();
        assert!(text.contains("is damaged") && text.contains("set aside"), "{text}");
        assert_eq!(fs::read_to_string(state.path().with_extension("broken.json")).unwrap(), other);
    }
    state.save(&Ledger::default()).unwrap();
    assert!(state.load(&Warnings::default()).unwrap().is_some());
}
