//! Databases that are hard to back up.
