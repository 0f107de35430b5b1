//! API keys.

use super::{NOW, Subject, added_org, added_person, apply, drawn, found, key, later, raced, refused};
use crate::{
    auth::{ApiKey, Change, Environment},
    error::{ErrorCode, Result},
    ids::{KeyId, OrgId},
    metering::Allowance,
};

fn add(key: ApiKey, most: Option<u64>) -> Change {
    Change::AddKey { key: Box::new(key), most }
}

fn set(key: ApiKey) -> Change {
    Change::SetKey(Box::new(key))
}

/// Every field comes back, and changes come back.
pub async fn a_key_is_read_back_as_written(auth: Subject) -> Result<()> {
    let (org, owner) = (added_org(&auth, "org").await?.id, added_person(&auth, "ada").await?.id);
    let allowance = Allowance { max: Some(5), per: None, soft: false, ceiling: None };
    let full = ApiKey {
        owner: Some(owner),
        name: "build; DROP TABLE api_keys".into(),
        environment: Environment::Test,
        metadata: [("k".into(), "v".into())].into(),
        limits: [("api_calls".parse()?, vec![allowance])].into(),
        allowed_ips: ["10.0.0.0/8", "2001:db8::/32"].into_iter().flat_map(str::parse).collect(),
        previous: Some((drawn()?, later(60))),
        disabled: true,
        expires_at: Some(later(100)),
        revoked_at: Some(later(50)),
        last_used_at: Some(later(1)),
        rev: 3,
        ..key(org)?
    };
    assert_eq!(full.allowed_ips.len(), 2);
    apply(&auth, [add(full.clone(), None)]).await?;
    same(&found(auth.key(full.id).await?)?, &full);

    let plain = ApiKey { id: full.id, rev: full.rev, ..key(org)? };
    apply(&auth, [set(plain.clone())]).await?;
    same(&found(auth.key(full.id).await?)?, &ApiKey { rev: 4, last_used_at: full.last_used_at, ..plain });
    assert!(auth.key(KeyId::new(NOW)?).await?.is_none());
    assert_eq!(refused(&auth, [add(full, None)]).await, Some(ErrorCode::AlreadyExists));
    Ok(())
}

fn same(read: &ApiKey, written: &ApiKey) {
    assert_eq!(format!("{read:?}"), format!("{written:?}"));
    assert_eq!((read.digest, read.previous), (written.digest, written.previous));
}

/// Neither an older row nor another organisation's name for it changes a key.
pub async fn a_stale_key_or_another_organization_s_is_refused(auth: Subject) -> Result<()> {
    let (org, other) = (added_org(&auth, "org").await?.id, added_org(&auth, "other").await?.id);
    let ours = key(org)?;
    apply(&auth, [add(ours.clone(), None), set(ours.clone())]).await?;
    let renamed = ApiKey { name: "renamed".into(), ..ours.clone() };
    assert_eq!(refused(&auth, [set(renamed.clone())]).await, Some(ErrorCode::Conflict));
    let stolen = ApiKey { org: other, rev: 2, ..renamed };
    assert_eq!(refused(&auth, [set(stolen)]).await, Some(ErrorCode::NotFound));
    let read = found(auth.key(ours.id).await?)?;
    assert_eq!((read.org, read.name, read.rev), (org, ours.name, 2));
    Ok(())
}

/// Sixteen at once, and three places.
pub async fn no_more_keys_are_active_than_the_most_whoever_adds_them(auth: Subject) -> Result<()> {
    let org = added_org(&auth, "org").await?.id;
    let adds: Result<Vec<_>> = (0..16).map(|_| Ok(vec![add(key(org)?, Some(3))])).collect();
    assert_eq!(raced(&auth, adds?).await, [ErrorCode::PreconditionFailed; 13]);
    assert_eq!(auth.active_keys(org, NOW).await?, 3);
    let other = added_org(&auth, "other").await?.id;
    apply(&auth, [add(key(other)?, Some(1)), add(key(org)?, None)]).await
}

/// A disabled key still holds its place; from the instant of its end a key does not.
pub async fn a_revoked_or_expired_key_makes_room(auth: Subject) -> Result<()> {
    let org: OrgId = added_org(&auth, "org").await?.id;
    let disabled = ApiKey { disabled: true, ..key(org)? };
    let expiring = ApiKey { expires_at: Some(later(10)), ..key(org)? };
    apply(&auth, [add(disabled.clone(), Some(2)), add(expiring, Some(2))]).await?;
    let at =
        |seconds| -> Result<Change> { Ok(add(ApiKey { created_at: later(seconds), ..key(org)? }, Some(2))) };
    assert_eq!(refused(&auth, [at(9)?]).await, Some(ErrorCode::PreconditionFailed));
    apply(&auth, [at(10)?]).await?;
    assert_eq!((auth.active_keys(org, later(9)).await?, auth.active_keys(org, later(10)).await?), (3, 2));

    let revoked = ApiKey { revoked_at: Some(later(10)), ..disabled };
    assert_eq!(refused(&auth, [at(11)?]).await, Some(ErrorCode::PreconditionFailed));
    apply(&auth, [set(revoked), at(11)?]).await?;
    assert_eq!(auth.active_keys(org, later(11)).await?, 2);
    Ok(())
}

/// A use that comes late or names another organisation moves nothing; a change of the key keeps it.
pub async fn a_last_use_only_moves_forward_and_is_no_change(auth: Subject) -> Result<()> {
    let (org, other) = (added_org(&auth, "org").await?.id, added_org(&auth, "other").await?.id);
    let ours = key(org)?;
    apply(&auth, [add(ours.clone(), None)]).await?;
    auth.touch_keys(&[]).await?;
    auth.touch_keys(&[(org, KeyId::new(NOW)?, later(5)), (org, ours.id, later(5)), (org, ours.id, later(3))])
        .await?;
    auth.touch_keys(&[(org, ours.id, later(4)), (other, ours.id, later(9))]).await?;
    let read = found(auth.key(ours.id).await?)?;
    assert_eq!((read.last_used_at, read.rev), (Some(later(5)), 1));
    apply(&auth, [set(ours.clone())]).await?;
    assert_eq!(found(auth.key(ours.id).await?)?.last_used_at, Some(later(5)));

    // However many are told of at once.
    let mut many = Vec::new();
    for _ in 0..250 {
        many.push((org, KeyId::new(NOW)?, later(6)));
    }
    many.push((org, ours.id, later(6)));
    auth.touch_keys(&many).await?;
    assert_eq!(found(auth.key(ours.id).await?)?.last_used_at, Some(later(6)));
    Ok(())
}
