//! Where a configuration comes from: file, environment, credentials folder.
