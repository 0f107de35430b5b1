//! Organisations, projects, and the walls between organisations.

use super::{
    NOW, Subject, added_org, added_person, apply, draft, found, key, later, login, member, organization,
    project, refused, write,
};
use crate::{
    auth::{Change, Login, OrgRef, Organization, Project, Role, Write},
    error::{ErrorCode, Result},
    ids::{OrgId, UserId},
    metering::Allowance,
    page::PageQuery,
};

/// Every field comes back, by id, slug and external id.
pub async fn an_organization_is_read_back_as_written_by_each_of_its_names(auth: Subject) -> Result<()> {
    let allowance = Allowance { max: Some(5), per: None, soft: true, ceiling: Some(9) };
    let org = Organization {
        external_id: Some("cust 1; DROP TABLE organizations".into()),
        metadata: [("k".into(), "v \u{2713}".into())].into(),
        overrides: [("api_calls".parse()?, vec![allowance])].into(),
        operator: true,
        suspended: true,
        epoch: 3,
        rev: 4,
        ..organization("acme")?
    };
    apply(&auth, [Change::AddOrg(org.clone())]).await?;
    let external = found(org.external_id.clone())?;
    for name in [OrgRef::Id(org.id), OrgRef::Slug(org.slug.clone()), OrgRef::External(external)] {
        let read = found(auth.org(&name).await?)?;
        assert_eq!(format!("{read:?}"), format!("{org:?}"));
    }
    for name in
        [OrgRef::Id(OrgId::new(NOW)?), OrgRef::Slug("nobody".parse()?), OrgRef::External("acme".into())]
    {
        assert!(auth.org(&name).await?.is_none());
    }
    Ok(())
}

/// Two organisations share neither name; without an external id there may be many.
pub async fn slugs_and_external_ids_are_unique(auth: Subject) -> Result<()> {
    let one = Organization { external_id: Some("1".into()), ..organization("one")? };
    let two = organization("two")?;
    apply(&auth, [one.clone(), two.clone(), organization("three")?].map(Change::AddOrg)).await?;
    let taken = Some(ErrorCode::AlreadyExists);
    let new = Organization { external_id: one.external_id.clone(), ..organization("new")? };
    assert_eq!(refused(&auth, [Change::AddOrg(new)]).await, taken);
    assert_eq!(refused(&auth, [Change::AddOrg(organization("two")?)]).await, taken);
    for two in [
        Organization { slug: one.slug.clone(), ..two.clone() },
        Organization { external_id: one.external_id.clone(), ..two },
    ] {
        assert_eq!(refused(&auth, [Change::SetOrg(two)]).await, taken);
    }
    apply(&auth, [Change::SetOrg(one)]).await
}

/// A change of an older row changes nothing; one of the present row raises `rev` and leaves the epoch.
pub async fn a_stale_organization_is_a_conflict_and_its_epoch_is_not_taken_from_the_row(
    auth: Subject,
) -> Result<()> {
    let org = added_org(&auth, "org").await?;
    auth.write(Write { bump: vec![org.id], ..write([]) }).await?;
    let change = Change::SetOrg(Organization { plan: "PRO".into(), epoch: 9, ..org.clone() });
    apply(&auth, [change.clone()]).await?;
    assert_eq!(refused(&auth, [change]).await, Some(ErrorCode::Conflict));
    let read = found(auth.org(&OrgRef::Id(org.id)).await?)?;
    assert_eq!((read.plan.as_str(), read.epoch, read.rev), ("PRO", 1, 2));
    assert_eq!(refused(&auth, [Change::SetOrg(organization("new")?)]).await, Some(ErrorCode::NotFound));
    Ok(())
}

/// The same slug in another organisation is another project.
pub async fn a_project_s_slug_is_unique_in_its_organization_alone(auth: Subject) -> Result<()> {
    let (one, two) = (added_org(&auth, "one").await?.id, added_org(&auth, "two").await?.id);
    let (ours, theirs) = (project(one, "site")?, project(two, "site")?);
    apply(&auth, [ours.clone(), theirs.clone()].map(Change::AddProject)).await?;
    let again = Change::AddProject(project(one, "site")?);
    assert_eq!(refused(&auth, [again]).await, Some(ErrorCode::AlreadyExists));
    assert_eq!(auth.project(one, &ours.slug).await?, Some(ours));
    assert_eq!(auth.project(two, &theirs.slug).await?, Some(theirs));
    assert_eq!(auth.project(one, &"other".parse()?).await?, None);
    Ok(())
}

/// A membership, project, key or sign-in of an organisation or a person who is not there.
pub async fn what_names_nothing_that_is_there_is_not_found(auth: Subject) -> Result<()> {
    let (org, user) = (added_org(&auth, "org").await?.id, added_person(&auth, "ada").await?.id);
    let (no_org, nobody) = (OrgId::new(NOW)?, UserId::new(NOW)?);
    let adopted = crate::auth::ApiKey { owner: Some(nobody), ..key(org)? };
    for change in [
        Change::PutMember(member(no_org, user, Role::Owner)),
        Change::PutMember(member(org, nobody, Role::Owner)),
        Change::RemoveMember { org, user },
        Change::AddProject(project(no_org, "site")?),
        Change::AddKey { key: Box::new(key(no_org)?), most: None },
        Change::AddKey { key: Box::new(adopted), most: None },
        Change::AddLogin(Box::new(login(nobody)?)),
        Change::AddLogin(Box::new(Login { org: Some(no_org), ..login(user)? })),
    ] {
        assert_eq!(refused(&auth, [change.clone()]).await, Some(ErrorCode::NotFound), "{change:?}");
    }
    Ok(())
}

/// Lists, counts and look-ups of an organisation show nothing of its neighbour's, and the other way round.
pub async fn a_row_of_one_organization_is_never_answered_for_another(auth: Subject) -> Result<()> {
    let (full, empty) = (added_org(&auth, "full").await?.id, added_org(&auth, "empty").await?.id);
    let user = added_person(&auth, "ada").await?.id;
    let site = project(full, "site")?;
    let changes = [
        Change::PutMember(member(full, user, Role::Owner)),
        Change::AddProject(Project { ..site.clone() }),
        Change::AddKey { key: Box::new(key(full)?), most: None },
    ];
    auth.write(Write { audit: vec![draft(full, "a")?], ..write(changes) }).await?;
    let all = PageQuery::default();
    for (org, held) in [(full, 1), (empty, 0)] {
        assert_eq!(auth.members(org, &all).await?.items.len(), held);
        assert_eq!(auth.projects(org, &all).await?.items.len(), held);
        assert_eq!(auth.keys(org, &all).await?.items.len(), held);
        assert_eq!(auth.audit(org, &all).await?.items.len(), held);
        assert_eq!(usize::try_from(auth.active_keys(org, later(0)).await?).ok(), Some(held));
        assert_eq!(auth.membership(org, user).await?.is_some(), held == 1);
        assert_eq!(auth.project(org, &site.slug).await?.is_some(), held == 1);
        assert_eq!(auth.audit_head(org).await?.is_some(), held == 1);
    }
    let not_a_member = Change::RemoveMember { org: empty, user };
    assert_eq!(refused(&auth, [not_a_member]).await, Some(ErrorCode::NotFound));
    Ok(())
}
