use odavl_core::{
    ErrorCode, ManualClock, Result,
    db::Db,
    ids::OrgId,
    storage::{Catalog, SqlCatalog, contract::rows::store},
};

async fn catalog() -> Result<SqlCatalog> {
    let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
    Db::temporary(&clock).await.map(SqlCatalog::new)
}

odavl_core::catalog_contract!(catalog().await.unwrap());

#[tokio::test]
async fn a_row_that_makes_no_sense_is_corrupted_and_says_where() {
    let db = Db::temporary(&ManualClock::new(jiff::Timestamp::UNIX_EPOCH)).await.unwrap();
    let catalog = SqlCatalog::new(db.clone());
    let org = OrgId::new(jiff::Timestamp::UNIX_EPOCH).unwrap();
    let stored = store(&catalog, org, "a", 5).await.unwrap().object;
    for (column, nonsense) in [
        ("checksum", "UPDATE storage_objects SET checksum = 'md5:0'"),
        ("store_key", "UPDATE storage_objects SET store_key = '/etc'"),
        ("name", "UPDATE storage_objects SET name = '../a'"),
    ] {
        let mut tx = db.begin().await.unwrap();
        tx.execute(nonsense, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let error = catalog.object(org, stored.id).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupted);
        let place = format!("storage_objects.{column} of row {}", stored.id);
        assert!(error.to_string().contains(&place), "{error}");
    }
}
