//! What is made each night, by whom, and what is made once more.

use super::*;

#[tokio::test]
async fn over_400_nights_each_has_its_backup_and_those_stay_that_the_rules_keep() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (_odavl, mut keeper) = node(&world, slack(), &letters);
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let (mut made, mut days) = (Vec::new(), Vec::<Date>::new());
    turn(&mut keeper).await;
    for number in 0..400 {
        world.database.insert("nights", [number.to_string()]);
        for hours in [18, 6] {
            world.clock.advance(HOUR * hours);
            turn(&mut keeper).await;
        }
        let newest = backups(&world).await.pop().unwrap();
        if made.last() != Some(&newest.manifest.id) {
            made.push(newest.manifest.id);
            days.push(zone.to_datetime(newest.manifest.timings.started_at).date());
        }
    }
    assert_eq!(days.len(), 400);
    assert!(days.windows(2).all(|two| two[0].tomorrow().unwrap() == two[1]), "{days:?}");
    let kept: Vec<_> = backups(&world).await.iter().map(|entry| entry.manifest.id).collect();
    // All of the 7 days before the newest one, as restic counts them.
    assert_eq!(kept, made[made.len() - 7..]);
    assert_eq!(letters.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn of_two_nodes_one_makes_the_backup_and_the_other_takes_over_when_it_is_gone() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (first, mut one) = node(&world, slack(), &letters);
    let (_second, mut two) = node(&world, slack(), &letters);
    turn(&mut one).await;
    turn(&mut two).await;
    assert_eq!(backups(&world).await.len(), 1);
    world.clock.advance(HOUR * 26);
    turn(&mut two).await;
    turn(&mut one).await;
    assert_eq!(backups(&world).await.len(), 2, "the lease was free, and one of them has it");
    drop(first);
    world.clock.advance(HOUR * 24);
    turn(&mut two).await;
    assert_eq!(backups(&world).await.len(), 3);
}

#[tokio::test]
async fn a_clock_that_goes_back_by_a_day_begins_nothing() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (_odavl, mut keeper) = node(&world, slack(), &letters);
    turn(&mut keeper).await;
    assert_eq!(backups(&world).await.len(), 1);
    world.clock.advance(-HOUR * 24);
    for _ in 0..24 {
        pass(&world, &mut keeper, 1).await;
    }
    assert_eq!(backups(&world).await.len(), 1);
    pass(&world, &mut keeper, 25).await;
    assert_eq!(backups(&world).await.len(), 2);
    assert_eq!(letters.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_dated_by_a_clock_that_was_wrong_does_not_count_and_is_told() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let years = HOUR * (24 * 365 * 4);
    world.clock.advance(years);
    let (odavl, mut keeper) = node(&world, slack(), &letters);
    turn(&mut keeper).await;
    world.database.fail_dumps_after(Some(3));
    pass(&world, &mut keeper, 24).await;
    assert!(letters.texts()[0].contains("failed: "));

    world.clock.advance(-years);
    pass(&world, &mut keeper, 1).await;
    let told = letters.texts();
    assert!(told.iter().any(|text| text.contains("dated in the future: ")), "{told:?}");
    world.database.fail_dumps_after(None);
    pass(&world, &mut keeper, 2).await;
    assert_eq!(backups(&world).await.len(), 2);
    let seen = health(&odavl).await;
    assert_eq!((seen.backups.len(), seen.troubles.len()), (1, 1), "{seen:?}");
    pass(&world, &mut keeper, 24).await;
    assert_eq!(backups(&world).await.len(), 3);
    letters.take();
    world.database.fail_dumps_after(Some(3));
    pass(&world, &mut keeper, 31).await;
    let told = letters.texts();
    assert!(told.len() == 2 && told[1].contains("late"), "{told:?}");
}

#[tokio::test]
async fn a_backup_that_is_bad_is_no_success_and_is_made_once_more() {
    let world = World::unlimited().await;
    let (letters, store) = (Letterbox::new(), Faulty::new(&world));
    let alerting = Alerting { on_success: true, ..slack() };
    let (odavl, mut keeper) = node_on(&world, store.vault(&world), alerting, &letters);
    world.database.insert("rows", ["1", "2"]);
    turn(&mut keeper).await;
    let success = |odavl: &Odavl| odavl.backups_seen()[&World::place()].last_success.unwrap();
    let first = success(&odavl);
    assert_eq!(letters.texts().len(), 1);

    store.has(Fault::Spoils);
    pass(&world, &mut keeper, 22).await;
    assert_eq!(success(&odavl), first);
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("failed: "), "{told:?}");
    pass(&world, &mut keeper, 12).await;
    assert_eq!(backups(&world).await.len(), 3, "once more, and then by the schedule");
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("late: "), "{told:?}");
    store.has(Fault::Nothing);
    pass(&world, &mut keeper, 24).await;
    assert!(success(&odavl) > first);
    let told = letters.texts();
    assert!(told.len() == 3 && told.iter().any(|text| text.contains("is complete")), "{told:?}");
}

#[tokio::test]
async fn a_backup_that_hangs_is_told_as_late_and_is_ended() {
    let world = World::unlimited().await;
    let (letters, store) = (Letterbox::new(), Faulty::new(&world));
    let (odavl, mut keeper) = node_on(&world, store.vault(&world), slack(), &letters);
    turn(&mut keeper).await;
    store.has(Fault::StuckAt("put_part"));
    world.database.insert("rows", ["1", "2"]);
    for _ in 0..36 {
        world.clock.advance(HOUR);
        keeper.turn().await.unwrap();
    }
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("late: "), "{told:?}");
    let operator = operator(&odavl).await;
    let running = async || operator.backups().sources().await.unwrap()[0].running.clone();
    until(async || running().await.filter(|running| running.bytes > 0)).await;

    tokio::time::pause();
    keeper.finish().await;
    // What cannot be seen when it ends is not forgotten.
    store.has(Fault::Away);
    keeper.turn().await.unwrap();
    store.has(Fault::Nothing);
    world.clock.advance(HOUR / 2);
    keeper.turn().await.unwrap();
    let told = letters.texts();
    assert!(told.len() == 3 && told[0].contains("unreachable: "), "{told:?}");
    assert!(told[1].contains("failed: ") && told[1].contains("`unavailable`"), "{told:?}");
    assert!(told[2].contains("no longer unreachable"), "{told:?}");
    assert!(running().await.is_none(), "an hour is counted from when it ended");
    world.clock.advance(HOUR / 2 - SignedDuration::from_secs(1));
    keeper.turn().await.unwrap();
    assert!(running().await.is_none());
    world.clock.advance(SignedDuration::from_secs(1));
    keeper.turn().await.unwrap();
    assert!(running().await.is_some());
}
