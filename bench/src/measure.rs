//! Rates and percentiles.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use crate::Outcome;

/// A folder of this measurement's own, on the disk that ODAVL_BENCH_DIR names.
pub fn folder() -> Outcome<tempfile::TempDir> {
    Ok(tempfile::tempdir_in(std::env::var("ODAVL_BENCH_DIR").unwrap_or_else(|_| ".".into()))?)
}

/// What a run of many callers came to.
pub struct Run {
    pub count: usize,
    took: Duration,
    /// In microseconds.
    latencies: Vec<u32>,
}

impl Run {
    /// What another program measured.
    pub fn of(latencies: Vec<u32>, took: Duration) -> Self {
        Self { count: latencies.len(), took, latencies }
    }

    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }

    /// The latency that `percent` of the calls stay within, in milliseconds.
    pub fn within(&mut self, percent: f64) -> f64 {
        self.latencies.sort_unstable();
        let last = self.latencies.len().saturating_sub(1);
        let place = ((self.latencies.len() as f64 * percent / 100.0) as usize).min(last);
        self.latencies.get(place).copied().unwrap_or_default() as f64 / 1000.0
    }

    pub fn row(&mut self, name: &str) {
        println!(
            "| {name} | {:.0}/s, p50 {:.2} ms, p99 {:.2} ms |",
            self.per_second(),
            self.within(50.0),
            self.within(99.0)
        );
    }
}

/// Lets `callers` call until `long` has passed; each call gets its caller's number and its own.
pub async fn run<F, Fut>(callers: usize, long: Duration, call: F) -> Outcome<Run>
where
    F: Fn(usize, usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Outcome<()>> + Send,
{
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while start.elapsed() < long {
                    let begun = Instant::now();
                    call(caller, latencies.len()).await?;
                    latencies.push(begun.elapsed().as_micros().min(u128::from(u32::MAX)) as u32);
                }
                Outcome::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Run::of(latencies, start.elapsed()))
}
