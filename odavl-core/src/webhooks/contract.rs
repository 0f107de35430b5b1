//! What every [`WebhookRows`] does: one function a behaviour.

#![expect(clippy::missing_panics_doc, reason = "a case panics when the adapter misbehaves")]

use std::{slice, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{Attempt, Claim, Delivery, DeliveryState, Endpoint, WebhookRows};
use crate::{
    error::{ErrorCode, Result},
    ids::{EventId, OrgId, WebhookId},
    page::PageQuery,
};

/// Rows, empty.
pub type Subject = Arc<dyn WebhookRows>;

/// Names a test for each behaviour, run on what `$new` makes: an async closure that answers a [`Subject`].
#[macro_export]
macro_rules! webhooks_contract {
    ($new:expr) => {
        $crate::webhooks_contract! { $new;
            endpoints_are_their_organisations_own_and_bounded,
            a_delivery_is_enqueued_once_and_not_for_an_endpoint_that_is_gone,
            endpoints_with_something_due_take_turns_however_much_is_due_for_one,
            what_is_due_is_claimed_by_one_and_again_when_nobody_reports,
            a_report_counts_once_and_a_replay_begins_anew,
            deliveries_come_newest_first_in_pages_and_are_forgotten_when_they_ended,
            another_organisations_rows_are_absent,
        }
    };
    ($new:expr; $($behaviour:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $behaviour() {
            let new = $new;
            $crate::webhooks::contract::$behaviour(new().await).await.unwrap();
        }
    )*};
}

const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn after(seconds: i64) -> Timestamp {
    START + SignedDuration::from_secs(seconds)
}

fn org() -> Result<OrgId> {
    OrgId::new(START)
}

fn endpoint(seconds: i64) -> Result<Endpoint> {
    Ok(Endpoint {
        id: WebhookId::new(after(seconds))?,
        url: "https://example.com/hook".to_owned(),
        description: "ours".to_owned(),
        sealed: vec![1, 2, 3],
        created_at: after(seconds),
    })
}

fn delivery(endpoint: &Endpoint, name: &str, seconds: i64) -> Delivery {
    Delivery {
        event: EventId::derive(&[name.as_bytes()]),
        endpoint: endpoint.id,
        payload: format!("{{\"name\":\"{name}\"}}"),
        created_at: after(seconds),
        attempts: 0,
        state: DeliveryState::Pending { next_at: after(seconds) },
        last: None,
    }
}

fn failed(delivery: &Delivery, next: i64) -> Delivery {
    Delivery {
        attempts: delivery.attempts + 1,
        state: DeliveryState::Pending { next_at: after(next) },
        last: Some(Attempt { at: after(next), status: None, error: Some("no answer".to_owned()) }),
        ..delivery.clone()
    }
}

fn delivered(delivery: &Delivery) -> Delivery {
    Delivery {
        attempts: delivery.attempts + 1,
        state: DeliveryState::Delivered,
        last: Some(Attempt { at: after(1), status: Some(200), error: None }),
        ..delivery.clone()
    }
}

async fn claim(
    rows: &Subject,
    (org, to): (OrgId, &Endpoint),
    (now, until): (i64, i64),
    most: u32,
) -> Result<Vec<EventId>> {
    let claim = Claim { now: after(now), until: after(until), most };
    let claimed = rows.claim(org, to.id, claim).await?.into_iter().collect::<Result<Vec<_>>>()?;
    assert!(claimed.iter().all(|delivery| delivery.state == DeliveryState::Pending { next_at: claim.until }));
    Ok(claimed.into_iter().map(|delivery| delivery.event).collect())
}

async fn all(rows: &Subject, org: OrgId, endpoint: &Endpoint) -> Result<Vec<Delivery>> {
    Ok(rows.deliveries(org, endpoint.id, &PageQuery::default()).await?.items)
}

/// At most so many, also when several are added at once; oldest first.
pub async fn endpoints_are_their_organisations_own_and_bounded(rows: Subject) -> Result<()> {
    let (one, two) = (org()?, org()?);
    let (first, second) = (endpoint(1)?, endpoint(0)?);
    assert!(rows.add(one, &first, 2).await? && rows.add(one, &second, 2).await?);
    assert!(!rows.add(one, &endpoint(2)?, 2).await?);
    assert_eq!(rows.endpoints(one).await?, [second.clone(), first.clone()]);
    assert_eq!(rows.endpoint(one, first.id).await?.as_ref(), Some(&first));
    assert!(rows.remove(one, first.id).await? && !rows.remove(one, first.id).await?);
    let mut adding = tokio::task::JoinSet::new();
    for seconds in 0..8 {
        let (rows, endpoint) = (rows.clone(), endpoint(seconds)?);
        adding.spawn(async move { rows.add(two, &endpoint, 3).await });
    }
    let added = adding.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    assert_eq!(added.into_iter().filter(|added| *added).count(), 3);
    assert_eq!((rows.endpoints(two).await?.len(), rows.endpoints(one).await?.len()), (3, 1));
    Ok(())
}

/// Once for an event and an endpoint; the first content stays.
pub async fn a_delivery_is_enqueued_once_and_not_for_an_endpoint_that_is_gone(rows: Subject) -> Result<()> {
    let (org, there, gone) = (org()?, endpoint(0)?, endpoint(1)?);
    rows.add(org, &there, 9).await?;
    let first = delivery(&there, "a", 0);
    rows.enqueue(org, &[first.clone(), delivery(&gone, "a", 0)]).await?;
    rows.enqueue(org, &[Delivery { payload: "other".to_owned(), ..first.clone() }]).await?;
    assert_eq!(all(&rows, org, &there).await?, slice::from_ref(&first));
    assert_eq!(all(&rows, org, &gone).await?, []);
    rows.remove(org, there.id).await?;
    assert_eq!(all(&rows, org, &there).await?, []);
    assert_eq!(
        (rows.due(after(9), None, 9).await?, claim(&rows, (org, &there), (9, 10), 9).await?),
        (vec![], vec![])
    );
    Ok(())
}

/// In the order of their ids, from any of them on; not those with nothing on its way, or later.
pub async fn endpoints_with_something_due_take_turns_however_much_is_due_for_one(
    rows: Subject,
) -> Result<()> {
    let mut receivers = Vec::new();
    for (seconds, due) in [(1, vec![0; 40]), (2, vec![]), (3, vec![7; 9]), (4, vec![9, 2]), (5, vec![3])] {
        let (org, to) = (org()?, endpoint(seconds)?);
        rows.add(org, &to, 9).await?;
        let due: Vec<_> =
            (0..).zip(due).map(|(name, at): (u32, _)| delivery(&to, &name.to_string(), at)).collect();
        rows.enqueue(org, &due).await?;
        receivers.push((org, to));
    }
    let name = |place: usize| (receivers[place].0, receivers[place].1.id);
    assert_eq!(rows.due(after(5), None, 9).await?, [name(0), name(3), name(4)]);
    assert_eq!(rows.due(after(5), None, 2).await?, [name(0), name(3)]);
    assert_eq!(rows.due(after(5), Some(name(0).1), 2).await?, [name(3), name(4)]);
    assert_eq!(rows.due(after(5), Some(name(4).1), 2).await?, []);
    assert_eq!(claim(&rows, (name(0).0, &receivers[0].1), (5, 60), 4).await?.len(), 4);
    assert_eq!(claim(&rows, (name(3).0, &receivers[3].1), (5, 60), 4).await?.len(), 1);
    assert_eq!(claim(&rows, (name(3).0, &receivers[0].1), (5, 60), 4).await?, [], "of another organisation");
    assert_eq!(rows.due(after(5), None, 9).await?, [name(0), name(4)]);
    assert_eq!(rows.due(after(-1), None, 9).await?, []);
    Ok(())
}

/// Each by one claimer, the longest due first.
pub async fn what_is_due_is_claimed_by_one_and_again_when_nobody_reports(rows: Subject) -> Result<()> {
    let (org, to) = (org()?, endpoint(0)?);
    rows.add(org, &to, 9).await?;
    let due: Vec<_> = (0..6).map(|number| delivery(&to, &number.to_string(), 6 - number)).collect();
    rows.enqueue(org, &due).await?;
    let first = claim(&rows, (org, &to), (2, 60), 9).await?;
    assert_eq!(first.len(), 2);
    assert!(first.contains(&due[5].event) && first.contains(&due[4].event));
    assert_eq!(claim(&rows, (org, &to), (4, 60), 1).await?, [due[3].event]);
    let mut claiming = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (rows, to) = (rows.clone(), to.clone());
        claiming.spawn(async move { claim(&rows, (org, &to), (6, 60), 1).await });
    }
    let claimed = claiming.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let mut claimed = claimed.concat();
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 3);
    assert_eq!(claim(&rows, (org, &to), (59, 120), 9).await?, []);
    assert_eq!(claim(&rows, (org, &to), (60, 120), 9).await?.len(), 6);
    Ok(())
}

/// Whoever was away too long does not undo what another one did.
pub async fn a_report_counts_once_and_a_replay_begins_anew(rows: Subject) -> Result<()> {
    let (org, to) = (org()?, endpoint(0)?);
    rows.add(org, &to, 9).await?;
    let first = delivery(&to, "a", 0);
    rows.enqueue(org, slice::from_ref(&first)).await?;
    let later = failed(&first, 30);
    assert!(rows.report(org, &later).await?);
    let refused = rows.replay(org, to.id, first.event, after(1)).await.map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::Conflict), "it is on its way");
    assert!(!rows.report(org, &delivered(&first)).await?, "another one has reported since");
    assert_eq!(all(&rows, org, &to).await?, slice::from_ref(&later));
    let ended = delivered(&later);
    assert!(rows.report(org, &ended).await?);
    assert!(!rows.report(org, &failed(&ended, 60)).await?, "it has arrived");
    assert_eq!(all(&rows, org, &to).await?, slice::from_ref(&ended));
    assert_eq!(claim(&rows, (org, &to), (99, 100), 9).await?, []);
    let again = rows.replay(org, to.id, first.event, after(50)).await?.unwrap_or_else(|| first.clone());
    assert_eq!((again.attempts, again.state), (0, DeliveryState::Pending { next_at: after(50) }));
    assert_eq!(again.payload, first.payload);
    assert_eq!(claim(&rows, (org, &to), (50, 100), 9).await?, [first.event]);
    assert!(rows.replay(org, to.id, first.event, after(51)).await.is_err(), "it is under way");
    assert_eq!(claim(&rows, (org, &to), (99, 120), 9).await?, [], "the refusal changed nothing");
    assert_eq!(rows.replay(org, to.id, EventId::derive(&[b"none"]), after(50)).await?, None);
    Ok(())
}

/// Pages miss and repeat nothing; what is on its way stays.
pub async fn deliveries_come_newest_first_in_pages_and_are_forgotten_when_they_ended(
    rows: Subject,
) -> Result<()> {
    let (org, to) = (org()?, endpoint(0)?);
    rows.add(org, &to, 9).await?;
    // Two of each second.
    let sent: Vec<_> = (0..7).map(|number| delivery(&to, &number.to_string(), number / 2)).collect();
    rows.enqueue(org, &sent).await?;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = rows.deliveries(org, to.id, &PageQuery { limit: 2, cursor }).await?;
        seen.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.windows(2).all(|two| two[0].created_at >= two[1].created_at));
    let mut events: Vec<_> = seen.iter().map(|delivery| delivery.event).collect();
    events.sort();
    events.dedup();
    assert_eq!(events.len(), 7);
    for delivery in &sent[..5] {
        rows.report(org, &delivered(delivery)).await?;
    }
    assert_eq!((rows.forget(after(2), 3).await?, rows.forget(after(2), 3).await?), (3, 1));
    assert_eq!(all(&rows, org, &to).await?.len(), 3);
    Ok(())
}

/// Nothing is seen or done across organisations.
pub async fn another_organisations_rows_are_absent(rows: Subject) -> Result<()> {
    let (own, other, to) = (org()?, org()?, endpoint(0)?);
    rows.add(own, &to, 9).await?;
    let sent = delivery(&to, "a", 0);
    rows.enqueue(own, slice::from_ref(&sent)).await?;
    rows.enqueue(other, &[delivery(&to, "b", 0)]).await?;
    assert_eq!(rows.endpoint(other, to.id).await?, None);
    assert_eq!((rows.endpoints(other).await?, all(&rows, other, &to).await?), (vec![], vec![]));
    assert!(!rows.remove(other, to.id).await? && !rows.report(other, &delivered(&sent)).await?);
    assert_eq!(rows.replay(other, to.id, sent.event, after(1)).await?, None);
    assert_eq!(all(&rows, own, &to).await?, [sent]);
    Ok(())
}
