//! `users` and `members`.

use super::{all, moved_on, one, page_values, require_org, require_user};
use crate::{
    auth::{Access, Email, Membership, Role, User, refuse},
    db::{Db, Row, Tx, Value},
    error::{Error, Result},
    ids::{OrgId, UserId},
    page::{Page, PageQuery},
    secret::Secret,
};

macro_rules! user_columns {
    () => {
        "id, email, name, password, instance, disabled, created_at, rev"
    };
}

const ADD_USER: &str = "INSERT INTO users (id, email, name, password, instance, disabled, created_at, rev)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const SET_USER: &str = "UPDATE users SET email = $2, name = $3, password = $4, instance = $5, disabled = $6,
    created_at = $7, rev = rev + 1 WHERE id = $1 AND rev = $8";
const USER: &str = concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1");
const USER_BY_EMAIL: &str = concat!("SELECT ", user_columns!(), " FROM users WHERE email = $1");
const USERS: &str = concat!("SELECT ", user_columns!(), " FROM users WHERE id > $1 ORDER BY id LIMIT $2");
const ADMINISTRATORS: &str = "SELECT 1 FROM users WHERE instance = 'admin' AND disabled = 0 LIMIT 1";
pub(super) const ANYONE: &str = "SELECT 1 FROM users LIMIT 1";

const MEMBER: &str = "SELECT user_id, org, role, created_at FROM members WHERE org = $1 AND user_id = $2";
const MEMBERSHIPS: &str =
    "SELECT user_id, org, role, created_at FROM members WHERE user_id = $1 ORDER BY created_at, org";
const MEMBERS: &str = "SELECT users.id, users.email, users.name, users.password, users.instance, users.disabled,
        users.created_at, users.rev, members.user_id, members.org, members.role, members.created_at AS member_since
    FROM members JOIN users ON users.id = members.user_id
    WHERE members.org = $1 AND members.user_id > $2 ORDER BY members.user_id LIMIT $3";
const PUT_MEMBER: &str = "INSERT INTO members (org, user_id, role, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (org, user_id) DO UPDATE SET role = excluded.role";
const REMOVE_MEMBER: &str = "DELETE FROM members WHERE org = $1 AND user_id = $2";
const OWNERS: &str = "SELECT 1 FROM members WHERE org = $1 AND role = 'owner' LIMIT 1";

pub(super) async fn add_user(tx: &mut Tx, user: &User) -> Result<()> {
    check_email(tx, user).await?;
    let added = tx.execute(ADD_USER, &user_values(user)?).await;
    added.map(drop).map_err(|failed| failed.or_exists("user", &user.id))
}

pub(super) async fn set_user(tx: &mut Tx, user: &User) -> Result<()> {
    let before = one(tx.query_one(USER, &[user.id.into()]).await?.as_ref(), read_user)?;
    check_email(tx, user).await?;
    if tx.execute(SET_USER, &user_values(user)?).await? == 0 {
        return Err(moved_on(tx, USER, &[user.id.into()], "user", &user.id).await);
    }
    let steps_down = before.is_some_and(|before| before.administers()) && !user.administers();
    if steps_down && tx.query_one(ADMINISTRATORS, &[]).await?.is_none() {
        return Err(refuse::last_administrator());
    }
    Ok(())
}

async fn check_email(tx: &mut Tx, user: &User) -> Result<()> {
    let holder = one(tx.query_one(USER_BY_EMAIL, &[Value::text(&user.email)]).await?.as_ref(), read_user)?;
    let taken = holder.is_some_and(|holder| holder.id != user.id);
    if taken { Err(refuse::taken("user", &user.email)) } else { Ok(()) }
}

pub(super) async fn put_member(tx: &mut Tx, member: &Membership) -> Result<()> {
    require_org(tx, member.org).await?;
    require_user(tx, member.user).await?;
    let before = tx.query_one(MEMBER, &[member.org.into(), member.user.into()]).await?;
    let values =
        [member.org.into(), member.user.into(), member.role.as_str().into(), member.created_at.into()];
    tx.execute(PUT_MEMBER, &values).await?;
    keep_an_owner(tx, member.org, one(before.as_ref(), read_member)?).await
}

pub(super) async fn remove_member(tx: &mut Tx, org: OrgId, user: UserId) -> Result<()> {
    let values = [org.into(), user.into()];
    let before = one(tx.query_one(MEMBER, &values).await?.as_ref(), read_member)?;
    if before.is_none() {
        return Err(Error::not_found("member", &user));
    }
    tx.execute(REMOVE_MEMBER, &values).await?;
    keep_an_owner(tx, org, before).await
}

/// Where `before` was an owner and is not any more, another one must be there.
async fn keep_an_owner(tx: &mut Tx, org: OrgId, before: Option<Membership>) -> Result<()> {
    let was_owner = before.is_some_and(|before| before.role == Role::Owner);
    if was_owner && tx.query_one(OWNERS, &[org.into()]).await?.is_none() {
        return Err(refuse::last_owner());
    }
    Ok(())
}

pub(super) async fn user(db: &Db, id: UserId) -> Result<Option<User>> {
    one(db.query_one(USER, &[id.into()]).await?.as_ref(), read_user)
}

pub(super) async fn user_by_email(db: &Db, email: &Email) -> Result<Option<User>> {
    one(db.query_one(USER_BY_EMAIL, &[Value::text(email)]).await?.as_ref(), read_user)
}

pub(super) async fn users(db: &Db, query: &PageQuery) -> Result<Page<User>> {
    let rows = db.query(USERS, &page_values::<UserId>(query)?).await?;
    Ok(Page::cut(all(&rows, read_user)?, query.limit, |user| user.id.to_string()))
}

pub(super) async fn is_set_up(db: &Db) -> Result<bool> {
    Ok(db.query_one(ANYONE, &[]).await?.is_some())
}

pub(super) async fn membership(db: &Db, org: OrgId, user: UserId) -> Result<Option<Membership>> {
    one(db.query_one(MEMBER, &[org.into(), user.into()]).await?.as_ref(), read_member)
}

pub(super) async fn memberships(db: &Db, user: UserId) -> Result<Vec<Membership>> {
    all(&db.query(MEMBERSHIPS, &[user.into()]).await?, read_member)
}

pub(super) async fn members(db: &Db, org: OrgId, query: &PageQuery) -> Result<Page<(Membership, User)>> {
    let [after, limit] = page_values::<UserId>(query)?;
    let rows = db.query(MEMBERS, &[org.into(), after, limit]).await?;
    let read = |row: &Row| Ok((read_membership(row, "members.member_since")?, read_user(row)?));
    Ok(Page::cut(all(&rows, read)?, query.limit, |(member, _)| member.user.to_string()))
}

fn user_values(user: &User) -> Result<[Value; 8]> {
    Ok([
        user.id.into(),
        Value::text(&user.email),
        (&user.name).into(),
        user.password.as_ref().map(Secret::reveal).into(),
        user.instance.map(Access::as_str).into(),
        user.disabled.into(),
        user.created_at.into(),
        Value::count(user.rev)?,
    ])
}

fn read_user(row: &Row) -> Result<User> {
    Ok(User {
        id: row.parse("users.id")?,
        email: row.parse("users.email")?,
        name: row.read("users.name")?,
        password: row.read::<Option<String>>("users.password")?.map(Secret::new),
        instance: row.parse_opt("users.instance")?,
        disabled: row.read("users.disabled")?,
        created_at: row.read("users.created_at")?,
        rev: row.read("users.rev")?,
    })
}

fn read_member(row: &Row) -> Result<Membership> {
    read_membership(row, "members.created_at")
}

fn read_membership(row: &Row, since: &str) -> Result<Membership> {
    Ok(Membership {
        org: row.parse("members.org")?,
        user: row.parse("members.user_id")?,
        role: row.parse("members.role")?,
        created_at: row.read(since)?,
    })
}
