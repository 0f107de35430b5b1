//! What operators ask for, and see.

use super::*;

#[tokio::test]
async fn an_operator_begins_a_backup_sees_it_and_has_it_verified() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let operator = operator(&odavl).await;
    world.database.insert("rows", ["1", "2"]);
    let running = operator.backups().create("main").await.unwrap();
    assert_eq!(running.since, world.clock.now());
    let listed = until(async || {
        let page = operator.backups().list("main", &PageQuery::default()).await.unwrap();
        (!page.items.is_empty()).then_some(page)
    })
    .await;
    let id = listed.items[0].manifest.id;
    until(async || operator.backups().verify("main", id).await.ok()).await;
    let verdicts = until(async || {
        let entry = operator.backups().get("main", id).await.unwrap();
        (entry.verdicts.len() == 2).then_some(entry.verdicts)
    })
    .await;
    assert!(verdicts.iter().all(|verdict| verdict.tier == Tier::Restore), "{verdicts:?}");
    let plan = operator.backups().restore_plan("main", id, "copy".parse().unwrap()).await.unwrap();
    assert_eq!((plan.backup, plan.to.as_str()), (id, "copy"));
    let absent = operator.backups().create("nothing").await.unwrap_err();
    assert_eq!(absent.code(), odavl_core::ErrorCode::NotFound);
    assert!(world.vault(world.backups.clone()).find(&World::place(), Which::Newest).await.is_ok());
}

#[tokio::test]
async fn what_was_begun_ends_with_the_installation() {
    let world = World::unlimited().await;
    let (letters, stuck) = (Letterbox::new(), Faulty::new(&world));
    stuck.has(Fault::StuckAt("put"));
    let (odavl, keeper) = node_on(&world, stuck.vault(&world), slack(), &letters);
    let idle = stuck.calls();
    let operator = operator(&odavl).await;
    operator.backups().create("main").await.unwrap();
    until(async || (stuck.calls() > idle).then_some(())).await;
    drop((operator, keeper, odavl));
    until(async || (stuck.calls() <= idle).then_some(())).await;
}

#[tokio::test]
async fn whoever_asks_while_another_process_is_at_it_is_told_and_nobody_else_is() {
    let world = World::unlimited().await;
    let (letters, other) = (Letterbox::new(), Faulty::new(&world));
    let (odavl, mut keeper) = node(&world, slack(), &letters);
    turn(&mut keeper).await;
    world.clock.advance(HOUR * 20);
    // It has the lock, and makes no progress.
    other.has(Fault::StuckAt("begin_multipart"));
    let (vault, database) = (other.vault(&world), world.database.clone());
    let idle = other.calls();
    let at_it = tokio::spawn(async move {
        let _ = vault.create(&World::place(), &database, Wish::default()).await;
    });
    until(async || (other.calls() > idle).then_some(())).await;

    let operator = operator(&odavl).await;
    let refused = operator.backups().create("main").await.unwrap_err();
    assert_eq!(refused.code(), odavl_core::ErrorCode::Conflict, "{refused}");
    assert!(refused.to_string().contains("is being made"), "{refused}");
    turn(&mut keeper).await;
    assert!(health(&odavl).await.failed().is_none());
    at_it.abort();
    pass(&world, &mut keeper, 2).await;
    assert_eq!(backups(&world).await.len(), 2);
    assert_eq!(letters.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lock_that_nobody_can_read_is_told() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (odavl, mut keeper) = node(&world, slack(), &letters);
    let lock = format!("backups/production/main/lock/{:020}", 1).parse().unwrap();
    write(&world.backups, &lock, b"?".to_vec()).await;
    turn(&mut keeper).await;
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("failed: ") && told[0].contains("`conflict`"), "{told:?}");
    let refused = operator(&odavl).await.backups().create("main").await.unwrap_err();
    assert!(refused.to_string().contains("remove it"), "{refused}");
}

#[tokio::test]
async fn a_verification_that_fails_is_seen_and_told_until_the_backup_was_restored() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (secret, recipient) = Identities::generate();
    let vault = |identities: Identities| {
        let signing = SigningKey::from_seed(&[7; 32]).unwrap();
        let encryption = Encryption::For(recipient.parse().unwrap());
        let keys = Keys { signing, trusted: Trusted::default(), encryption, identities };
        Vault::new(world.backups.clone(), world.clock.clone(), keys)
    };
    let (odavl, mut keeper) = node_on(&world, vault(Identities::default()), slack(), &letters);
    turn(&mut keeper).await;
    let operator = operator(&odavl).await;
    let id = backups_in(&vault(Identities::default())).await[0].manifest.id;

    // It began when the backup did, as far as the clock tells.
    operator.backups().verify("main", id).await.unwrap();
    let failed = until(async || health(&odavl).await.failed_verification).await;
    assert_eq!(failed.work, Work::Verify(id));
    pass(&world, &mut keeper, 1).await;
    let told = letters.texts();
    let text = format!("unverifiable: the verification of {id} that began at ");
    assert!(told.len() == 1 && told[0].contains(&text), "{told:?}");
    assert_eq!(
        backups_in(&vault(Identities::default())).await.len(),
        1,
        "the backup itself is not made again"
    );

    // Neither a backup that fails after it, nor that its bytes are there, ends it.
    world.database.fail_dumps_after(Some(3));
    pass(&world, &mut keeper, 20).await;
    world.database.fail_dumps_after(None);
    let reads = vault(secret.reveal().parse().unwrap());
    reads.verify_bytes(&World::place(), Which::Id(id)).await.unwrap();
    pass(&world, &mut keeper, 2).await;
    let told = letters.texts();
    assert!(told.len() == 2 && told[1].contains("no longer failed"), "{told:?}");
    assert_eq!(health(&odavl).await.failed_verification, Some(failed));

    reads
        .verify(&World::place(), Which::Id(id), &Scratch::Beside(Arc::new(world.database.clone())))
        .await
        .unwrap();
    pass(&world, &mut keeper, 2).await;
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("no longer unverifiable"), "{told:?}");
}
