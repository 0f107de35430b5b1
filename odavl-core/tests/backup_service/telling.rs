//! Who is told what, and what is remembered of it.

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

#[tokio::test]
async fn a_backup_that_fails_is_told_once_tried_again_and_told_when_it_is_over() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (odavl, mut keeper) = node(&world, slack(), &letters);
    world.database.insert("rows", ["1", "2"]);
    world.database.fail_dumps_after(Some(3));
    pass(&world, &mut keeper, 3).await;
    let told = letters.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("backups of main of production: failed: "), "{told:?}");
    let seen = health(&odavl).await;
    assert!(seen.failed_backup.is_some() && seen.newest().is_none(), "{seen:?}");
    assert_eq!(seen.troubles.len(), 1);

    world.database.fail_dumps_after(None);
    pass(&world, &mut keeper, 2).await;
    assert_eq!(backups(&world).await.len(), 1);
    let told = letters.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("no longer failed"), "{told:?}");
}

#[tokio::test]
async fn whoever_could_not_be_told_is_told_later_and_whoever_was_is_not_told_again() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let webhook = ("https://example.com/hook".to_owned(), SECRET.parse().unwrap());
    let alerting = Alerting { webhook: Some(webhook), on_success: true, ..slack() };
    let (_odavl, mut keeper) = node(&world, alerting.clone(), &letters);
    letters.status.store(0, Ordering::SeqCst);
    turn(&mut keeper).await;
    assert!(letters.take().is_empty());
    letters.status.store(503, Ordering::SeqCst);
    world.clock.advance(HOUR / 30);
    turn(&mut keeper).await;
    letters.status.store(204, Ordering::SeqCst);
    world.clock.advance(HOUR / 30);
    turn(&mut keeper).await;
    let told = letters.take();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].headers.is_empty() && told[0].body.contains("is complete"), "{told:?}");
    let body: serde_json::Value = serde_json::from_str(&told[1].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["source"]), (&"backup.completed".into(), &"main".into()));
    assert_eq!(body["data"]["backup"], backups(&world).await[0].manifest.id.to_string());
    let names: Vec<_> = told[1].headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
    // Another node knows who was told: it lies beside the backups.
    let (_second, mut other) = node(&world, alerting, &letters);
    drop(keeper);
    pass(&world, &mut other, 2).await;
    assert_eq!(letters.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn where_the_store_does_not_answer_that_is_told_and_nothing_is_made_on_a_guess() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (first, mut keeper) = node(&world, slack(), &letters);
    turn(&mut keeper).await;
    assert_eq!(backups(&world).await.len(), 1);
    drop((first, keeper));
    let store = Faulty::new(&world);
    let (_other, mut keeper) = node_on(&world, store.vault(&world), slack(), &letters);
    store.has(Fault::Away);
    pass(&world, &mut keeper, 30).await;
    let told = letters.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("unreachable"), "{told:?}");
    store.has(Fault::Nothing);
    pass(&world, &mut keeper, 1).await;
    assert_eq!(backups(&world).await.len(), 2);
    assert!(letters.texts().iter().any(|text| text.contains("no longer unreachable")));
}

#[test]
fn a_secret_that_is_none_is_told_and_not_repeated() {
    for text in ["", "whsec_", "whsec_AAAA", "hunter2hunter2hunter2hunter2hunter2"] {
        let refused = text.parse::<odavl_core::backup::WebhookSecret>().unwrap_err();
        assert!(text.is_empty() || !refused.to_string().contains(text), "{refused}");
    }
}

#[tokio::test]
async fn what_was_told_is_remembered_by_a_node_that_starts_while_the_store_is_away() {
    let world = World::unlimited().await;
    let (letters, store) = (Letterbox::new(), Faulty::new(&world));
    let (first, mut keeper) = node(&world, slack(), &letters);
    world.database.fail_dumps_after(Some(3));
    turn(&mut keeper).await;
    assert!(letters.texts().iter().all(|text| text.contains("failed: ")));
    drop((first, keeper));

    let (odavl, mut keeper) = node_on(&world, store.vault(&world), slack(), &letters);
    store.has(Fault::Away);
    pass(&world, &mut keeper, 20).await;
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("unreachable"), "nothing else is over: {told:?}");
    store.has(Fault::Nothing);
    pass(&world, &mut keeper, 8).await;
    let told = letters.texts();
    assert_eq!(told.len(), 2, "what had failed is known: {told:?}");
    assert!(told[0].contains("no longer unreachable"), "{told:?}");
    assert!(told[1].contains("late"), "backups are expected since before: {told:?}");
    assert!(health(&odavl).await.failed_backup.is_some());
    world.database.fail_dumps_after(None);
    pass(&world, &mut keeper, 2).await;
    let told = letters.texts();
    assert!(told.len() == 2 && told.iter().all(|text| text.contains("no longer")), "{told:?}");
}

#[tokio::test]
async fn what_a_node_could_not_write_is_known_to_the_one_that_leads_after_it() {
    let world = World::unlimited().await;
    let (letters, store) = (Letterbox::new(), Faulty::new(&world));
    let (_first, mut one) = node_on(&world, store.vault(&world), slack(), &letters);
    let (_second, mut two) = node(&world, slack(), &letters);
    turn(&mut one).await;
    store.has(Fault::Away);
    pass(&world, &mut one, 2).await;
    assert!(letters.texts()[0].contains("unreachable"));
    world.clock.advance(HOUR);
    turn(&mut two).await;
    assert_eq!(letters.texts(), Vec::<String>::new());
    store.has(Fault::Nothing);
    turn(&mut one).await;
    pass(&world, &mut two, 2).await;
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("no longer unreachable"), "{told:?}");
    turn(&mut one).await;
    pass(&world, &mut two, 2).await;
    assert_eq!(letters.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_store_that_never_answers_is_told_as_one_that_is_away() {
    let world = World::unlimited().await;
    let (letters, store) = (Letterbox::new(), Faulty::new(&world));
    let (_odavl, mut keeper) = node_on(&world, store.vault(&world), slack(), &letters);
    store.has(Fault::Stuck);
    tokio::time::pause();
    turn(&mut keeper).await;
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("unreachable"), "{told:?}");
}

#[tokio::test]
async fn what_is_in_a_database_is_neither_told_nor_remembered_in_clear_text() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let why = Error::invalid_with("invalid input syntax for canary_table: \"canary row\"", "turn left");
    let job = Job { database: Err(Arc::new(why)), ..nightly(&world) };
    let webhook = ("https://example.com/hook".to_owned(), SECRET.parse().unwrap());
    let alerting = Alerting { webhook: Some(webhook), on_success: true, ..slack() };
    let odavl = world.start_backing_up(Sources::new(world.vault(world.backups.clone()), [job], alerting));
    let mut keeper = odavl.keeper(letters.clone()).unwrap();
    turn(&mut keeper).await;
    let told = letters.take();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|letter| letter.body.contains("`invalid_input`")), "{told:?}");
    assert!(!format!("{told:?} {:?}", health(&odavl).await).contains("canary"), "{told:?}");
    for object in stored(&world.backups).await {
        let bytes = world.backups.get(&object.key, None).await.unwrap().unwrap().body;
        let bytes = collect(bytes, 1 << 20).await.unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{}", object.key);
    }
    // Whoever asks for a backup is told.
    let refused = operator(&odavl).await.backups().create("main").await.unwrap_err();
    assert!(refused.to_string().contains("canary_table"), "{refused}");
    assert_eq!(refused.hint().as_deref(), Some("turn left"));
}
