//! What nodes need of each other.

use jiff::{SignedDuration, Timestamp};

use super::{Change, Lease, LeaseWish, NOW, Subject, apply, at_once, draft, drawn, raced, refused, write};
use crate::{
    auth::Write,
    error::{ErrorCode, Result},
};

const LONG: SignedDuration = SignedDuration::from_hours(1);

async fn take(auth: &Subject, holder: &str, lives: SignedDuration) -> Result<Option<Lease>> {
    let (name, holder) = ("sweep".to_owned(), holder.to_owned());
    auth.take_lease(&LeaseWish { name, holder, at: NOW, lives }).await
}

async fn fence(auth: &Subject, holder: &str, lives: SignedDuration) -> Result<Option<u64>> {
    Ok(take(auth, holder, lives).await?.map(|lease| lease.fence))
}

/// Whoever asks again in time keeps it; the next one's fence is higher.
pub async fn a_lease_is_one_node_s_until_it_ends(auth: Subject) -> Result<()> {
    assert_eq!(fence(&auth, "first", LONG).await?, Some(1));
    assert_eq!(fence(&auth, "second", LONG).await?, None);
    assert_eq!(fence(&auth, "first", LONG).await?, Some(1));
    assert_eq!(fence(&auth, "first", SignedDuration::ZERO).await?, Some(1), "given up");
    assert_eq!(fence(&auth, "second", LONG).await?, Some(2));
    assert_eq!(fence(&auth, "first", SignedDuration::ZERO).await?, None, "not theirs to give up");
    assert_eq!(fence(&auth, "second", LONG).await?, Some(2));
    let other = LeaseWish { name: "other".into(), holder: "first".into(), at: NOW, lives: LONG };
    let other = auth.take_lease(&other).await?;
    assert_eq!(other.map(|lease| (lease.fence, lease.holder)), Some((1, "first".to_owned())));
    Ok(())
}

/// One that was not renewed in time may have been anybody's meanwhile, so its fence rises for its former holder, too.
pub async fn a_lease_that_ended_is_another_one(auth: Subject) -> Result<()> {
    assert_eq!(fence(&auth, "first", SignedDuration::ZERO).await?, Some(1));
    assert_eq!(fence(&auth, "first", LONG).await?, Some(2));
    Ok(())
}

/// Of many who ask at once one holds it.
pub async fn of_those_who_take_a_lease_at_once_one_holds_it(auth: Subject) -> Result<()> {
    let takers = (0..16).map(|taker| {
        let auth = auth.clone();
        async move { fence(&auth, &taker.to_string(), LONG).await }
    });
    let fences = at_once(takers).await.into_iter().collect::<Result<Vec<_>>>()?;
    assert_eq!(fences.into_iter().flatten().collect::<Vec<_>>(), [1]);
    Ok(())
}

/// A node that was stopped, and goes on when another has taken over, writes nothing under the lease that it had.
pub async fn a_write_under_a_lease_that_was_taken_over_is_refused_whole(auth: Subject) -> Result<()> {
    let org = super::added_org(&auth, "org").await?;
    let under = |fence| Change::UnderLease { name: "sweep".into(), fence };
    assert_eq!(refused(&auth, [under(1)]).await, Some(ErrorCode::Conflict), "nobody holds it");
    assert_eq!(fence(&auth, "first", SignedDuration::ZERO).await?, Some(1));
    apply(&auth, [under(1)]).await?;
    assert_eq!(fence(&auth, "second", LONG).await?, Some(2));
    let audit = vec![draft(org.id, "webhook.send")?];
    let late = auth.write(Write { audit, ..write([under(1)]) }).await;
    assert_eq!(late.err().map(|error| error.code()), Some(ErrorCode::Conflict));
    assert_eq!(auth.audit_head(org.id).await?, None);
    apply(&auth, [under(2)]).await
}

/// What the master key is known by is put there by one, and replaced by whoever knows it.
pub async fn of_two_first_nodes_one_says_what_the_master_key_is(auth: Subject) -> Result<()> {
    assert_eq!(auth.key_check().await?, None);
    let (one, two) = (drawn()?, drawn()?);
    let put = |from, to| vec![Change::PutKeyCheck { from, to }];
    let refusals = raced(&auth, vec![put(None, one), put(None, two)]).await;
    assert_eq!(refusals, [ErrorCode::Conflict]);
    let there = auth.key_check().await?;
    assert!([Some(one), Some(two)].contains(&there));
    let next = drawn()?;
    assert_eq!(refused(&auth, put(Some(next), next)).await, Some(ErrorCode::Conflict));
    apply(&auth, put(there, next)).await?;
    assert_eq!(auth.key_check().await?, Some(next));
    Ok(())
}

/// A database that has a clock tells the time.
pub async fn the_time_is_the_database_s_own_where_it_has_any(auth: Subject) -> Result<()> {
    if let (Some(before), Some(after)) = (auth.time().await?, auth.time().await?) {
        assert!(Timestamp::UNIX_EPOCH < before && before <= after);
    }
    Ok(())
}
