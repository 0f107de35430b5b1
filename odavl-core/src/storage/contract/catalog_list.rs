//! Object rows: lists and statistics.

use super::rows::{later, org, store};
use crate::{
    error::Result,
    ids::OrgId,
    page::PageQuery,
    storage::{Catalog, Depth, ListQuery, Listed, StorageStats},
};

/// In the order of their bytes: `-` and `.` before `/`, upper case before lower, letters beyond ASCII last.
const NAMES: [&str; 12] =
    ["B", "a", "a-b", "a.b/c", "a/B", "a/b", "a/b/c", "a/b/d", "a0", "b/c/d/e", "é/ü", "\u{10FFFD}"];

async fn listed(
    catalog: &dyn Catalog,
    org: OrgId,
    prefix: &str,
    depth: Depth,
    limit: u32,
) -> Result<Vec<String>> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let query = ListQuery::new(prefix, depth, PageQuery { limit, cursor })?;
        let page = catalog.list(org, &query).await?;
        assert!(page.items.len() <= limit as usize);
        for item in &page.items {
            assert_eq!(matches!(item, Listed::Folder(_)), item.as_str().ends_with('/'));
            names.push(item.as_str().to_owned());
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(names);
        }
    }
}

async fn fill(catalog: &dyn Catalog) -> Result<OrgId> {
    let org = org()?;
    for name in NAMES.iter().rev() {
        store(catalog, org, name, 1).await?;
    }
    store(catalog, self::org()?, "a/other", 1).await?;
    Ok(org)
}

/// A list is in the order of the names' bytes; its pages miss and repeat nothing, and hold to the prefix.
pub async fn a_list_pages_in_the_order_of_names(catalog: &dyn Catalog) -> Result<()> {
    let org = fill(catalog).await?;
    for prefix in ["", "a", "a/", "a/b", "a/b/", "A", "é", "zz", "%", "_"] {
        let expected: Vec<_> = NAMES.into_iter().filter(|name| name.starts_with(prefix)).collect();
        for limit in [1, 2, 5, 100] {
            let found = listed(catalog, org, prefix, Depth::All, limit).await?;
            assert_eq!(found, expected, "{prefix:?} by {limit}");
        }
    }
    Ok(())
}

/// A list of folders shows each common beginning once, between the objects beside it.
pub async fn a_list_of_folders_shows_each_once(catalog: &dyn Catalog) -> Result<()> {
    let org = fill(catalog).await?;
    for (prefix, expected) in [
        ("", &["B", "a", "a-b", "a.b/", "a/", "a0", "b/", "é/", "\u{10FFFD}"][..]),
        ("a", &["a", "a-b", "a.b/", "a/", "a0"]),
        ("a/", &["a/B", "a/b", "a/b/"]),
        ("a/b", &["a/b", "a/b/"]),
        ("a/b/", &["a/b/c", "a/b/d"]),
        ("b/c", &["b/c/"]),
        ("none/", &[]),
    ] {
        for limit in [1, 2, 3, 100] {
            let found = listed(catalog, org, prefix, Depth::Folders, limit).await?;
            assert_eq!(found, expected, "{prefix:?} by {limit}");
        }
    }
    Ok(())
}

/// A folder of very many objects is one entry, and what comes after it is not lost.
pub async fn a_large_folder_is_one_entry(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    for number in 0..250 {
        store(catalog, org, &format!("large/{number}"), 1).await?;
    }
    store(catalog, org, "small", 1).await?;
    assert_eq!(listed(catalog, org, "", Depth::Folders, 100).await?, ["large/", "small"]);
    assert_eq!(listed(catalog, org, "large/", Depth::All, 100).await?.len(), 250);
    Ok(())
}

/// Statistics equal the rows, to the object and the byte.
pub async fn statistics_equal_the_rows(catalog: &dyn Catalog) -> Result<()> {
    let org = org()?;
    assert_eq!(catalog.stats(org).await?, StorageStats::default());
    let largest = (1 << 53) - 1 - 7;
    store(catalog, org, "a", largest).await?;
    let second = store(catalog, org, "b", 7).await?.object;
    store(catalog, org, "empty", 0).await?;
    assert_eq!(catalog.stats(org).await?, StorageStats { objects: 3, bytes: largest + 7, garbage_bytes: 0 });
    catalog.delete_object(org, second.id, later(2)).await?;
    assert_eq!(catalog.stats(org).await?, StorageStats { objects: 2, bytes: largest, garbage_bytes: 7 });
    catalog.drop_garbage(org, second.id).await?;
    assert_eq!(catalog.stats(org).await?.garbage_bytes, 0);
    Ok(())
}
