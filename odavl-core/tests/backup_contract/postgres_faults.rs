//! Faults: programs killed, connections cut.
