//! The nodes: real processes on folders of their own, each behind a network of its own.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Mutex,
};

use rustix::process::Signal;

use super::{database::Database, proxy::Proxy};
use crate::service::{Installation, Log, Service, Started, Starting};

/// A node, whether it runs or not.
pub(crate) struct Node {
    data: PathBuf,
    url: String,
    log: Log,
    pub(crate) network: Proxy,
    life: Mutex<Life>,
}

enum Life {
    Down,
    Starting(Starting),
    Up(Service),
}

impl Node {
    /// One that does not run yet, with the installation's master key.
    pub(crate) fn new(
        installation: &Installation,
        database: &Database,
        (logs, number): (&Path, usize),
    ) -> Self {
        let data = installation.data().with_file_name(format!("node-{number}"));
        fs::create_dir(&data).unwrap();
        fs::copy(installation.data().join("master.key"), data.join("master.key")).unwrap();
        let network = Proxy::before(database.port);
        let log = Log::to(File::create(logs.join(format!("node-{number}.log"))).unwrap());
        let url = Database::url(network.port);
        Self { data, url, log, network, life: Mutex::new(Life::Down) }
    }

    /// Where it answers; `None` while it does not run.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &*self.life.lock().unwrap() {
            Life::Up(service) => Some(service.address),
            Life::Down | Life::Starting(_) => None,
        }
    }

    /// Starts it where it does not run.
    pub(crate) fn start(&self, installation: &Installation) {
        let mut life = self.life.lock().unwrap();
        if matches!(*life, Life::Down) {
            let mut command = installation.serve_command();
            command.env("ODAVL_DATA", &self.data).env("ODAVL_DATABASE", &self.url);
            *life = Life::Starting(Starting::spawn_with(command, self.log.clone()));
        }
    }

    /// Notes whether it answers by now; where it has ended, since the database was away, it is started anew.
    pub(crate) fn look(&self, installation: &Installation) {
        let mut life = self.life.lock().unwrap();
        let (next, ended) = match std::mem::replace(&mut *life, Life::Down) {
            Life::Starting(starting) => match starting.look() {
                Started::NotYet(starting) => (Life::Starting(starting), false),
                Started::Ready(service) => (Life::Up(service), false),
                Started::Ended => (Life::Down, true),
            },
            same => (same, false),
        };
        *life = next;
        drop(life);
        if ended {
            self.start(installation);
        }
    }

    /// SIGKILL, wherever it is; answers whether it was anywhere.
    pub(crate) fn kill(&self) -> bool {
        match std::mem::replace(&mut *self.life.lock().unwrap(), Life::Down) {
            Life::Down => return false,
            Life::Starting(starting) => starting.kill(),
            Life::Up(service) => service.kill(),
        }
        true
    }

    /// SIGSTOP, or SIGCONT; answers whether it runs.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        let life = self.life.lock().unwrap();
        let Life::Up(service) = &*life else { return false };
        service.signal(signal);
        true
    }
}
