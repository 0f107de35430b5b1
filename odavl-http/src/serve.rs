//! The service on a socket: each connection is bounded in its head, its buffers and its patience, all of them in
//! number, and the end of the service is the end of the requests under way.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use odavl_core::Chain;
use poem::{
    Addr, Endpoint,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::Sleep,
};

use crate::{Door, Settings};

/// The most bytes of a request's head, and of what is read ahead of a body.
const BUFFER: usize = 64 << 10;
/// The least bytes of an answer that are taken in [`Settings::idle`], where there are more.
const LEAST: usize = 64 << 10;
/// How long to wait where the machine gives out no more connections.
const EXHAUSTED: Duration = Duration::from_millis(100);

impl Door {
    /// Serves the door by [`serve`].
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let settings = self.settings.clone();
        serve(self.endpoint(), listener, &settings, stop).await;
    }
}

/// Serves HTTP/1.1 on `listener` until `stop`; then requests under way are answered, for as long as
/// [`Settings::grace`].
///
/// A head that does not come, an answer of which less than 64 KiB are taken in that time, and a connection that is not
/// used end after [`Settings::idle`]. Beyond [`Settings::connections`] callers wait to be let in. For a
/// [`Door::endpoint`] that is wrapped or nested; else [`Door::serve`].
pub async fn serve<E>(endpoint: E, listener: TcpListener, settings: &Settings, stop: impl Future<Output = ()>)
where
    E: Endpoint<Output = poem::Response> + 'static,
{
    let endpoint = Arc::new(endpoint);
    let turns = Arc::new(Semaphore::new(settings.connections));
    let (stopping, told) = watch::channel(());
    // What is left in it at the end is cut off.
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(address, "listening");
    loop {
        let arrived = tokio::select! {
            () = &mut stop => break,
            arrived = arrival(&listener, &turns) => arrived,
            Some(_) = connections.join_next() => continue,
        };
        match arrived {
            Ok(arrived) => {
                connections.spawn(connection(arrived, endpoint.clone(), settings.idle, told.clone()));
            }
            // It was given up before it was taken: nobody else's matter.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken now; it is tried again");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
    drop((listener, stopping));
    let answered = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(settings.grace, answered).await.is_err() {
        tracing::warn!("some requests were not answered in time; they are cut off");
    }
}

/// A connection, and its turn, which ends with it.
struct Arrived {
    stream: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
    turn: OwnedSemaphorePermit,
}

async fn arrival(listener: &TcpListener, turns: &Arc<Semaphore>) -> io::Result<Arrived> {
    let turn = turns.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Without it an answer may only be slower.
    let _ = stream.set_nodelay(true);
    Ok(Arrived { local: stream.local_addr()?, stream, peer, turn })
}

/// What happens on one connection until it ends, or the service is told to stop: its errors are its caller's.
async fn connection<E>(arrived: Arrived, endpoint: Arc<E>, idle: Duration, mut stop: watch::Receiver<()>)
where
    E: Endpoint<Output = poem::Response> + 'static,
{
    let Arrived { stream, peer, local, turn: _turn } = arrived;
    let asked = Arc::new(AtomicBool::new(false));
    let was_asked = asked.clone();
    let service = service_fn(move |request: poem::http::Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let endpoint = endpoint.clone();
        let (local, peer) = (LocalAddr(Addr::SocketAddr(local)), RemoteAddr(Addr::SocketAddr(peer)));
        async move {
            let request = poem::Request::from((request, local, peer, Scheme::HTTP));
            Ok::<poem::http::Response<_>, Infallible>(endpoint.get_response(request).await.into())
        }
    });
    let stream = TokioIo::new(Patient { stream, idle, stuck: None });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(BUFFER);
    let mut served = pin!(http.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = &mut served => ended,
        _ = stop.changed() => {
            // Who has not got to the end of a first head has asked nothing that is waited for.
            if !was_asked.load(Ordering::Relaxed) {
                return;
            }
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %Chain(&error), "a connection broke off");
    }
}

/// A stream whose other end must take what is written to it.
struct Patient<S> {
    stream: S,
    idle: Duration,
    /// Until when there is time to take [`LEAST`], and what was taken of it.
    stuck: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Patient<S> {
    /// Passes on what writing said; where it must wait, only for so long.
    fn wait(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(done) = written {
            if let (Some((_, taken)), Ok(count)) = (&mut self.stuck, &done) {
                *taken += count;
            }
            self.stuck.take_if(|(_, taken)| *taken >= LEAST);
            return Poll::Ready(done);
        }
        let (late, _) = self.stuck.get_or_insert_with(|| (Box::pin(tokio::time::sleep(self.idle)), 0));
        ready!(late.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wait(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.wait(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // All that there was is taken.
        self.stuck = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const IDLE: Duration = Duration::from_mins(1);

    /// Takes that many bytes again and again, with a pause between.
    async fn take(mut stream: DuplexStream, piece: usize, pause: Duration) {
        let mut bytes = vec![0; piece];
        while stream.read_exact(&mut bytes).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    }

    /// What comes of an answer of a MiB that is taken so.
    async fn written(piece: usize, pause: Duration) -> io::Result<()> {
        let (stream, other) = duplex(1 << 10);
        let taking = tokio::spawn(take(other, piece, pause));
        let mut patient = Patient { stream, idle: IDLE, stuck: None };
        let answer = vec![0; 1 << 20];
        let written = patient.write_all(&answer).await;
        taking.abort();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_taken_at_a_least_speed_and_not_drop_by_drop() {
        let begun = tokio::time::Instant::now();
        let refused = written(72, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!((refused.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, IDLE));
        written(LEAST, IDLE / 2).await.unwrap();
    }
}
