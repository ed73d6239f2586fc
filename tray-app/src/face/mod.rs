//! How a view gets onto a desktop: one thin file per event loop. A face shows what it is given and hands on clicks; it
//! knows nothing of apps.

#[cfg(all(target_os = "linux", not(feature = "tao-loop")))]
pub(crate) mod sni;

#[cfg(any(windows, target_os = "macos", feature = "tao-loop"))]
pub(crate) mod tao;

#[cfg(all(target_os = "linux", not(any(feature = "sni", feature = "tao-loop"))))]
compile_error!("on Linux the tray needs one of the features `sni` (the default) and `tao-loop`");
