//! The process as a whole: how it ends, that it has its folder alone, and what it may cost to be badly spoken to.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use odavl_core::{storage::Sha256, uploads::RunId};
use serde_json::json;

use crate::{
    service::Installation,
    wire::{Answer, Call, connect},
};

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(20);
/// What a request may cost in memory, in KiB, however it is made.
const MEMORY: u64 = 64 << 10;

/// Sends a head that asks for leave to send its body, and waits for it: then the request is under way.
fn under_way(installation: &Installation, service: std::net::SocketAddr, length: usize) -> TcpStream {
    let call = Call::new("POST", "/api/v1/usage/consume")
        .bearer(&installation.key)
        .header("Content-Type", "application/json")
        .header("Expect", "100-continue")
        .header("Content-Length", &length.to_string());
    let mut stream = connect(service).unwrap();
    stream.write_all(&call.head()).unwrap();
    let mut leave = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut leave).unwrap();
    assert!(leave.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&leave));
    stream
}

#[test]
fn a_service_that_is_told_to_stop_takes_nobody_more_and_answers_who_is_there() {
    let installation = Installation::new("limits.calls = 10");
    let service = installation.serve();
    let body = json!({"meter": "calls"}).to_string();
    let mut stream = under_way(&installation, service.address, body.len());
    service.terminate();
    let told = Instant::now();
    while TcpStream::connect(service.address).is_ok() {
        assert!(told.elapsed() < LONG, "it still listens");
    }
    stream.write_all(body.as_bytes()).unwrap();
    Answer::read(&mut stream).unwrap().well();
    assert!(service.ended().success());
    let service = installation.serve();
    assert_eq!(service.used(&installation, "calls"), 1);
}

#[test]
fn a_second_service_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let installation = Installation::new("limits.calls = 10");
    let service = installation.serve();
    let second = installation.serve_command().output().unwrap();
    assert_eq!(second.status.code(), Some(5), "{second:?}");
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&installation.data().display().to_string()) && said.contains("--data"), "{said}");
    assert!(!String::from_utf8_lossy(&second.stdout).contains("odavl is at"), "nothing was promised");
    let consume = Call::post("/api/v1/usage/consume", &json!({"meter": "calls"})).bearer(&installation.key);
    consume.send(service.address).unwrap().well();
    // Whoever was killed has it no more.
    service.kill();
    assert_eq!(installation.serve().used(&installation, "calls"), 1);
}

#[test]
fn a_bomb_and_bodies_that_break_off_cost_little_memory_and_no_units() {
    let installation = Installation::new("limits.analyses = 10\nlimits.bytes = 1000000000");
    let service = installation.serve();
    service.make_project(&installation);
    let at_first = service.peak();
    let run = RunId::random().unwrap();
    let target = format!("/api/v1/uploads?product=insight&project=app&run_id={run}");
    let document = vec![b' '; 512 << 20];
    let call = Call::new("POST", &target)
        .bearer(&installation.key)
        .header("Content-Type", "application/octet-stream")
        .header("Odavl-Content-Sha256", &Sha256::of(&document).to_string());
    let bomb = zstd::encode_all(&document[..], 1).unwrap();
    drop(document);
    let bomb = call.clone().header("Content-Encoding", "zstd").body(bomb);
    bomb.send(service.address).unwrap().expect_problem(400, "invalid_input");

    for _ in 0..8 {
        let mut stream = connect(service.address).unwrap();
        stream.write_all(&call.clone().header("Content-Length", "50000000").head()).unwrap();
        stream.write_all(&vec![b' '; 1 << 20]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        // It may say why, or nothing.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let grown = service.peak() - at_first;
    assert!(grown < MEMORY, "{grown} KiB more");
    assert_eq!(service.used(&installation, "analyses"), 0);
    assert_eq!(service.used(&installation, "bytes"), 0);
}
