//! What outlives the process: one small file per app, atomically replaced, and the instance lock.
