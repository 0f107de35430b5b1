//! Connections that are badly treated: each is bounded by itself, and nobody else notices.

use std::{
    future::pending,
    io::ErrorKind,
    time::{Duration, Instant},
};

use odavl_http::{Settings, serve};
use poem::endpoint::make;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::{interval, timeout},
};

use crate::app::{App, ORG, Plan};

/// What an impatient service waits for.
const SOON: Duration = Duration::from_millis(500);
/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(20);
const HOST: &str = "odavl.example";

fn impatient(plan: &mut Plan) {
    plan.door.idle = SOON;
    plan.door.timeout = SOON;
}

/// Everything that comes until the service ends the connection, whichever way.
async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the service ends it");
    assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    String::from_utf8(bytes).unwrap()
}

fn health() -> String {
    format!("GET /api/health HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
}

/// One answer, on a connection that stays.
async fn answer(stream: &mut TcpStream) -> String {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"}") {
        timeout(LONG, stream.read_exact(&mut byte)).await.expect("an answer in time").unwrap();
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_head_that_trickles_in_ends_its_connection() {
    let app = App::with(impatient).await;
    let (mut reader, mut writer) = app.connect().await.into_split();
    let begun = Instant::now();
    writer.write_all(b"GET /api/health HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let trickle = async {
        let mut drops = interval(SOON / 10);
        loop {
            drops.tick().await;
            if writer.write_all(b"a").await.is_err() {
                pending::<()>().await;
            }
        }
    };
    let mut said = Vec::new();
    tokio::select! {
        _ = reader.read_to_end(&mut said) => {}
        () = trickle => {}
        () = tokio::time::sleep(LONG) => panic!("the service still waits"),
    }
    assert!(begun.elapsed() >= SOON, "what comes in time is waited for");
    assert!(!String::from_utf8_lossy(&said).contains(" 200 "));
}

#[tokio::test]
async fn a_connection_that_nobody_uses_ends() {
    let app = App::with(impatient).await;
    assert_eq!(to_the_end(&mut app.connect().await).await, "", "before the first request");
    let mut used = app.connect().await;
    used.write_all(health().as_bytes()).await.unwrap();
    assert!(to_the_end(&mut used).await.starts_with("HTTP/1.1 200 "), "and after one");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_problem_of_its_sender() {
    let app = App::with(impatient).await;
    app.set_up().await;
    let (_, key) = app.key(ORG, "usage:write uploads:write").await;
    let json = app.post("/api/v1/usage/consume").bearer(&key).header("Content-Type", "application/json");
    json.header("Content-Length", "20").send().await.expect_problem(408, "request_timeout");
    let form = app.post("/api/auth/token").header("Content-Type", "application/x-www-form-urlencoded");
    let late = form.header("Content-Length", "20").send().await.expect(408);
    assert_eq!(late.json()["error"], "invalid_request");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_its_connection() {
    let app = App::with(impatient).await;
    let mut stream = app.connect().await;
    let ask = format!("GET /api/openapi.json HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    // More and more is asked and nothing is read, until no more is taken, and then the connection ends.
    let never_read = async { while stream.write_all(ask.as_bytes()).await.is_ok() {} };
    timeout(LONG, never_read).await.expect("the service gives it up");
    app.get("/api/health").send().await.expect(200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let app = App::with(|_| {}).await;
    for headers in [format!("X-Large: {}\r\n", "a".repeat(1 << 20)), "X-Many: a\r\n".repeat(1000)] {
        let mut stream = app.connect().await;
        let head = format!("GET /api/health HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n");
        // It may be refused before all of it was sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = to_the_end(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    app.get("/api/health").send().await.expect(200);
}

#[tokio::test]
async fn who_comes_when_all_connections_are_taken_waits_for_one() {
    let app = App::with(|plan| plan.door.connections = 1).await;
    let mut first = app.connect().await;
    first.write_all(health().as_bytes()).await.unwrap();
    answer(&mut first).await;
    let mut second = app.connect().await;
    second.write_all(health().as_bytes()).await.unwrap();
    first.write_all(health().as_bytes()).await.unwrap();
    answer(&mut first).await;
    let early = second.try_read(&mut [0]).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::WouldBlock, "one at a time");
    drop(first);
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200 "));
}

/// A service of one endpoint, which says when a request has come and answers when it is told to.
struct Held {
    client: TcpStream,
    come: oneshot::Receiver<()>,
    go: oneshot::Sender<()>,
    stop: oneshot::Sender<()>,
    service: tokio::task::JoinHandle<()>,
}

async fn held(grace: Duration) -> Held {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let ((say, come), (go, told)) = (oneshot::channel(), oneshot::channel());
    let once = std::sync::Mutex::new(Some((say, told)));
    let endpoint = make(move |_| {
        let (say, told) = once.lock().unwrap().take().unwrap();
        async move {
            say.send(()).unwrap();
            told.await.unwrap();
            Ok::<_, poem::Error>(poem::Response::from("{}"))
        }
    });
    let settings = Settings { grace, ..Settings::default() };
    let (stop, stopped) = oneshot::channel::<()>();
    let service = tokio::spawn(async move {
        serve(endpoint, listener, &settings, async { stopped.await.unwrap() }).await;
    });
    client.write_all(health().as_bytes()).await.unwrap();
    Held { client, come, go, stop, service }
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_the_end() {
    let Held { mut client, come, go, stop, service } = held(LONG).await;
    come.await.unwrap();
    stop.send(()).unwrap();
    go.send(()).unwrap();
    assert!(to_the_end(&mut client).await.ends_with("{}"));
    timeout(LONG, service).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_cut_off_at_the_end() {
    let Held { mut client, come, go: _held, stop, service } = held(SOON).await;
    come.await.unwrap();
    stop.send(()).unwrap();
    timeout(LONG, service).await.expect("it ends").unwrap();
    assert_eq!(to_the_end(&mut client).await, "");
}

#[tokio::test]
async fn a_head_that_was_not_sent_to_its_end_is_not_waited_for() {
    let Held { mut client, come, go, stop, service } = held(3 * LONG).await;
    let mut half = TcpStream::connect(client.peer_addr().unwrap()).await.unwrap();
    half.write_all(b"GET /api/he").await.unwrap();
    come.await.unwrap();
    go.send(()).unwrap();
    answer(&mut client).await;
    stop.send(()).unwrap();
    timeout(LONG, service).await.expect("it ends").unwrap();
    assert_eq!(to_the_end(&mut half).await, "");
}
