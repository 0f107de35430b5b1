//! The scenarios over HTTP, as any client sends them.

use odavl_core::{Clock, SystemClock, storage::Sha256};
use reqwest::{
    Method,
    blocking::{Client, RequestBuilder, Response},
};
use serde_json::{Value, json};

use crate::{
    Door,
    case::{Outcome, Step, Told},
    world::{Actors, World},
};

pub(crate) struct Http<'a> {
    world: &'a World,
    client: Client,
}

/// What the service said instead of an answer.
struct Refused(Outcome);

impl<'a> Http<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        // Whoever was first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { world, client: Client::new() }
    }
}

impl Door for Http<'_> {
    fn name(&self) -> &'static str {
        "http"
    }

    fn take(&self, step: &Step, key: &str, actors: &Actors) -> Outcome {
        let key = if step.verb == "verify" { &self.world.gateway } else { key };
        Call { http: self, step, key, actors }.take().unwrap_or_else(|Refused(outcome)| outcome)
    }
}

/// A step on its way.
struct Call<'a> {
    http: &'a Http<'a>,
    step: &'a Step,
    key: &'a str,
    actors: &'a Actors,
}

fn answer(response: Response) -> Result<Value, Refused> {
    if response.status().is_success() {
        return Ok(response.json().unwrap());
    }
    let problem: Value = response.json().unwrap();
    let code = Told::Code(problem["code"].as_str().unwrap().to_owned());
    Err(Refused(Outcome::Failed { code, fields: Some(problem) }))
}

impl Call<'_> {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.client.request(method, format!("{}/api/v1/{path}", self.http.world.url));
        let request = request.bearer_auth(self.key);
        match self.step.text("idempotency_key") {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Refused> {
        answer(self.request(Method::GET, path).query(query).send().unwrap())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        answer(self.request(Method::POST, path).json(body).send().unwrap())
    }

    fn take(&self) -> Result<Outcome, Refused> {
        match self.step.verb.as_str() {
            "key" | "keys" | "rotate" | "revoke" | "me" => self.keys(),
            "consume" | "usage" | "history" | "verify" => self.usage(),
            "reserve" | "settle" | "release" => self.reservations(),
            "put" => self.put(),
            _ => self.storage(),
        }
    }

    fn keys(&self) -> Result<Outcome, Refused> {
        let step = self.step;
        let id = || self.actors.key_id(step.needs("key"));
        let made = |new: Value| Outcome::saving(new["key"].clone(), new["secret"].as_str().unwrap());
        Ok(match step.verb.as_str() {
            "key" => {
                let scopes: Vec<_> = step.needs("scopes").split(' ').collect();
                let mut body = json!({ "name": step.needs("name"), "scopes": scopes });
                for name in ["environment", "limits", "allowed_ips"] {
                    if let Some(value) = step.takes.get(name) {
                        body[name] = value.clone();
                    }
                }
                made(self.post("api-keys", &body)?)
            }
            "keys" => {
                let page = self.get("api-keys", &[])?;
                let names = page["items"].as_array().unwrap().iter().map(|key| key["name"].clone());
                Outcome::done(json!({ "names": names.collect::<Vec<_>>() }))
            }
            "rotate" => {
                let body = json!({ "grace_seconds": step.number("grace").unwrap() });
                made(self.post(&format!("api-keys/{}/rotate", id()), &body)?)
            }
            "revoke" => {
                let path = format!("api-keys/{}", id());
                Outcome::done(answer(self.request(Method::DELETE, &path).send().unwrap())?)
            }
            _ => {
                let mut me = self.get("me", &[])?;
                me["name"] = me["key_name"].take();
                Outcome::done(me)
            }
        })
    }

    fn charges(&self) -> Vec<Value> {
        let charges = self.step.charges().into_iter();
        charges.map(|(meter, units)| json!({ "meter": meter, "units": units })).collect()
    }

    fn usage(&self) -> Result<Outcome, Refused> {
        let step = self.step;
        Ok(Outcome::done(match step.verb.as_str() {
            "consume" => {
                let units = step.number("units").unwrap_or(1);
                self.post("usage/consume", &json!({ "meter": step.needs("meter"), "units": units }))?
            }
            "usage" => {
                let usage = self.get("usage", &[])?;
                let meter = step.needs("meter");
                usage["limits"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|limit| limit["meter"] == meter)
                    .unwrap()
                    .clone()
            }
            "verify" => {
                let key = step.text("text").unwrap_or_else(|| self.actors.saved(step.needs("key")));
                let mut body = json!({ "key": key, "charges": self.charges() });
                for name in ["scope", "environment", "ip"] {
                    if let Some(value) = step.takes.get(name) {
                        body[name] = value.clone();
                    }
                }
                with_first(self.post("gateway/verify", &body)?)
            }
            _ => {
                let day = jiff::SignedDuration::from_hours(24);
                let now = SystemClock.now();
                let [from, to] = [now - day, now + day].map(|at| at.to_string());
                let query = [("meter", step.needs("meter")), ("from", &from), ("to", &to), ("window", "day")];
                let history = self.get("usage/history", &query)?;
                let buckets = history["items"].as_array().unwrap();
                let sum =
                    |name: &str| buckets.iter().map(|bucket| bucket[name].as_u64().unwrap()).sum::<u64>();
                json!({ "units": sum("units"), "count": sum("count") })
            }
        }))
    }

    fn reservations(&self) -> Result<Outcome, Refused> {
        let step = self.step;
        let body = json!({ "charges": self.charges() });
        let id = || self.actors.saved(step.needs("reservation"));
        let ended = match step.verb.as_str() {
            "reserve" => self.post("usage/reservations", &body)?,
            "settle" => self.post(&format!("usage/reservations/{}/settle", id()), &body)?,
            _ => {
                let path = format!("usage/reservations/{}/release", id());
                answer(self.request(Method::POST, &path).send().unwrap())?
            }
        };
        let id = ended["id"].as_str().unwrap().to_owned();
        Ok(Outcome::saving(with_first(ended), id))
    }

    /// By a presigned request, as clients do.
    fn put(&self) -> Result<Outcome, Refused> {
        let (step, bytes) = (self.step, self.step.bytes());
        let mut body = json!({
            "name": step.needs("name"),
            "size": bytes.len(),
            "sha256": Sha256::of(&bytes).to_string(),
        });
        for name in ["overwrite", "content_type"] {
            if let Some(value) = step.takes.get(name) {
                body[name] = value.clone();
            }
        }
        let ticket = self.post("storage/upload-url", &body)?;
        let sent = self.presigned(&ticket["request"], bytes);
        assert!(sent.status().is_success(), "{}", sent.text().unwrap());
        let path = format!("storage/uploads/{}/complete", ticket["upload"]["id"].as_str().unwrap());
        answer(self.request(Method::POST, &path).send().unwrap()).map(Outcome::done)
    }

    fn presigned(&self, request: &Value, body: Vec<u8>) -> Response {
        let method = request["method"].as_str().unwrap().parse().unwrap();
        let mut call = self.http.client.request(method, request["url"].as_str().unwrap()).body(body);
        for header in request["headers"].as_array().unwrap() {
            call = call.header(header["name"].as_str().unwrap(), header["value"].as_str().unwrap());
        }
        call.send().unwrap()
    }

    fn storage(&self) -> Result<Outcome, Refused> {
        let step = self.step;
        Ok(match step.verb.as_str() {
            "get" => {
                let request = self.post("storage/download-url", &json!({ "name": step.needs("name") }))?;
                Outcome::done(json!({ "text": self.presigned(&request, Vec::new()).text().unwrap() }))
            }
            "list" => {
                let limit = step.number("limit").map(|limit| limit.to_string());
                let query = [
                    ("prefix", step.text("prefix")),
                    ("delimiter", step.flag("folders").filter(|folders| *folders).map(|_| "/")),
                    ("limit", limit.as_deref()),
                    ("cursor", step.text("cursor").map(|name| self.actors.saved(name))),
                ];
                let query: Vec<_> =
                    query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                let page = self.get("storage/files", &query)?;
                let names = page["items"].as_array().unwrap().iter().map(|entry| entry["name"].clone());
                let fields = json!({
                    "names": names.collect::<Vec<_>>(),
                    "more": page["next_cursor"].is_string(),
                });
                Outcome::saving(fields, page["next_cursor"].as_str().unwrap_or_default())
            }
            "delete" => {
                let request =
                    self.request(Method::DELETE, "storage/files").query(&[("name", step.needs("name"))]);
                Outcome::done(answer(request.send().unwrap())?["object"].take())
            }
            "stats" => Outcome::done(self.get("storage/stats", &[])?),
            other => panic!("no door does `{other}`"),
        })
    }
}

/// The first limit's fields beside the others.
fn with_first(mut answer: Value) -> Value {
    for name in ["used", "remaining"] {
        answer[name] = answer["limits"][0][name].clone();
    }
    answer
}
