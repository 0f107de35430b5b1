//! The scenarios in a program that has odavl in it.

use jiff::SignedDuration;
use odavl_core::{
    Clock, Error, Reason, Result, SystemClock,
    auth::{KeyToken, NewKeyRequest},
    gateway::{Verdict, VerifyRequest},
    ids::{KeyId, ReservationId},
    metering::{Allowance, Answer, Consume, Grouping, HistoryQuery, MeterName, Reserve, Resolution},
    page::PageQuery,
    secret::Secret,
    session::{Context, Session},
    storage::{Depth, ListQuery, Listed, NewObject, ObjectName, PutMode, collect, full},
};
use serde_json::{Value, json};

use crate::{
    Door,
    case::{Outcome, Step, Told},
    world::{Actors, World},
};

pub(crate) struct Library<'a>(&'a World);

impl<'a> Library<'a> {
    pub(crate) const fn new(world: &'a World) -> Self {
        Self(world)
    }
}

impl Door for Library<'_> {
    fn name(&self) -> &'static str {
        "core"
    }

    fn take(&self, step: &Step, key: &str, actors: &Actors) -> Outcome {
        let key = if step.verb == "verify" { &self.0.gateway } else { key };
        self.0.runtime.block_on(async {
            let taken = async {
                // As if it came from this machine, as over HTTP.
                let context = Context { address: Some([127, 0, 0, 1].into()), ..Context::default() };
                let session = self.0.odavl.authenticate(self.0.odavl.credential(key)?, context).await?;
                take(&session, step, actors).await
            };
            taken.await.unwrap_or_else(|error| failed(&error))
        })
    }
}

fn failed(error: &Error) -> Outcome {
    let standing = error.refusal().map(|refusal| &refusal.standing);
    let fields = json!({
        "meter": standing.map(|standing| standing.meter.to_string()),
        "limit": standing.and_then(|standing| standing.limit),
        "used": standing.map(|standing| standing.used),
    });
    Outcome::Failed { code: Told::Code(error.code().as_str().to_owned()), fields: Some(fields) }
}

async fn take(session: &Session, step: &Step, actors: &Actors) -> Result<Outcome> {
    match step.verb.as_str() {
        "key" | "keys" | "rotate" | "revoke" | "me" => keys(session, step, actors).await,
        "verify" => verify(session, step, actors).await,
        "consume" | "usage" | "history" => usage(session, step).await,
        "reserve" | "settle" | "release" => reservations(session, step, actors).await,
        _ => storage(session, step, actors).await,
    }
}

async fn keys(session: &Session, step: &Step, actors: &Actors) -> Result<Outcome> {
    let id = || actors.key_id(step.needs("key")).parse::<KeyId>();
    let secret = |token: Option<KeyToken>| token.unwrap().secret().reveal().clone();
    Ok(match step.verb.as_str() {
        "key" => {
            let new = session.keys().create(new_key(step)?).await?;
            let key = new.key;
            let fields = json!({
                "name": key.name,
                "scopes": key.scopes.to_vec(),
                "environment": key.environment.as_str(),
            });
            Outcome::saving(fields, secret(new.token))
        }
        "keys" => {
            let all = session.keys().list(&PageQuery::default()).await?;
            let names: Vec<_> = all.items.into_iter().map(|key| key.name).collect();
            Outcome::done(json!({ "names": names }))
        }
        "rotate" => {
            let grace = i64::try_from(step.number("grace").unwrap()).unwrap();
            let new = session.keys().rotate(id()?, SignedDuration::from_secs(grace)).await?;
            Outcome::saving(json!({ "name": new.key.name }), secret(new.token))
        }
        "revoke" => Outcome::done(json!({ "name": session.keys().revoke(id()?).await?.name })),
        _ => {
            let me = session.me().await?;
            Outcome::done(json!({ "name": me.key_name, "plan": me.plan, "scopes": me.scopes.to_vec() }))
        }
    })
}

fn new_key(step: &Step) -> Result<NewKeyRequest> {
    let mut wish = NewKeyRequest::new(step.needs("name"), step.needs("scopes").parse()?);
    wish.environment = step.text("environment").map_or(Ok(wish.environment), str::parse)?;
    for limit in step.takes.get("limits").and_then(Value::as_array).into_iter().flatten() {
        let per = limit["per"].as_str().map(str::parse).transpose()?;
        let allowance = Allowance { max: limit["max"].as_u64(), per, soft: false, ceiling: None };
        wish.limits.entry(limit["meter"].as_str().unwrap().parse()?).or_default().push(allowance);
    }
    for network in step.takes.get("allowed_ips").and_then(Value::as_array).into_iter().flatten() {
        wish.allowed_ips.push(network.as_str().unwrap().parse().unwrap());
    }
    Ok(wish)
}

async fn verify(session: &Session, step: &Step, actors: &Actors) -> Result<Outcome> {
    let key = step.text("text").unwrap_or_else(|| actors.saved(step.needs("key")));
    let request = VerifyRequest {
        scope: step.text("scope").unwrap_or_default().parse()?,
        charges: charges(step)?,
        environment: step.text("environment").map(str::parse).transpose()?,
        ip: step.text("ip").map(|ip| ip.parse().unwrap()),
        idempotency_key: step.text("idempotency_key").map(str::to_owned),
        ..VerifyRequest::new(Secret::new(key.to_owned()))
    };
    Ok(Outcome::done(match session.gateway().verify(request).await? {
        Verdict::Valid(identity) => {
            let first = identity.limits.first();
            json!({
                "valid": true,
                "used": first.map(|standing| standing.used),
                "remaining": first.and_then(|standing| standing.remaining),
                "replayed": identity.replayed,
            })
        }
        Verdict::Invalid(error) => json!({
            "valid": false,
            "code": error.code().as_str(),
            "reason": error.reason().map(Reason::as_str),
            "used": error.refusal().map(|refusal| refusal.standing.used),
        }),
    }))
}

fn charges(step: &Step) -> Result<Vec<(MeterName, u64)>> {
    step.charges().into_iter().map(|(meter, units)| Ok((meter.parse()?, units))).collect()
}

async fn usage(session: &Session, step: &Step) -> Result<Outcome> {
    let meter: MeterName = step.needs("meter").parse()?;
    Ok(Outcome::done(match step.verb.as_str() {
        "consume" => {
            let wish = Consume {
                idempotency_key: step.text("idempotency_key").map(str::to_owned),
                ..Consume::new(meter, step.number("units").unwrap_or(1))
            };
            standing(&session.usage().consume(wish).await?)
        }
        "usage" => {
            let report = session.usage().read().await?;
            let found = report.limits.iter().find(|standing| standing.meter == meter).unwrap();
            json!({
                "used": found.used,
                "limit": found.limit,
                "remaining": found.remaining,
                "warning": found.warning,
            })
        }
        _ => {
            let now = SystemClock.now();
            let query = HistoryQuery {
                meter,
                from: now.checked_sub(SignedDuration::from_hours(24)).unwrap(),
                to: now.checked_add(SignedDuration::from_hours(24)).unwrap(),
                resolution: Resolution::Day,
                grouping: Grouping::Total,
            };
            let buckets = session.usage().history(&query).await?;
            json!({
                "units": buckets.iter().map(|bucket| bucket.units).sum::<i64>(),
                "count": buckets.iter().map(|bucket| bucket.count).sum::<u64>(),
            })
        }
    }))
}

fn standing(answer: &Answer) -> Value {
    let first = &answer.standings[0];
    json!({
        "units": first.units,
        "used": first.used,
        "limit": first.limit,
        "remaining": first.remaining,
        "warning": first.warning,
        "replayed": answer.replayed,
    })
}

async fn reservations(session: &Session, step: &Step, actors: &Actors) -> Result<Outcome> {
    let id = || actors.saved(step.needs("reservation")).parse::<ReservationId>();
    Ok(match step.verb.as_str() {
        "reserve" => {
            let wish = Reserve {
                units: charges(step)?,
                lifetime: SignedDuration::from_hours(1),
                idempotency_key: step.text("idempotency_key").map(str::to_owned),
                tags: std::collections::BTreeMap::new(),
            };
            let reserved = session.usage().reserve(wish).await?;
            Outcome::saving(standing(&reserved.answer), reserved.id.to_string())
        }
        "settle" => Outcome::done(standing(&session.usage().settle(id()?, charges(step)?).await?)),
        _ => Outcome::done(standing(&session.usage().release(id()?).await?)),
    })
}

async fn storage(session: &Session, step: &Step, actors: &Actors) -> Result<Outcome> {
    let name = || step.needs("name").parse::<ObjectName>();
    Ok(match step.verb.as_str() {
        "put" => {
            let mut wish = NewObject::new(name()?);
            if step.flag("overwrite") == Some(false) {
                wish.mode = PutMode::Create;
            }
            let bytes = step.bytes();
            wish.size = Some(bytes.len() as u64);
            let row = session.storage().put(wish, full(bytes)).await?;
            Outcome::done(json!({ "name": row.name.as_str(), "size": row.size }))
        }
        "get" => {
            let found = session.storage().read(&name()?, None).await?;
            let bytes = collect(found.bytes.body, 1 << 20).await?;
            Outcome::done(json!({ "text": String::from_utf8(bytes.to_vec()).unwrap() }))
        }
        "list" => {
            let mut page = PageQuery::default();
            if let Some(limit) = step.number("limit") {
                page.limit = u32::try_from(limit).unwrap();
            }
            page.cursor = step.text("cursor").map(|name| actors.saved(name).to_owned());
            let depth = if step.flag("folders") == Some(true) { Depth::Folders } else { Depth::All };
            let query = ListQuery::new(step.text("prefix").unwrap_or_default(), depth, page)?;
            let found = session.storage().list(&query).await?;
            let names: Vec<_> = found.items.iter().map(Listed::as_str).collect();
            let fields = json!({ "names": names, "more": found.next_cursor.is_some() });
            Outcome::saving(fields, found.next_cursor.unwrap_or_default())
        }
        "delete" => {
            let deleted = session.storage().delete(&name()?).await?;
            Outcome::done(json!({ "name": deleted.object.name.as_str() }))
        }
        "stats" => {
            let stats = session.storage().stats().await?;
            Outcome::done(json!({ "objects": stats.objects, "bytes": stats.bytes }))
        }
        other => panic!("no door does `{other}`"),
    })
}
