//! The service on a socket: each connection is bounded in its head, its buffers and its patience, all of them in
//! number, and the end of the service is the end of the requests under way.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use poem::{
    Addr, Endpoint,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::Sleep,
};

use crate::{Door, Settings};

/// The most bytes of a request's head, and of what is read ahead of a body.
const BUFFER: usize = 64 << 10;
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
/// A head that does not come, an answer that is not taken and a connection that is not used end after
/// [`Settings::idle`]. Beyond [`Settings::connections`] callers wait to be let in. For a [`Door::endpoint`] that is
/// wrapped or nested; else [`Door::serve`].
pub async fn serve<E>(endpoint: E, listener: TcpListener, settings: &Settings, stop: impl Future<Output = ()>)
where
    E: Endpoint<Output = poem::Response> + 'static,
{
    let endpoint = Arc::new(endpoint);
    let turns = Arc::new(Semaphore::new(settings.connections));
    let under_way = GracefulShutdown::new();
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
                connections.spawn(connection(arrived, endpoint.clone(), settings.idle, &under_way));
            }
            // It was given up before it was taken: nobody else's matter.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken now; it is tried again");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(settings.grace, under_way.shutdown()).await.is_err() {
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

/// What happens on one connection: its errors are its caller's.
fn connection<E>(
    arrived: Arrived,
    endpoint: Arc<E>,
    idle: Duration,
    under_way: &GracefulShutdown,
) -> impl Future<Output = ()> + use<E>
where
    E: Endpoint<Output = poem::Response> + 'static,
{
    let Arrived { stream, peer, local, turn } = arrived;
    let service = service_fn(move |request: poem::http::Request<Incoming>| {
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
    let served = under_way.watch(http.serve_connection(stream, service));
    async move {
        if let Err(error) = served.await {
            tracing::debug!(%error, "a connection broke off");
        }
        drop(turn);
    }
}

/// A stream whose other end must take what is written to it.
struct Patient {
    stream: TcpStream,
    idle: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// Passes on what writing said; where it must wait, only for so long.
    fn wait<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.idle)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
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
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
