//! A client: it asks, and on any failure asks another node the same again, until it is answered.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    demand::{Charge, End, What, Wish},
    node::Node,
};
use crate::{
    fire::Dice,
    wire::{Answer, Call},
};

/// A request that is not answered for so long never will be.
const MOST: Duration = Duration::from_mins(2);
/// How long an organisation's units are held before the sweeper has them back, in seconds.
const HELD: u64 = 5;
/// The same of those that nobody ends.
const LEFT: u64 = 1;

/// Whom clients ask, and what came of it.
pub(crate) struct Field<'a> {
    pub(crate) nodes: &'a [Node],
    /// The operator's key.
    pub(crate) gateway: &'a str,
    /// A key of each organisation.
    pub(crate) keys: &'a [String],
    pub(crate) wishes: Mutex<VecDeque<Wish>>,
    pub(crate) answered: AtomicU64,
    pub(crate) unanswered: AtomicU64,
    /// Answers that nobody may get, whatever fails.
    pub(crate) strange: Mutex<Vec<String>>,
}

/// What a client was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) wish: Wish,
    pub(crate) outcome: Outcome,
    /// How what it held ended.
    pub(crate) ended: Option<Ended>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Granted, in these words.
    Yes(Value),
    /// Refused by this code, until then.
    No(String, Option<String>),
    /// It was not answered.
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ended {
    /// As the client said, in these words.
    So(Value),
    /// It had expired.
    Expired,
}

impl Outcome {
    fn of(answer: &Answer) -> Self {
        let mut body = answer.json();
        let is_no = answer.status == 429 || body["valid"] == false || body["outcome"] == "rejected";
        if is_no {
            let limit = &body["limits"][0];
            let until = body["resets_at"].as_str().or(limit["resets_at"].as_str()).map(str::to_owned);
            return Self::No(body["code"].as_str().unwrap_or_default().to_owned(), until);
        }
        // A retry gets the same, and is told that it is one.
        body.as_object_mut().unwrap().remove("replayed");
        Self::Yes(body)
    }

    pub(crate) fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

impl Field<'_> {
    /// Asks for what is left to ask for; answers what it was told.
    pub(crate) fn work(&self, mut dice: Dice) -> Vec<Told> {
        let mut told = Vec::new();
        loop {
            // Not in the condition of the loop, where it would be locked throughout.
            let next = self.wishes.lock().unwrap().pop_front();
            let Some(wish) = next else { return told };
            self.act(wish, &mut dice, &mut told);
        }
    }

    fn act(&self, wish: Wish, dice: &mut Dice, told: &mut Vec<Told>) {
        match wish.what {
            What::Events(..) => told.extend(self.tell(wish, dice)),
            What::ConsumeOnce(_) => {
                let patience = patience(dice);
                let outcome = self.ask_once(&self.call(&wish), patience, dice);
                let outcome = outcome.map_or(Outcome::Unknown, |answer| self.outcome(&answer));
                told.push(Told { wish, outcome, ended: None });
            }
            What::Reserve(held, end) => {
                let outcome = self.outcome(&self.ask(&self.call(&wish), dice));
                let ended = self.end(&wish, &outcome, (held, end), dice);
                told.push(Told { wish, outcome, ended });
            }
            _ => {
                let outcome = self.outcome(&self.ask(&self.call(&wish), dice));
                told.push(Told { wish, outcome, ended: None });
            }
        }
    }

    /// Asks what was answered once more; answers the difference.
    pub(crate) fn again(&self, told: &Told, dice: &mut Dice) -> Option<String> {
        let Told { wish, outcome, ended } = told;
        let rated = matches!(outcome, Outcome::No(code, _) if code == "rate_limited");
        if matches!(wish.what, What::ConsumeOnce(_)) || *outcome == Outcome::Unknown || rated {
            return None;
        }
        let same = match (&outcome, self.outcome(&self.ask(&self.call(wish), dice))) {
            // Where the limit stands is told as it is now.
            (Outcome::No(code, _), Outcome::No(again, _)) => *code == again,
            (first, again) => **first == again,
        };
        let What::Reserve(held, end) = wish.what else {
            return (!same).then(|| format!("{} was answered otherwise than first: {outcome:?}", wish.name));
        };
        let again = self.end(wish, outcome, (held, end), dice);
        (!same || again != *ended)
            .then(|| format!("{} ended otherwise than first: {outcome:?}, {ended:?}, {again:?}", wish.name))
    }

    /// A batch of events, until each of them is told what came of it.
    fn tell(&self, wish: Wish, dice: &mut Dice) -> Vec<Told> {
        let answer = self.ask(&self.call(&wish), dice);
        let results = if answer.status == 200 { answer.json() } else { self.strange(&answer) };
        let told = |(wish, result): (Wish, &Value)| {
            let outcome = match result["outcome"].as_str() {
                Some("accepted" | "duplicate") => Outcome::Yes(Value::Null),
                Some("rejected") => Outcome::No(result["code"].as_str().unwrap_or_default().to_owned(), None),
                _ => {
                    self.strange.lock().unwrap().push(format!("{}: {result}", wish.name));
                    Outcome::Unknown
                }
            };
            Told { wish, outcome, ended: None }
        };
        let results = results["items"].as_array().cloned().unwrap_or_default();
        wish.each().into_iter().zip(&results).map(told).collect()
    }

    /// Ends what was granted to be held, as the client wants.
    fn end(
        &self,
        wish: &Wish,
        outcome: &Outcome,
        (held, end): (Charge, End),
        dice: &mut Dice,
    ) -> Option<Ended> {
        let Outcome::Yes(reservation) = outcome else { return None };
        let (verb, body) = match end {
            End::Settle(units) => ("settle", json!({"charges": [{"meter": held.0, "units": units}]})),
            End::Release => ("release", Value::Null),
            End::Leave => return None,
        };
        let path = format!("/api/v1/usage/reservations/{}/{verb}", reservation["id"].as_str().unwrap());
        let call = if body.is_null() { Call::new("POST", &path) } else { Call::post(&path, &body) };
        let answer = self.ask(&call.bearer(&self.keys[wish.org]), dice);
        match answer.status {
            404 => Some(Ended::Expired),
            _ => match self.outcome(&answer) {
                Outcome::Yes(body) => Some(Ended::So(body)),
                no => {
                    self.strange.lock().unwrap().push(format!("{path}: {no:?}"));
                    None
                }
            },
        }
    }

    /// A decision, or else something strange.
    fn outcome(&self, answer: &Answer) -> Outcome {
        match answer.status {
            200 | 429 => {
                let body = answer.json();
                // An event by itself is the first of a batch of one.
                match body["items"][0]["outcome"].as_str() {
                    Some("accepted" | "duplicate") => Outcome::Yes(Value::Null),
                    Some("rejected") => {
                        Outcome::No(body["items"][0]["code"].as_str().unwrap().to_owned(), None)
                    }
                    Some(_) => {
                        self.strange(answer);
                        Outcome::Unknown
                    }
                    None => Outcome::of(answer),
                }
            }
            _ => {
                self.strange(answer);
                Outcome::Unknown
            }
        }
    }

    fn strange(&self, answer: &Answer) -> Value {
        self.strange.lock().unwrap().push(answer.to_string());
        Value::Null
    }

    /// Asks until it is answered, after each failure another node.
    pub(crate) fn ask(&self, call: &Call, dice: &mut Dice) -> Answer {
        let begun = Instant::now();
        let mut patience = patience(dice);
        loop {
            assert!(begun.elapsed() < MOST, "there is no answer to {call:?}");
            if let Some(answer) = self.ask_once(call, patience, dice) {
                return answer;
            }
            // Whoever is impatient must not be so for ever: then nobody has the time to answer.
            patience = (patience * 2).min(Duration::from_secs(20));
            thread::sleep(Duration::from_millis(1 + dice.below(20)));
        }
    }

    fn ask_once(&self, call: &Call, patience: Duration, dice: &mut Dice) -> Option<Answer> {
        let node = usize::try_from(dice.below(self.nodes.len() as u64)).unwrap();
        let answer = self.nodes[node].address().and_then(|address| call.send_within(address, patience).ok());
        let answer = answer.filter(|answer| ![503, 504].contains(&answer.status));
        let count = if answer.is_some() { &self.answered } else { &self.unanswered };
        count.fetch_add(1, Ordering::Relaxed);
        answer
    }

    fn call(&self, wish: &Wish) -> Call {
        let Wish { name, org, what } = wish;
        let tags = json!({"name": name});
        let own = |path: &str, body: &Value| Call::post(path, body).bearer(&self.keys[*org]);
        let charge = |(meter, units): &Charge| json!({"meter": meter, "units": units});
        let consume = |(meter, units): &Charge| {
            own("/api/v1/usage/consume", &json!({"meter": meter, "units": units, "tags": tags}))
        };
        match what {
            What::Verify(charges) => {
                let charges: Vec<_> = charges.iter().map(charge).collect();
                let body = json!({"key": self.keys[*org], "scope": "insight:write", "charges": charges,
                    "idempotency_key": name, "tags": tags});
                Call::post("/api/v1/gateway/verify", &body).bearer(self.gateway)
            }
            What::Consume(charge) => consume(charge).header("Idempotency-Key", name),
            What::ConsumeOnce(charge) => consume(charge),
            What::Events(..) | What::Event(_) => {
                let event = |Wish { name, what, .. }: Wish| {
                    let What::Event(meter) = what else { unreachable!() };
                    json!({"specversion": "1.0", "id": name, "source": "/torture", "type": meter,
                        "data": {"units": 1, "tags": {"name": name}}})
                };
                let events: Vec<_> = wish.clone().each().into_iter().map(event).collect();
                own("/api/v1/usage/events", &events.into())
            }
            What::Reserve(held, end) => {
                let lifetime = if matches!(end, End::Leave) { LEFT } else { HELD };
                let body = json!({"charges": [charge(held)], "expires_in": lifetime, "tags": tags,
                    "idempotency_key": name});
                own("/api/v1/usage/reservations", &body)
            }
        }
    }
}

/// How long a client waits at first: now and then hardly at all, so that what it asked is under way twice.
fn patience(dice: &mut Dice) -> Duration {
    match dice.below(8) {
        0 => Duration::from_millis(20 + dice.below(200)),
        1 => Duration::from_secs(1),
        _ => Duration::from_secs(5),
    }
}
