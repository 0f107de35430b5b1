//! Programs that are measured from outside.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::net::TcpStream;

use crate::Outcome;

/// A process that serves; ended when it is dropped.
pub struct Service {
    child: Child,
    pub address: SocketAddr,
}

impl Service {
    /// The program `server` on the data in `data`, and on the database at `database` where it is none of that folder's.
    pub async fn odavl(
        server: &Path,
        data: &Path,
        database: Option<&str>,
        address: SocketAddr,
    ) -> Outcome<Self> {
        let mut command = Command::new(server);
        command.args(["serve", "--listen", &address.to_string(), "--data"]).arg(data);
        command.arg("--config").arg(data.join("odavl.toml")).env("ODAVL_LOG", "warn").stdout(Stdio::null());
        command.envs(database.map(|url| ("ODAVL_DATABASE", url)));
        Self::start(command, address)?.wait().await
    }

    /// This program itself, told what to be; `args` end in where it listens.
    pub async fn itself(args: &[&str]) -> Outcome<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).arg(address.to_string());
        Self::start(command, address)?.wait().await
    }

    pub fn start(mut command: Command, address: SocketAddr) -> Outcome<Self> {
        Ok(Self { child: command.spawn()?, address })
    }

    /// Until somebody listens there.
    async fn wait(mut self) -> Outcome<Self> {
        for _ in 0..5000 {
            if TcpStream::connect(self.address).await.is_ok() {
                return Ok(self);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("the server does not answer".into())
    }

    /// The first line that it prints; its output has to be piped.
    pub fn first_line(&mut self) -> Outcome<String> {
        let output = self.child.stdout.take().ok_or("what it prints is not piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("the server ended: {}", self.child.wait()?).into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
