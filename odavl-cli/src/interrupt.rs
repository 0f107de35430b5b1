//! Being told to stop: Ctrl-C, SIGTERM, or a terminal that is closed.

use std::{fs, future::pending};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::signal::unix::{SignalKind, signal};

/// Waits until somebody says so. What was ignored when the command began, as by `nohup`, stays ignored.
pub(crate) async fn came() {
    let ignored = ignored();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let heard = kinds.into_iter().filter(|kind| (ignored >> (kind.as_raw_value() - 1)) & 1 == 0);
    let mut signals: FuturesUnordered<_> = heard
        .filter_map(|kind| signal(kind).ok())
        .map(|mut signal| async move { signal.recv().await })
        .collect();
    if signals.next().await.is_none() {
        pending::<()>().await;
    }
}

/// The signals that this process was started to ignore, a bit each; none where the system does not say.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
