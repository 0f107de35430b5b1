//! Writes, epochs and the audit chain.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Subject, added_org, added_person, apply, at_once, draft, later, member, organization, person, project,
    raced, seal, write,
};
use crate::{
    auth::{AuditEntry, AuditHead, Change, OrgRef, Place, Reply, Role, User, Write},
    error::{ErrorCode, Result},
    ids::{KeyId, OrgId},
    page::PageQuery,
    secret::Digest,
};

/// A change, an epoch or a record that is refused takes all the others with it, wherever it stands.
pub async fn a_write_happens_whole_or_not_at_all(auth: Subject) -> Result<()> {
    let (org, known) = (added_org(&auth, "known").await?, added_person(&auth, "known").await?);
    let nowhere = OrgId::new(later(0))?;
    let stale = Change::SetUser(User { rev: 9, name: "renamed".into(), ..known.clone() });
    for (last, bump, record) in
        [(Some(stale), org.id, org.id), (None, nowhere, org.id), (None, org.id, nowhere)]
    {
        let (new_org, new_user) = (organization("new")?, person("new")?);
        let mut changes = vec![
            Change::AddOrg(new_org.clone()),
            Change::AddUser(new_user.clone()),
            Change::PutMember(member(new_org.id, new_user.id, Role::Owner)),
            Change::SetUser(User { name: "renamed".into(), ..known.clone() }),
        ];
        changes.extend(last);
        let audit = vec![draft(org.id, "first")?, draft(record, "second")?];
        let refused = auth.write(Write { changes, bump: vec![org.id, bump], audit, seal: seal() }).await;
        assert!(refused.is_err());
        assert!(auth.org(&OrgRef::Id(new_org.id)).await?.is_none());
        assert!(auth.user(new_user.id).await?.is_none());
        assert!(auth.membership(new_org.id, new_user.id).await?.is_none());
        assert_eq!(auth.user(known.id).await?.map(|user| user.name), Some(known.name.clone()));
        assert_eq!((auth.epoch(org.id).await?, auth.audit_head(org.id).await?), (Some(0), None));
    }
    Ok(())
}

/// A retry that comes while the first is still at work makes nothing twice.
pub async fn of_two_notes_of_one_idempotency_key_one_is_kept_with_what_was_written(
    auth: Subject,
) -> Result<()> {
    let (org, other) = (added_org(&auth, "org").await?, added_org(&auth, "other").await?);
    let note = |org| Reply {
        org,
        key: Digest::of(b"key"),
        request: Digest::of(b"request"),
        target: "prj_1".into(),
        expires_at: later(10),
    };
    let first = vec![Change::AddReply(note(org.id)), Change::AddProject(project(org.id, "first")?)];
    let second = vec![Change::AddProject(project(org.id, "second")?), Change::AddReply(note(org.id))];
    assert_eq!(raced(&auth, vec![first, second]).await, [ErrorCode::AlreadyExists]);
    assert_eq!(auth.projects(org.id, &PageQuery::default()).await?.items.len(), 1);
    assert_eq!(auth.reply(org.id, &note(org.id).key).await?, Some(note(org.id)));
    assert_eq!(auth.reply(other.id, &note(org.id).key).await?, None);
    apply(&auth, [Change::AddReply(note(other.id)), Change::DropEnded { at: later(10) }]).await?;
    assert!(auth.reply(other.id, &note(org.id).key).await?.is_some());
    apply(&auth, [Change::DropEnded { at: later(11) }]).await?;
    assert_eq!(auth.reply(org.id, &note(org.id).key).await?, None);
    Ok(())
}

/// An organisation, its owner and a record in its chain come in one write; owners change places in another.
pub async fn each_change_sees_those_before_it(auth: Subject) -> Result<()> {
    let (org, first, second) = (organization("org")?, person("first")?, person("second")?);
    let changes = vec![
        Change::AddOrg(org.clone()),
        Change::AddUser(first.clone()),
        Change::AddUser(second.clone()),
        Change::PutMember(member(org.id, first.id, Role::Owner)),
    ];
    let (bump, audit) = (vec![org.id], vec![draft(org.id, "org.create")?]);
    assert_eq!(auth.write(Write { changes, bump, audit, seal: seal() }).await?, [(org.id, 1)]);
    assert_eq!(auth.audit_head(org.id).await?.map(|head| head.seq), Some(1));

    let swap = [
        Change::PutMember(member(org.id, second.id, Role::Owner)),
        Change::RemoveMember { org: org.id, user: first.id },
    ];
    apply(&auth, swap).await?;
    assert!(auth.membership(org.id, first.id).await?.is_none());

    let once = Change::SetUser(first.clone());
    let twice = auth.write(write([once.clone(), once])).await;
    assert_eq!(twice.err().map(|error| error.code()), Some(ErrorCode::Conflict));
    Ok(())
}

/// 32 writers at once leave one chain, which verifies under the seal; each got an epoch of its own.
pub async fn the_audit_chain_has_no_gap_and_no_fork_whoever_writes(auth: Subject) -> Result<()> {
    let org = added_org(&auth, "org").await?.id;
    let writers = (0..32).map(|writer| {
        let auth = Arc::clone(&auth);
        async move {
            let audit =
                vec![draft(org, &format!("{writer}.first"))?, draft(org, &format!("{writer}.second"))?];
            auth.write(Write { changes: Vec::new(), bump: vec![org], audit, seal: seal() }).await
        }
    });
    let mut epochs = at_once(writers).await.into_iter().collect::<Result<Vec<_>>>()?.concat();
    epochs.sort_unstable();
    assert!(epochs.into_iter().eq((1..=32).map(|epoch| (org, epoch))));

    let chain = chain(&auth, org).await?;
    assert_eq!((chain.len(), verified(&chain)), (64, auth.audit_head(org).await?));
    for pair in chain.chunks(2) {
        let writer = |entry: &AuditEntry| entry.action.split('.').next().map(str::to_owned);
        assert_eq!(writer(&pair[0]), writer(&pair[1]), "the records of one write stand together");
    }
    Ok(())
}

/// Records of several organisations in one write go each to the end of their own chain.
pub async fn each_organization_has_a_chain_of_its_own(auth: Subject) -> Result<()> {
    let (one, two) = (added_org(&auth, "one").await?.id, added_org(&auth, "two").await?.id);
    for _ in 0..2 {
        let audit = vec![draft(one, "a")?, draft(two, "b")?, draft(one, "c")?];
        auth.write(Write { audit, ..write([]) }).await?;
    }
    for (org, actions) in [(one, vec!["a", "c", "a", "c"]), (two, vec!["b", "b"])] {
        let chain = chain(&auth, org).await?;
        assert_eq!(chain.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), actions);
        assert_eq!(verified(&chain), auth.audit_head(org).await?);
    }
    Ok(())
}

/// Every field of a record comes back, so that its hash can be computed again.
pub async fn a_record_is_read_back_as_written(auth: Subject) -> Result<()> {
    let org = added_org(&auth, "org").await?.id;
    let mut record = draft(org, "key.create")?;
    record.actor = KeyId::new(record.at)?.to_string();
    record.target = "key \u{1f511}; DROP TABLE audit_entries".into();
    record.address = Some("2001:db8::1".into());
    record.detail = BTreeMap::from([("name".into(), "\"quoted\"".into()), ("scopes".into(), String::new())]);
    auth.write(Write { audit: vec![record.clone()], ..write([]) }).await?;
    assert_eq!(chain(&auth, org).await?, [seal().link(None, &record)]);
    Ok(())
}

/// Each bump is answered with the epoch that is kept; an organisation that was not named keeps its own.
pub async fn epochs_rise_by_one_are_answered_in_order_and_kept(auth: Subject) -> Result<()> {
    let (one, two) = (added_org(&auth, "one").await?.id, added_org(&auth, "two").await?.id);
    let bump = async |bump: Vec<OrgId>| auth.write(Write { bump, ..write([]) }).await;
    assert_eq!(bump(vec![two, one]).await?, [(two, 1), (one, 1)]);
    assert_eq!(bump(vec![one]).await?, [(one, 2)]);
    assert_eq!(bump(Vec::new()).await?, []);
    assert_eq!((auth.epoch(one).await?, auth.epoch(two).await?), (Some(2), Some(1)));
    assert_eq!(auth.org(&OrgRef::Id(one)).await?.map(|org| org.epoch), Some(2));
    assert_eq!(auth.epoch(OrgId::new(later(0))?).await?, None);
    Ok(())
}

/// What was bumped since a place is told from there, each with its epoch; before it, and at a place of nowhere, nothing.
pub async fn bumps_are_told_from_where_they_were_told_last(auth: Subject) -> Result<()> {
    let (one, two) = (added_org(&auth, "one").await?.id, added_org(&auth, "two").await?.id);
    let bump = async |bump: Vec<OrgId>| auth.write(Write { bump, ..write([]) }).await;
    bump(vec![one]).await?;
    let start = auth.bumps(None).await?;
    assert_eq!(start.bumped, []);
    assert!(auth.bumps(Some(start.place.clone())).await?.place.follows(&start.place));
    bump(vec![one]).await?;
    bump(vec![two]).await?;
    let next = auth.bumps(Some(start.place.clone())).await?;
    let mut told = next.bumped.clone();
    told.sort_unstable_by_key(|(_, epoch)| *epoch);
    assert_eq!((next.place.follows(&start.place), told), (true, vec![(two, 1), (one, 2)]));
    bump(vec![two]).await?;
    assert!(auth.bumps(Some(next.place)).await?.bumped.contains(&(two, 2)));
    let nowhere = Place { source: start.place.source + 1, ..start.place };
    let told = auth.bumps(Some(nowhere.clone())).await?;
    assert!(!told.place.follows(&nowhere) && told.bumped.is_empty());
    Ok(())
}

async fn chain(auth: &Subject, org: OrgId) -> Result<Vec<AuditEntry>> {
    let page = auth.audit(org, &PageQuery::new(Some(PageQuery::MOST), None)?).await?;
    assert_eq!(page.next_cursor, None);
    Ok(page.items)
}

/// The head of a chain in which each entry follows the one before.
fn verified(chain: &[AuditEntry]) -> Option<AuditHead> {
    let mut head = None;
    for entry in chain {
        assert_eq!(seal().fault(head.as_ref(), entry), None);
        head = Some(AuditHead { seq: entry.seq, hash: entry.hash.clone() });
    }
    head
}
