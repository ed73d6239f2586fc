//! The address of the database: `postgres://…`, with `sslmode` and `sslrootcert` taken out of it, which the driver refuses.
//! Connects to nothing.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls_tokio_postgres::{MakeRustlsConnect, config_no_verify};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::config::{Secret, places};
use crate::http::{MachineRoots, extra_roots, tls_config};

/// What an address that can't be read lacks; nothing of it is shown, since it holds a password.
const UNREADABLE: &str = "is not an address of a PostgreSQL database: write postgres://user:password@host:5432/database, \
                          and characters such as @ / ? # of a password as %40 %2F %3F %23";

/// Where the database is and how it is reached.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Option<MakeRustlsConnect>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SslMode {
    Disable,
    /// Encrypts, verifies nothing.
    Require,
    VerifyFull,
}

/// What an address says.
#[derive(Debug)]
struct Said {
    config: Config,
    mode: SslMode,
    root_cert: Option<PathBuf>,
}

/// Why an address can't be used, as a sentence that follows the key's name.
pub fn problem(url: &Secret) -> Option<String> {
    Address::read(url).err()
}

impl Address {
    /// Reads an address, and the certificate that it names.
    ///
    /// # Errors
    /// In words that hold nothing of the address.
    pub(super) fn read(url: &Secret) -> Result<Self, String> {
        let Said { config, mode, root_cert } = Said::read(url.expose(), places::on_heroku())?;
        let tls = match mode {
            SslMode::Disable => None,
            SslMode::Require => Some(config_no_verify()),
            SslMode::VerifyFull => Some(verifying(root_cert.as_deref())?),
        };
        Ok(Self { config, tls: tls.map(MakeRustlsConnect::new) })
    }
}

/// Trusts the roots of the address alone; where it names none, those of the machine.
fn verifying(root_cert: Option<&Path>) -> Result<ClientConfig, String> {
    match root_cert {
        Some(path) => tls_config(Some(extra_roots(path).map_err(|why| format!("sslrootcert: {why}"))?), None),
        None => tls_config(None, Some(&MachineRoots::default())),
    }
}

impl Said {
    fn read(url: &str, on_heroku: bool) -> Result<Self, String> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
            return Err(UNREADABLE.into());
        }
        let (mut mode, mut root_cert, mut rest) = (None, None, Vec::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name {
                "sslmode" => mode = Some(value),
                "sslrootcert" => {
                    let path = percent_decode_str(value).decode_utf8().map_err(|_| UNREADABLE)?;
                    root_cert = Some(PathBuf::from(path.as_ref()));
                }
                _ => rest.push(part),
            }
        }
        let address = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config = Config::from_str(&address).map_err(|_| UNREADABLE)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(UNREADABLE.into());
        }
        let mode = chosen(mode, &config, on_heroku)?;
        config.ssl_mode(match mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            _ => tokio_postgres::config::SslMode::Require,
        });
        if root_cert.is_some() && mode != SslMode::VerifyFull {
            return Err("names an sslrootcert, which only sslmode=verify-full reads: set that, or leave it out".into());
        }
        Ok(Self { config, mode, root_cert })
    }
}

fn chosen(given: Option<&str>, config: &Config, on_heroku: bool) -> Result<SslMode, String> {
    let hosts = config.get_hosts();
    // There is no TLS on a socket of this machine, whatever is asked for.
    if !hosts.is_empty() && hosts.iter().all(|host| !matches!(host, Host::Tcp(_))) {
        return Ok(SslMode::Disable);
    }
    match given {
        None if on_heroku => Ok(SslMode::Require),
        None | Some("verify-full") => Ok(SslMode::VerifyFull),
        Some("require") => Ok(SslMode::Require),
        Some("disable") if is_here(config) => Ok(SslMode::Disable),
        Some("disable") => {
            Err("has sslmode=disable, which would send the password and all state unencrypted; that is for loopback \
                 addresses and local sockets alone: use verify-full, or require"
                .into())
        }
        Some(_) => Err("has an sslmode that is not known here: use verify-full, require or disable".into()),
    }
}

/// Are all its hosts this machine itself?
fn is_here(config: &Config) -> bool {
    let loopback = |name: &str| name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => loopback(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, on_heroku: bool) -> Result<SslMode, String> {
        Said::read(url, on_heroku).map(|said| said.mode)
    }

    #[test]
    fn tls_is_verified_unless_the_address_or_heroku_says_otherwise() {
        assert_eq!(mode("postgres://u:p@db.example.com/x", false), Ok(SslMode::VerifyFull));
        assert_eq!(mode("postgres://u:p@127.0.0.1/x", false), Ok(SslMode::VerifyFull));
        assert_eq!(mode("postgres://u:p@db.example.com/x", true), Ok(SslMode::Require));
        assert_eq!(mode("postgres://u:p@db.example.com/x?sslmode=verify-full", true), Ok(SslMode::VerifyFull));
        assert_eq!(
            mode("postgresql://u:p@db.example.com/x?connect_timeout=3&sslmode=require", false),
            Ok(SslMode::Require)
        );
    }

    #[test]
    fn unencrypted_connections_stay_on_this_machine() {
        for here in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(
                mode(&format!("postgres://u@{here}:5432/x?sslmode=disable"), false),
                Ok(SslMode::Disable),
                "{here}"
            );
        }
        for socket in ["postgres:///x?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/x?sslmode=verify-full"] {
            assert_eq!(mode(socket, false), Ok(SslMode::Disable), "{socket}");
        }
        for there in ["db.example.com", "10.0.0.1", "localhost,db.example.com", "localhost.example.com"] {
            assert!(mode(&format!("postgres://u@{there}/x?sslmode=disable"), false).is_err(), "{there}");
        }
        assert!(mode("postgres://u@localhost/x?hostaddr=10.0.0.1&sslmode=disable", false).is_err());
    }

    #[test]
    fn nothing_of_an_address_that_cannot_be_used_is_shown() {
        for url in [
            "mysql://u:s3cr3t@h/x",
            "postgres://u:s3cr3t@h:port/x",
            "postgres://u:p@h/x?sslmode=s3cr3t",
            "postgres://u:p@h/x?s3cr3t=1",
            "postgres:///s3cr3t",
            "postgres://u:s3cr3t@h/x?sslmode=require&sslrootcert=/x.pem",
            "",
        ] {
            let error = mode(url, false).expect_err(url);
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn roots_that_are_not_there_are_named() {
        let url = Secret::new("postgres://u:s3cr3t@h/x?sslrootcert=/nowhere/ca.pem");
        let error = problem(&url).expect("there is no such file");
        assert!(error.starts_with("sslrootcert: /nowhere/ca.pem: "), "{error}");
    }
}
