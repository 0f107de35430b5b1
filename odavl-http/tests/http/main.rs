//! The door from outside: every test speaks HTTP to a service of its own, over a socket, with a clock that it moves.

#[cfg(test)]
mod app;
#[cfg(test)]
mod backups;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod client;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod document;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod events;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod organizations;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod protect;
#[cfg(test)]
mod reservations;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod webhooks;
