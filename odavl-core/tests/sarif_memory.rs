//! A document that is made while it is read, so that it is in memory nowhere, must not raise the process's peak.
//! It has a process of its own: the peak is the process's.
#![cfg(all(feature = "uploads", target_os = "linux"))]

use std::io::{self, Read, Write};

use odavl_core::uploads::{Caps, Encoding, inspect};

const RESULTS: u64 = 1_000_000;

/// One million results, each of another line and one of a thousand rules.
struct Endless {
    next: u64,
    chunk: io::Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.chunk.position() == self.chunk.get_ref().len() as u64 && self.next <= RESULTS {
            self.chunk = io::Cursor::new(Vec::new());
            let (n, rule) = (self.next, self.next % 1000);
            let comma = if n + 1 < RESULTS { "," } else { "" };
            if n < RESULTS {
                write!(self.chunk, r#"{{"ruleId":"r{rule}","message":{{"text":"{n}"}}}}{comma}"#)?;
            } else {
                write!(self.chunk, "]}}]}}")?;
            }
            self.chunk.set_position(0);
            self.next += 1;
        }
        self.chunk.read(buf)
    }
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_million_results_are_summed_up_within_eight_mib() {
    let head = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},
        "automationDetails":{"guid":"3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11"},"results":["#;
    let document = io::Cursor::new(head).chain(Endless { next: 0, chunk: io::Cursor::new(Vec::new()) });
    let before = peak_kib().unwrap();
    let found = inspect(document, Encoding::Identity, &Caps::default()).unwrap();
    let grown = peak_kib().unwrap() - before;
    assert_eq!(found.summary.results, RESULTS);
    assert_eq!(found.summary.other_rules.rules, 900);
    assert!(found.unpacked_len > 40 << 20, "{}", found.unpacked_len);
    assert!(grown < 8 << 10, "the peak grew by {grown} KiB");
}
