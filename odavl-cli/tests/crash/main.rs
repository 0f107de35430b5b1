//! The real process under attack: killed at any point, short of disk, beside itself, and badly spoken to.

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod fire;
#[cfg(test)]
mod full;
#[cfg(test)]
mod process;
#[cfg(test)]
mod service;
#[cfg(test)]
mod swept;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod wire;
