//! Real proxies before an API, set up as docs/gateway.md says.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::{Server, nobody, skips};

const RECIPES: &str = include_str!("../../../docs/gateway.md");

/// A proxy before an API, and odavl that it asks.
struct Guarded {
    server: Server,
    address: String,
    proxy: Child,
    _folder: TempDir,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

/// What came back: the status, and all of it in lower case.
struct Answer {
    status: u16,
    text: String,
}

impl Guarded {
    /// The recipe of that language, with this test's addresses, run by `start`.
    fn by(language: &str, start: impl FnOnce(&str, &Path) -> Command) -> Self {
        let server = Server::start();
        let address = nobody().strip_prefix("http://").unwrap().to_owned();
        let folder = tempfile::tempdir().unwrap();
        let recipe = RECIPES.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap();
        let recipe = recipe
            .replace("127.0.0.1:8787", server.url.strip_prefix("http://").unwrap())
            .replace("127.0.0.1:3000", &api())
            .replace("GATEWAY_KEY", &server.key_of("operator", "gateway:write"))
            .replace("listen 8080", &format!("listen {address}"))
            .replace("http://:8080", &format!("http://:{}", address.split(':').nth(1).unwrap()));
        let proxy = start(&recipe, folder.path()).stdout(Stdio::null()).spawn().unwrap();
        let guarded = Self { server, address, proxy, _folder: folder };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&guarded.address).is_err() {
            assert!(Instant::now() < end, "the proxy does not start");
            thread::sleep(Duration::from_millis(20));
        }
        guarded
    }

    /// A request through the proxy, with lies about whose it is.
    fn ask(&self, authorization: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /some/path HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n{authorization}\
             Odavl-Key-Id: a-lie\r\nOdavl-Key-External-Id: a-lie\r\nOdavl-Key-Scopes: a-lie\r\n\
             Odavl-Organization: a-lie\r\n\
             Idempotency-Key: always\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbody"
        )
        .unwrap();
        let text = std::io::read_to_string(stream).unwrap().to_ascii_lowercase();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, text }
    }

    /// What the guide promises of every proxy.
    fn holds(&self) {
        let key = self.server.key("insight:write");
        let bearer = format!("Authorization: Bearer {key}\r\n");
        for (used, left) in (1..=10).zip((0..10).rev()) {
            let passed = self.ask(&bearer);
            assert_eq!(passed.status, 200, "{used}: {}", passed.text);
            let seen = passed.text.split("\r\n\r\n").nth(1).unwrap();
            assert!(
                seen.contains(&format!("odavl-key-id: key_{}", key.split('_').nth(2).unwrap())),
                "{seen}"
            );
            assert!(seen.contains("odavl-key-plan: free") && seen.contains("body"), "{seen}");
            assert!(seen.contains("odavl-key-scopes: insight:write"), "{seen}");
            let lies = seen.lines().filter(|line| line.starts_with("odavl-key-") && line.contains("a-lie"));
            assert_eq!(lies.count(), 0, "{seen}");
            assert!(!seen.contains("authorization"), "{seen}");
            assert!(!passed.text.contains("\r\nratelimit:") || passed.text.contains(&format!(";r={left};")));
        }
        let refused = self.ask(&bearer);
        assert_eq!(refused.status, 429, "{}", refused.text);
        assert!(refused.text.contains("ratelimit: \"insight_analyses\";r=0;t="), "{}", refused.text);

        let none = self.ask("");
        assert_eq!(
            (none.status, none.text.contains("www-authenticate: bearer")),
            (401, true),
            "{}",
            none.text
        );
        assert_eq!(self.ask("Authorization: Bearer nonsense\r\n").status, 401);
        let lacks = self.server.key("usage:read");
        assert_eq!(self.ask(&format!("Authorization: Bearer {lacks}\r\n")).status, 403);
    }
}

/// An API that answers with what it was sent.
fn api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut seen = String::new();
            while reader.read_line(&mut seen).unwrap() > 2 {}
            let mut body = [0; 4];
            std::io::Read::read_exact(&mut reader, &mut body).unwrap();
            seen.truncate(seen.trim_end().len());
            let seen = format!("{seen}\nbody: {}", String::from_utf8_lossy(&body)).replace('\r', "");
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", seen.len());
            stream.write_all((head + &seen).as_bytes()).unwrap();
        }
    });
    address
}

/// Whether these tests are left out; where they are not, the proxy must be there.
fn is_skipped(proxy: &str, package: &str) -> bool {
    let skipped = skips("proxies");
    let there = || Command::new(proxy).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    assert!(skipped || there(), "trying the recipes needs {proxy}: install Debian's {package}");
    skipped
}

#[test]
fn nginx_lets_pass_what_odavl_lets_pass() {
    if is_skipped("nginx", "nginx") {
        return;
    }
    let guarded = Guarded::by("nginx", |recipe, folder| {
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", folder.join(kind).display()));
        let config = format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/log;\nevents {{}}\nhttp {{\naccess_log off;\n{1}\
             {recipe}}}\n",
            folder.display(),
            paths.concat()
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-c").arg(folder.join("nginx.conf")).arg("-e").arg(folder.join("log"));
        nginx
    });
    guarded.holds();
}

#[test]
fn caddy_lets_pass_what_odavl_lets_pass() {
    if is_skipped("caddy", "caddy") {
        return;
    }
    let guarded = Guarded::by("caddyfile", |recipe, folder| {
        let config = format!("{{\nadmin off\ndefault_bind 127.0.0.1\n}}\n{recipe}");
        fs::write(folder.join("Caddyfile"), config).unwrap();
        let mut caddy = Command::new("caddy");
        caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
        caddy
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .stderr(Stdio::null());
        caddy
    });
    guarded.holds();
}
