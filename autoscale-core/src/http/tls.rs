//! Whom to trust: the machine's roots, or Mozilla's bundled ones on a machine that has none, and the `ca_file` of the
//! configuration. Cryptography is ring's.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::files;

/// The machine's roots, loaded when the first client needs them. Clones share them: to load them takes longer than all
/// else about a client, which many apps would notice.
#[derive(Clone, Debug, Default)]
pub struct MachineRoots(Arc<OnceLock<RootCertStore>>);

impl MachineRoots {
    fn get(&self) -> &RootCertStore {
        self.0.get_or_init(|| roots(rustls_native_certs::load_native_certs().certs))
    }
}

/// The most bytes of a `ca_file`: twice as many as a machine's whole trust store takes.
const MOST: u64 = 1 << 20;

/// A configuration that trusts those and `extra` ones. Without TLS there is no need of the machine's.
///
/// # Errors
/// In words, where there is no TLS.
pub(crate) fn config(extra: Option<RootCertStore>, machine: Option<&MachineRoots>) -> Result<ClientConfig, String> {
    let mut roots = machine.map_or_else(RootCertStore::empty, |machine| machine.get().clone());
    if let Some(mut extra) = extra {
        roots.roots.append(&mut extra.roots);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("no TLS: {e}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The roots of a `ca_file`.
///
/// # Errors
/// In words, where it can't be read or holds no certificate.
pub(crate) fn extra(path: &Path) -> Result<RootCertStore, String> {
    roots_of(path, &read_extra(path)?)
}

/// The content of a `ca_file`.
///
/// # Errors
/// In words, where it can't be read.
pub(crate) fn read_extra(path: &Path) -> Result<Vec<u8>, String> {
    files::read(path, MOST).map_err(|error| format!("{}: {error}", path.display()))
}

/// The roots in the content of a `ca_file`.
///
/// # Errors
/// In words, where it holds no certificate.
pub(crate) fn roots_of(path: &Path, pem: &[u8]) -> Result<RootCertStore, String> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("{}: {e}", path.display()))?;
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(certificates).0 == 0 {
        return Err(format!("{}: no certificate in it", path.display()));
    }
    Ok(roots)
}

/// The machine's roots, or the bundled ones where it has none: a bare container has no trust store.
fn roots(native: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(native);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_roots_gets_the_bundled_ones_and_only_such_a_machine() {
        assert_eq!(roots(Vec::new()).len(), webpki_roots::TLS_SERVER_ROOTS.len());
        let own = include_bytes!("../../../tests/fixtures/tls/ca.pem");
        assert_eq!(roots(vec![CertificateDer::from_pem_slice(own).unwrap()]).len(), 1);
    }
}
