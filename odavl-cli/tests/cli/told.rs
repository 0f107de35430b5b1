//! Webhooks by `odavl serve`: two nodes tell a receiver of each threshold once, signed as Standard Webhooks says.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::Child,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::hmac;
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    support::{Ended, Person, line_of, piped},
};

/// Longer than a delivery takes, and than it waits after its first try.
const LONG: Duration = Duration::from_mins(1);

/// A message that came.
struct Message {
    headers: BTreeMap<String, String>,
    body: String,
    answered: u16,
}

impl Message {
    fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    fn threshold(&self) -> u64 {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["meter"]),
            (&json!("usage.threshold_reached"), &json!("insight_analyses"))
        );
        body["data"]["threshold"].as_u64().unwrap()
    }

    /// Proves it as the specification tells receivers to.
    #[track_caller]
    fn verify(&self, secret: &str) {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        let signature = self.headers["webhook-signature"].strip_prefix("v1,").unwrap();
        let signature = BASE64_STANDARD.decode(signature).unwrap();
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes(), &signature).unwrap();
    }
}

/// A receiver that answers the first message so, and takes all others.
fn receiver(first: u16) -> (String, Receiver<Message>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut headers, mut line) = (BTreeMap::new(), String::new());
            stream.read_line(&mut line).unwrap();
            assert_eq!(line, "POST /hook HTTP/1.1\r\n");
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                let Some((name, value)) = line.split_once(':') else { break };
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let answered = if number == 0 { first } else { 204 };
            let head = format!("HTTP/1.1 {answered} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.get_mut().write_all(head.as_bytes()).unwrap();
            let body = String::from_utf8(body).unwrap();
            if tell.send(Message { headers, body, answered }).is_err() {
                break;
            }
        }
    });
    (url, told)
}

/// A call of the API with the key that somebody is signed in with.
fn call(cluster: &Cluster, person: &Person, method: &str, path: &str, body: &Value) -> Value {
    let url = &cluster.relay.url;
    let key = person.credentials()["servers"][url]["key"].as_str().unwrap().to_owned();
    let headers =
        [("authorization", format!("Bearer {key}")), ("content-type", "application/json".to_owned())];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    let answer = cluster.send(method, &format!("{url}/api/v1/webhooks{path}"), &headers, body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn two_nodes_tell_of_each_threshold_once_and_again_where_it_was_not_taken() {
    let cluster = Cluster::start("told", 2, "private_webhooks = true\n");
    let person = cluster.signed_in("--scope usage:admin --scope org:admin");
    // However often we look.
    cluster.admin("org limit acme api_calls 1000000", "").well();
    let (url, told) = receiver(500);
    let made = call(&cluster, &person, "POST", "", &json!({"url": url, "description": "ours"}));
    let (secret, id) = (made["secret"].as_str().unwrap(), made["webhook"]["id"].as_str().unwrap());

    // Ten at once, at both nodes, and two more than there are.
    let consume = || piped(&mut person.command("usage consume insight_analyses")).spawn().unwrap();
    let asked: Vec<Child> = (0..12).map(|_| consume()).collect();
    let ended = asked.into_iter().map(|mut asked| asked.wait().unwrap().code());
    assert_eq!(ended.filter(|code| *code == Some(0)).count(), 10);

    let (mut taken, mut refused) = (BTreeMap::new(), Vec::new());
    while taken.len() < 3 || !refused.iter().all(|id| taken.values().any(|taken| taken == id)) {
        let message = told.recv_timeout(LONG).unwrap();
        message.verify(secret);
        match message.answered {
            500 => refused.push(message.id().to_owned()),
            _ => assert_eq!(taken.insert(message.threshold(), message.id().to_owned()), None),
        }
    }
    assert_eq!((taken.keys().copied().collect::<Vec<_>>(), refused.len()), (vec![80, 90, 100], 1));
    // Nothing is on its way any more, so nothing comes twice.
    let path = format!("/{id}/deliveries");
    let delivered = || {
        let listed = call(&cluster, &person, "GET", &path, &Value::Null);
        listed["items"].as_array().unwrap().clone()
    };
    while delivered().iter().any(|delivery| delivery["state"] == "pending") {
        thread::yield_now();
    }
    let delivered = delivered();
    let tries: u64 = delivered.iter().map(|delivery| delivery["attempts"].as_u64().unwrap()).sum();
    assert_eq!((delivered.len(), tries), (3, 4), "{delivered:?}");
    assert!(told.try_recv().is_err());
    assert!(!cluster.logs().contains(secret));
}

/// Ends the process that it is of.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn serve_makes_the_backups_that_are_due_and_tells_of_them() {
    let person = Person::new();
    let (url, told) = receiver(204);
    let config = format!(
        "[backup]\nstore = '{}'\nunencrypted = true\n\
         [backup.alerts]\nwebhook_url = '{url}'\nwebhook_secret_env = 'HOOK_SECRET'\non_success = true\n\
         [backup.sources.own]\nschedule = '0 2 * * *'\n",
        person.home.path().join("backups").display()
    );
    person.file("odavl.toml", config.as_bytes());
    let secret = format!("whsec_{}", BASE64_STANDARD.encode([7; 32]));
    let mut serve = person.command("serve --listen 127.0.0.1:0");
    let mut serving = Ending(piped(serve.env("HOOK_SECRET", &secret)).spawn().unwrap());
    assert!(line_of(serving.0.stdout.as_mut().unwrap()).starts_with("odavl is at "));

    let message = told.recv_timeout(LONG).unwrap();
    message.verify(&secret);
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["source"]), (&json!("backup.completed"), &json!("own")));
    let command =
        |line: &str| Ended::from(person.command(line).env("HOOK_SECRET", &secret).output().unwrap());
    let listed = command("backup list own --json").json();
    assert_eq!((&listed["id"], &listed["proof"]), (&body["data"]["backup"], &json!("verified")));
}
