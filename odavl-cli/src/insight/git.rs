//! What git says of a project: its commit, and where it is shared.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use url::Url;

/// A project under git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The commit that is checked out.
    pub commit: String,
    /// Where the repository is shared, without credentials; `None` where it is not, or not under a URL.
    pub repository: Option<String>,
}

impl Checkout {
    /// The checkout that `root` is in; `None` outside one, before its first commit, or without git.
    pub fn of(root: &Path) -> Option<Self> {
        let commit = git(root, &["rev-parse", "--verify", "HEAD"])?;
        let hexadecimal = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        let remote = git(root, &["config", "--get", "remote.origin.url"]);
        let repository = remote.and_then(|remote| without_credentials(&remote));
        hexadecimal.then_some(Self { commit, repository })
    }
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim_end().to_owned())
}

/// The URL of a remote without user, password, query and fragment; `None` for a local path or another scheme.
///
/// The short form `git@host:path` becomes `ssh://host/path`.
pub fn without_credentials(remote: &str) -> Option<String> {
    let scp_like = || {
        let (host, path) = remote.split_once(':')?;
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        // `C:\path` is a drive, `./a:b` a path, `ext::command` a helper; `user:password@host` is nothing of git's.
        let is_path = !path.starts_with(':') && !path.contains('@');
        let is_host = host.len() > 1 && !host.contains(['/', '\\']) && is_path;
        is_host.then(|| format!("ssh://{host}/{}", path.trim_start_matches('/')))
    };
    let text = if remote.contains("://") { remote.to_owned() } else { scp_like()? };
    let mut url = Url::parse(&text).ok()?;
    if !matches!(url.scheme(), "https" | "http" | "ssh" | "git") || url.host_str().is_none() {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_loses_its_credentials_whatever_its_form() {
        for (remote, expected) in [
            ("https://github.com/o/r.git", Some("https://github.com/o/r.git")),
            ("https://user:s3cret@github.com/o/r", Some("https://github.com/o/r")),
            ("https://s3cret@github.com/o/r?token=s3cret#s3cret", Some("https://github.com/o/r")),
            ("ssh://git@host:2222/o/r.git", Some("ssh://host:2222/o/r.git")),
            ("git@github.com:o/r.git", Some("ssh://github.com/o/r.git")),
            ("s3cret:x@host.example:o/r", None),
            ("/home/me/s3cret", None),
            ("../s3cret", None),
            ("C:\\s3cret", None),
            ("file:///home/me/s3cret", None),
            ("ext::sh -c s3cret", None),
        ] {
            let shown = without_credentials(remote);
            if expected.is_some() {
                assert_eq!(shown.as_deref(), expected);
            }
            assert!(!shown.unwrap_or_default().contains("s3cret"), "{remote}");
        }
    }

    #[test]
    fn a_folder_outside_a_checkout_has_none() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Checkout::of(root.path()), None);
    }
}
