//! Lists in pages.

use super::{Subject, added_org, apply, draft, key, member, organization, person, project, write};
use crate::{
    auth::{Change, Role, Write},
    error::{ErrorCode, Result},
    ids::{OrgId, UserId},
    page::{Page, PageQuery},
};

const ITEMS: u32 = 5;

/// For every list and every size of page: all items, each once, in order; the last page says that it is.
pub async fn pages_of_any_size_show_each_item_once_and_in_order(auth: Subject) -> Result<()> {
    let org = filled(&auth).await?;
    added_org(&auth, "neighbour").await?;
    let many = usize::try_from(ITEMS).unwrap_or_default();
    for limit in 1..=ITEMS + 2 {
        let users = walk(limit, async |query| auth.users(query).await, |user| user.id).await?;
        assert_eq!(users.len(), many);
        let orgs = walk(limit, async |query| auth.orgs(query).await, |org| org.id).await?;
        assert_eq!(orgs.len(), 2);
        let members = walk(limit, async |query| auth.members(org, query).await, |(one, _)| one.user).await?;
        assert_eq!(members, users);
        let projects = walk(limit, async |query| auth.projects(org, query).await, |one| one.id).await?;
        assert_eq!(projects.len(), many);
        let keys = walk(limit, async |query| auth.keys(org, query).await, |key| key.id).await?;
        assert_eq!(keys.len(), many);
        let records = walk(limit, async |query| auth.audit(org, query).await, |entry| entry.seq).await?;
        assert!(records.into_iter().eq(1..=12), "an order of texts would put 10 before 2");
    }
    Ok(())
}

/// A cursor that another list gave, or that nobody gave, is the caller's mistake and not an empty page.
pub async fn a_cursor_of_another_list_is_refused(auth: Subject) -> Result<()> {
    let org = filled(&auth).await?;
    for cursor in ["", "x", "-1", "prj_", "aud_00000000000000000000000000"] {
        let query = PageQuery::new(None, Some(cursor.into()))?;
        let codes = [
            auth.users(&query).await.err(),
            auth.orgs(&query).await.err(),
            auth.members(org, &query).await.err(),
            auth.projects(org, &query).await.err(),
            auth.keys(org, &query).await.err(),
            auth.audit(org, &query).await.err(),
        ];
        let codes = codes.map(|error| error.map(|error| error.code()));
        assert_eq!(codes, [Some(ErrorCode::InvalidInput); 6], "{cursor}");
    }
    Ok(())
}

/// An organisation with five of each, and twelve records.
async fn filled(auth: &Subject) -> Result<OrgId> {
    let org = organization("full")?;
    let mut changes = vec![Change::AddOrg(org.clone())];
    for number in 0..ITEMS {
        let user = person(&format!("user{number}"))?;
        let id: UserId = user.id;
        changes.push(Change::AddUser(user));
        changes.push(Change::PutMember(member(org.id, id, Role::Owner)));
        changes.push(Change::AddProject(project(org.id, &format!("project{number}"))?));
        changes.push(Change::AddKey { key: Box::new(key(org.id)?), most: None });
    }
    apply(auth, changes).await?;
    let audit = (0..12).map(|_| draft(org.id, "a")).collect::<Result<_>>()?;
    auth.write(Write { audit, ..write([]) }).await?;
    Ok(org.id)
}

/// The ids on all pages of that size, one page after the other.
async fn walk<T, I: Ord + Copy>(
    limit: u32,
    list: impl AsyncFn(&PageQuery) -> Result<Page<T>>,
    id: impl Fn(&T) -> I,
) -> Result<Vec<I>> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut ids = Vec::new();
    let mut query = PageQuery { limit, cursor: None };
    loop {
        let page = list(&query).await?;
        assert!(page.items.len() == most || page.next_cursor.is_none() && page.items.len() < most);
        assert!(!page.items.is_empty() || ids.is_empty(), "no page is empty but that of an empty list");
        ids.extend(page.items.iter().map(&id));
        assert!(ids.is_sorted_by(|a, b| a < b));
        let Some(next) = page.next_cursor else { return Ok(ids) };
        query.cursor = Some(next);
    }
}
