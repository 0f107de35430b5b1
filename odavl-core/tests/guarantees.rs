//! What the gate promises, held over every action: each use case is called without its scope, without its quota, with
//! another organisation's things, and by everyone who may not.

#![cfg(all(feature = "sqlite", feature = "fs", feature = "sign-in", feature = "uploads"))]

#[cfg(test)]
mod support;

#[cfg(test)]
#[path = "guarantees/callers.rs"]
mod callers;

#[cfg(test)]
#[path = "guarantees/done.rs"]
mod done;

#[cfg(test)]
#[path = "guarantees/feed.rs"]
mod feed;

#[cfg(test)]
#[path = "guarantees/refused.rs"]
mod refused;

#[cfg(test)]
#[path = "guarantees/rows.rs"]
mod rows;

#[cfg(test)]
#[path = "guarantees/things.rs"]
mod things;
