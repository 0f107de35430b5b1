//! People and memberships.

use super::{Subject, added_org, added_person, apply, found, later, member, person, raced, refused};
use crate::{
    auth::{Access, Change, Membership, Role, User},
    error::{ErrorCode, Result},
    ids::{OrgId, UserId},
    secret::Secret,
};

/// Every field comes back, by id and by address.
pub async fn a_person_is_read_back_as_written(auth: Subject) -> Result<()> {
    assert!(!auth.is_set_up().await?);
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA";
    let mut user = User {
        name: "Zoë; DROP TABLE users".into(),
        password: Some(Secret::new(hash.into())),
        instance: Some(Access::Write),
        disabled: true,
        rev: 7,
        ..person("zoe")?
    };
    apply(&auth, [Change::AddUser(user.clone())]).await?;
    for read in [auth.user(user.id).await?, auth.user_by_email(&user.email).await?] {
        let read = found(read)?;
        assert_eq!(format!("{read:?}"), format!("{user:?}"));
        assert_eq!(read.password.as_ref().map(|read| read.reveal().as_str()), Some(hash));
    }
    assert!(auth.is_set_up().await?);

    user.password = None;
    user.instance = None;
    apply(&auth, [Change::SetUser(user.clone())]).await?;
    let read = found(auth.user(user.id).await?)?;
    assert_eq!((read.password.is_none(), read.instance, read.rev), (true, None, 8));
    assert!(auth.user(UserId::new(later(0))?).await?.is_none());
    assert!(auth.user_by_email(&"nobody@example.com".parse()?).await?.is_none());
    Ok(())
}

/// Neither a new person nor a changed one takes another's address; their own they keep.
pub async fn an_address_belongs_to_one_person(auth: Subject) -> Result<()> {
    let (ada, bea) = (added_person(&auth, "ada").await?, added_person(&auth, "bea").await?);
    let taken = Some(ErrorCode::AlreadyExists);
    assert_eq!(refused(&auth, [Change::AddUser(person("ada")?)]).await, taken);
    assert_eq!(refused(&auth, [Change::AddUser(User { id: ada.id, ..person("cleo")? })]).await, taken);
    assert_eq!(
        refused(&auth, [Change::SetUser(User { email: ada.email.clone(), ..bea.clone() })]).await,
        taken
    );
    apply(&auth, [Change::SetUser(ada)]).await?;
    assert_eq!(found(auth.user(bea.id).await?)?.email, bea.email);
    Ok(())
}

/// Eight who read the same row and change it: one succeeds, and theirs is the row that stays.
pub async fn of_changes_based_on_one_row_one_succeeds(auth: Subject) -> Result<()> {
    let user = added_person(&auth, "ada").await?;
    let change = |number| Change::SetUser(User { name: format!("ada {number}"), ..user.clone() });
    let refusals = raced(&auth, (0..8).map(|number| vec![change(number)]).collect()).await;
    assert_eq!(refusals, [ErrorCode::Conflict; 7]);
    let read = found(auth.user(user.id).await?)?;
    assert_eq!((read.rev, read.name.len()), (2, 5));
    let nobody = Change::SetUser(person("nobody")?);
    assert_eq!(refused(&auth, [nobody]).await, Some(ErrorCode::NotFound));
    Ok(())
}

/// The one owner can neither be demoted nor removed; the other members can.
pub async fn the_last_owner_stays(auth: Subject) -> Result<()> {
    let (org, owner) = (added_org(&auth, "org").await?.id, added_person(&auth, "owner").await?.id);
    let other = added_person(&auth, "other").await?.id;
    let elsewhere = added_org(&auth, "elsewhere").await?.id;
    let put = |org, user, role| Change::PutMember(member(org, user, role));
    apply(&auth, [put(org, other, Role::Viewer), put(org, owner, Role::Owner)]).await?;
    apply(&auth, [put(elsewhere, other, Role::Owner)]).await?;

    let remove = |user| Change::RemoveMember { org, user };
    assert_eq!(refused(&auth, [put(org, owner, Role::Admin)]).await, Some(ErrorCode::Conflict));
    assert_eq!(refused(&auth, [remove(owner)]).await, Some(ErrorCode::Conflict));
    assert_eq!(auth.membership(org, owner).await?.map(|member| member.role), Some(Role::Owner));

    apply(&auth, [put(org, owner, Role::Owner), put(org, other, Role::Owner), remove(owner)]).await?;
    assert_eq!(refused(&auth, [remove(owner)]).await, Some(ErrorCode::NotFound));
    Ok(())
}

/// Each sees the other as the owner who stays; the transaction knows better.
pub async fn of_two_owners_who_leave_at_once_one_stays(auth: Subject) -> Result<()> {
    let org = added_org(&auth, "org").await?.id;
    let (one, two) = (added_person(&auth, "one").await?.id, added_person(&auth, "two").await?.id);
    let owners = [one, two].map(|user| Change::PutMember(member(org, user, Role::Owner)));
    apply(&auth, owners).await?;
    let demoted = Change::PutMember(member(org, two, Role::Viewer));
    let refusals = raced(&auth, vec![vec![Change::RemoveMember { org, user: one }], vec![demoted]]).await;
    assert_eq!(refusals, [ErrorCode::Conflict]);
    Ok(())
}

/// Whoever else may administer the installation but is locked out does not count.
pub async fn the_last_administrator_stays(auth: Subject) -> Result<()> {
    let admin = User { instance: Some(Access::Admin), ..person("admin")? };
    let locked_out = User { instance: Some(Access::Admin), disabled: true, ..person("locked-out")? };
    let writer = User { instance: Some(Access::Write), ..person("writer")? };
    apply(&auth, [&admin, &locked_out, &writer].map(|user| Change::AddUser(user.clone()))).await?;
    for less in [
        User { instance: None, ..admin.clone() },
        User { instance: Some(Access::Write), ..admin.clone() },
        User { disabled: true, ..admin.clone() },
    ] {
        assert_eq!(refused(&auth, [Change::SetUser(less)]).await, Some(ErrorCode::Conflict));
    }
    apply(&auth, [Change::SetUser(User { instance: None, ..writer })]).await?;
    let back = User { disabled: false, ..locked_out };
    let down = User { instance: None, ..admin };
    apply(&auth, [Change::SetUser(back), Change::SetUser(down)]).await
}

/// Each sees the other as the administrator who stays; the transaction knows better.
pub async fn of_two_administrators_who_step_down_at_once_one_stays(auth: Subject) -> Result<()> {
    let admins = [person("one")?, person("two")?].map(|user| User { instance: Some(Access::Admin), ..user });
    apply(&auth, admins.clone().map(Change::AddUser)).await?;
    let down = admins.map(|user| vec![Change::SetUser(User { instance: None, ..user })]);
    assert_eq!(raced(&auth, down.into()).await, [ErrorCode::Conflict]);
    Ok(())
}

/// Putting a member again changes the role alone.
pub async fn a_role_changes_and_since_when_stays(auth: Subject) -> Result<()> {
    let user = added_person(&auth, "ada").await?.id;
    let org = added_org(&auth, "one").await?.id;
    apply(&auth, [Change::PutMember(member(org, user, Role::Viewer))]).await?;
    let promoted = Membership { created_at: later(60), ..member(org, user, Role::Owner) };
    apply(&auth, [Change::PutMember(promoted)]).await?;
    assert_eq!(auth.membership(org, user).await?, Some(member(org, user, Role::Owner)));
    Ok(())
}

/// A person's memberships come oldest first, and those of one time in order of organisation.
pub async fn memberships_come_in_the_order_they_were_made(auth: Subject) -> Result<()> {
    let user = added_person(&auth, "ada").await?.id;
    let mut orgs = Vec::new();
    for slug in ["one", "two", "three", "four"] {
        orgs.push(added_org(&auth, slug).await?.id);
    }
    orgs.sort_unstable();
    let since = [later(60), later(30), later(0), later(30)];
    for (org, created_at) in orgs.iter().zip(since) {
        let member = Membership { created_at, ..member(*org, user, Role::Viewer) };
        apply(&auth, [Change::PutMember(member)]).await?;
    }
    let listed: Vec<OrgId> = auth.memberships(user).await?.into_iter().map(|member| member.org).collect();
    assert_eq!(listed, [2, 1, 3, 0].map(|place| orgs[place]));
    assert_eq!(auth.memberships(UserId::new(later(0))?).await?, []);
    Ok(())
}
