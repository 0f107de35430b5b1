//! Refusals in the audit: a sample, so that whoever is refused a thousand times a second fills no chain.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    auth::{Actor, AuditDraft},
    caller::Source,
    error::{Error, Reason, Result},
    ids::{AuditId, OrgId},
    odavl::Core,
    session::Context,
};

/// What a refusal is called in the audit; its target is the action that was refused.
const DENIED: &str = "denied";
/// The target where the credential itself was refused, before any action.
const CREDENTIAL: &str = "credential";
/// How long nothing more is recorded of an organisation, an action and a reason.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Kinds of refusals remembered at most; past it they are not.
const MOST: usize = 10_000;

/// Of what one entry is recorded in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    org: OrgId,
    action: &'static str,
    reason: Reason,
}

/// Someone who was refused.
#[derive(Debug, Clone)]
struct Refused {
    at: Timestamp,
    actor: Actor,
    address: Option<String>,
    request_id: String,
}

/// The refusals of a kind since the last entry.
#[derive(Debug)]
struct Sample {
    first: Option<Refused>,
    left_out: u64,
    /// When the next entry may be recorded.
    next_at: Timestamp,
}

/// Refusals that are to be recorded. Noting one waits for nothing and writes nothing.
#[derive(Debug, Default)]
pub(crate) struct Denials(Mutex<HashMap<Kind, Sample>>);

impl Denials {
    fn note(&self, kind: Kind, refused: Refused) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= MOST && !samples.contains_key(&kind) {
            return;
        }
        let fresh = || Sample { first: None, left_out: 0, next_at: refused.at };
        let sample = samples.entry(kind).or_insert_with(fresh);
        match &sample.first {
            Some(_) => sample.left_out = sample.left_out.saturating_add(1),
            None => sample.first = Some(refused),
        }
    }

    /// What may be recorded now: of each kind the first refusal, and how many more there were.
    fn take_due(&self, now: Timestamp) -> Vec<(Kind, Refused, u64)> {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.retain(|_, sample| now < sample.next_at || sample.first.is_some());
        let due = samples.iter_mut().filter(|(_, sample)| now >= sample.next_at);
        let taken = due.filter_map(|(kind, sample)| {
            let first = sample.first.take()?;
            sample.next_at = now.checked_add(WINDOW).unwrap_or(Timestamp::MAX);
            Some((*kind, first, std::mem::take(&mut sample.left_out)))
        });
        taken.collect()
    }
}

impl Core {
    /// Notes that someone was refused `action` for an organisation, where their credential was the reason.
    pub(crate) fn note_denied(
        &self,
        (org, actor): (OrgId, Actor),
        action: &'static str,
        context: &Context,
        error: &Error,
    ) {
        let Some(reason) = error.reason() else { return };
        let refused = Refused {
            at: self.clock.now(),
            actor,
            address: context.address.map(|address| address.to_canonical().to_string()),
            request_id: context.request_id.clone(),
        };
        self.denials.note(Kind { org, action, reason }, refused);
    }

    /// Notes that a credential was refused whose organisation is known.
    pub(crate) fn note_refused(&self, source: &Source, context: &Context, error: &Error) {
        let of = match source {
            Source::Key(token) => {
                self.views.key(token.id).map(|view| (view.org.org.id, Actor::Key(token.id)))
            }
            #[cfg(feature = "sign-in")]
            Source::Token(claims) => Some((claims.org, Actor::User(claims.sub))),
            #[cfg(feature = "sign-in")]
            Source::Cookie(_) => None,
            Source::System(_) | Source::Visitor => None,
        };
        if let Some(of) = of {
            self.note_denied(of, CREDENTIAL, context, error);
        }
    }

    /// Records the refusals that were noted.
    pub(crate) async fn record_denials(&self) -> Result<()> {
        let due = self.denials.take_due(self.clock.now());
        if due.is_empty() {
            return Ok(());
        }
        let records = due.into_iter().map(draft).collect::<Result<_>>()?;
        self.write(Vec::new(), Vec::new(), records).await
    }
}

fn draft((kind, refused, left_out): (Kind, Refused, u64)) -> Result<AuditDraft> {
    let detail = [("reason", kind.reason.as_str().to_owned()), ("left_out", left_out.to_string())];
    Ok(AuditDraft {
        id: AuditId::new(refused.at)?,
        org: kind.org,
        at: refused.at,
        actor: refused.actor.to_string(),
        action: DENIED.to_owned(),
        target: kind.action.to_owned(),
        address: refused.address,
        request_id: refused.request_id,
        detail: detail.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn kind(reason: Reason) -> Kind {
        static ORG: std::sync::LazyLock<OrgId> = std::sync::LazyLock::new(|| OrgId::new(START).unwrap());
        Kind { org: *ORG, action: "key.create", reason }
    }

    fn refused(after: i64) -> Refused {
        let at = START + SignedDuration::from_secs(after);
        Refused { at, actor: Actor::System, address: None, request_id: String::new() }
    }

    fn taken(denials: &Denials, after: i64) -> Vec<u64> {
        let due = denials.take_due(START + SignedDuration::from_secs(after));
        due.into_iter().map(|(_, _, left_out)| left_out).collect()
    }

    #[test]
    fn the_first_refusal_is_due_at_once_and_the_others_of_its_minute_are_counted() {
        let denials = Denials::default();
        for second in [0, 1, 2] {
            denials.note(kind(Reason::InsufficientScope), refused(second));
        }
        assert_eq!(taken(&denials, 3), [2]);
        for second in 3..63 {
            denials.note(kind(Reason::InsufficientScope), refused(second));
            assert_eq!(taken(&denials, 62), [0; 0]);
        }
        assert_eq!(taken(&denials, 63), [59]);
        assert_eq!(taken(&denials, 123), [0; 0]);
        assert!(denials.0.lock().unwrap().is_empty(), "it is forgotten once its minute is over");
    }

    #[test]
    fn another_reason_is_another_entry() {
        let denials = Denials::default();
        denials.note(kind(Reason::InsufficientScope), refused(0));
        denials.note(kind(Reason::Revoked), refused(0));
        assert_eq!(taken(&denials, 0), [0, 0]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let denials = Denials::default();
        for _ in 0..2 * MOST {
            let org = OrgId::new(START).unwrap();
            denials.note(Kind { org, ..kind(Reason::Revoked) }, refused(0));
        }
        assert_eq!(denials.0.lock().unwrap().len(), MOST);
    }
}
