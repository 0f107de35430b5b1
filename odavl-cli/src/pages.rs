//! Lists that come in pages.

use crate::failure::{Failure, Result};

/// Takes page after page of a list. A server that would go on for ever with the same one is not followed.
pub(crate) async fn each<T>(
    mut page: impl AsyncFnMut(Option<&str>) -> Result<(Vec<T>, Option<String>)>,
    mut take: impl FnMut(Vec<T>) -> Result<()>,
) -> Result<()> {
    let mut cursor: Option<String> = None;
    loop {
        let (items, next) = page(cursor.as_deref()).await?;
        take(items)?;
        if next.is_none() {
            return Ok(());
        }
        if next == cursor {
            return Err(Failure::nonsense("the server says of a page of the list that it follows itself"));
        }
        cursor = next;
    }
}
