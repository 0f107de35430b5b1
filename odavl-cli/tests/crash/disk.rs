//! A disk of the test's own that can be filled and freed while the service runs on it.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use rustix::process::{Resource, Rlimit, prlimit};

use crate::service::{Installation, Service, Starting};

/// How large a disk is.
const SIZE: u64 = 24 << 20;

/// How a disk is made full here.
#[derive(Debug, Clone, Copy)]
enum Means {
    /// A file system in memory, which only the process sees: full as disks are.
    Mount,
    /// No file grows beyond a bound (`RLIMIT_FSIZE`): for who may not mount, also in a namespace of their own.
    Bound,
}

/// A service whose disk can be filled.
pub(crate) struct Disk {
    means: Means,
    pub(crate) service: Service,
    folder: PathBuf,
}

impl Disk {
    /// The installation's service, on a disk of its own where it can have one.
    pub(crate) fn serve(installation: &Installation) -> Self {
        let means = if can_mount() { Means::Mount } else { Means::Bound };
        let folder = match means {
            Means::Mount => installation.data().with_file_name("disk"),
            Means::Bound => installation.data(),
        };
        fs::create_dir_all(&folder).unwrap();
        let mount =
            format!("mount -t tmpfs -o size={SIZE} tmpfs \"$DISK\" && cp -a \"$ODAVL_DATA/.\" \"$DISK\"");
        let script = match means {
            Means::Mount => {
                format!("{mount} && ODAVL_DATA=\"$DISK\" exec \"$ODAVL\" serve --listen 127.0.0.1:0")
            }
            // What passes the bound is refused, rather than ended.
            Means::Bound => "trap '' XFSZ; exec \"$ODAVL\" serve --listen 127.0.0.1:0".to_owned(),
        };
        let mut command = match means {
            Means::Mount => installation.command("unshare".as_ref()),
            Means::Bound => installation.command("sh".as_ref()),
        };
        if matches!(means, Means::Mount) {
            command.args(["--map-root-user", "--mount", "sh"]);
        }
        command.args(["-c", &script]).env("DISK", &folder).env("ODAVL", env!("CARGO_BIN_EXE_odavl"));
        Self { means, service: Starting::spawn(command).ready(), folder }
    }

    /// Takes all of the disk but so many bytes.
    pub(crate) fn fill_but(&self, free: u64) {
        match self.means {
            Means::Mount => {
                let taken = self.take();
                let file = File::options().write(true).open(self.filler()).unwrap();
                file.set_len(taken.saturating_sub(free)).unwrap();
            }
            Means::Bound => self.bound(Some(free)),
        }
    }

    /// Gives the disk back.
    pub(crate) fn free(&self) {
        match self.means {
            Means::Mount => fs::remove_file(self.filler()).unwrap(),
            Means::Bound => self.bound(None),
        }
    }

    /// Writes until there is no space, and answers how much there was.
    fn take(&self) -> u64 {
        let mut file = File::create(self.filler()).unwrap();
        loop {
            match file.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => {
                    return file.metadata().unwrap().len();
                }
                Err(error) => panic!("the disk could not be filled: {error}"),
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.service.seen(&self.folder.join("filler"))
    }

    fn bound(&self, current: Option<u64>) {
        prlimit(Some(self.service.pid()), Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    }
}

/// Whether a process may mount what only it sees.
fn can_mount() -> bool {
    let try_it = "mount -t tmpfs -o size=1m tmpfs /tmp";
    let tried = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", try_it])
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) => status.success(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => panic!("unshare cannot be run: {error}"),
    }
}
