use jiff::Timestamp;
use odavl_core::{
    ErrorCode, ManualClock,
    auth::{AuditSeal, Auth, Change, SqlAuth, User, Write},
    db::{Db, Value},
    ids::UserId,
};

odavl_core::auth_contract!(SqlAuth::new(database().await));

async fn database() -> Db {
    Db::temporary(&ManualClock::new(Timestamp::UNIX_EPOCH)).await.unwrap()
}

/// Adds Ada and then runs `sql` behind the adapter's back.
async fn ada_after(db: &Db, sql: &'static str) -> UserId {
    let ada = User {
        id: UserId::new(Timestamp::UNIX_EPOCH).unwrap(),
        email: "ada@example.com".parse().unwrap(),
        name: "Ada".into(),
        password: None,
        instance: None,
        disabled: false,
        created_at: Timestamp::UNIX_EPOCH,
        rev: 1,
    };
    let id = ada.id;
    let changes = vec![Change::AddUser(ada)];
    let seal = AuditSeal::new(&[7; 32]);
    let auth = SqlAuth::new(db.clone());
    auth.write(Write { changes, bump: Vec::new(), audit: Vec::new(), seal }).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.execute(sql, &[Value::text(&id)]).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_corrupted_and_named_by_table_column_and_id() {
    for (sql, column) in [
        ("UPDATE users SET email = 'canary' WHERE id = $1", "users.email"),
        ("UPDATE users SET rev = -1 WHERE id = $1", "users.rev"),
        ("UPDATE users SET created_at = 'canary' WHERE id = $1", "users.created_at"),
        ("UPDATE users SET password = x'00' WHERE id = $1", "users.password"),
    ] {
        let db = database().await;
        let ada = ada_after(&db, sql).await;
        let error = SqlAuth::new(db).user(ada).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupted);
        assert_eq!(error.to_string(), format!("{column} of row {ada} makes no sense"));
    }
}

#[tokio::test]
async fn the_tables_refuse_what_no_adapter_should_write() {
    let db = database().await;
    for sql in [
        "INSERT INTO members VALUES ('org_1', 'usr_1', 'owner', 0)",
        "INSERT INTO setup_links VALUES (2, zeroblob(32), 0)",
        "INSERT INTO setup_links VALUES (1, zeroblob(31), 0)",
        "INSERT INTO users VALUES ('usr_1', 'e', 'n', NULL, 'owner', 0, 0, 1)",
        "INSERT INTO device_requests VALUES
            (zeroblob(32), zeroblob(32), 'c', '', NULL, 'approved', NULL, NULL, NULL, 5, NULL, 0, 0, 1)",
    ] {
        let mut tx = db.begin().await.unwrap();
        assert!(tx.execute(sql, &[]).await.is_err(), "{sql}");
    }
}
