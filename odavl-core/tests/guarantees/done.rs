//! Each use case is done by whoever may, counts as it says, and is recorded as it says.

use std::collections::BTreeMap;

use odavl_core::{
    Action, Needs,
    auth::{NewKeyRequest, OrgRef},
    page::PageQuery,
    session::{Context, Session},
};

use crate::{
    callers::{just_enough, key, nothing_left, settings, world, world_for},
    rows::{Row, Who, rows},
    support::{
        FIRST, World,
        people::{in_browser, with_key},
        recorder::Recorder,
    },
    things::Things,
};

/// How often each action is asked for in the sources: so many use cases it has.
fn asked() -> BTreeMap<String, usize> {
    fn read(folder: &std::path::Path, asked: &mut BTreeMap<String, usize>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, asked);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for begun in ["Ask::new(Action::", ".change(Action::"] {
                for rest in text.split(begun).skip(1) {
                    let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
                    *asked.entry(name.to_owned()).or_default() += 1;
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

#[test]
fn every_use_case_of_every_action_has_a_row() {
    let (rows, asked) = (rows(), asked());
    for action in Action::ALL {
        let here = rows.iter().filter(|row| row.action == *action).count();
        let there = asked.get(&format!("{action:?}")).copied().unwrap_or(0);
        assert!(there > 0, "{action:?} is asked for nowhere: take it out of the table of actions");
        assert!(here >= there, "{action:?} has {there} use cases and {here} rows: add what is missing");
    }
}

#[test]
fn a_row_counts_as_a_request_where_its_action_does() {
    for row in rows() {
        let counts = row.charges.contains(&"api_calls");
        assert_eq!(counts, row.action.row().request, "{:?} {}", row.action, row.what);
        assert_eq!(row.who == Who::Visitor, row.action.row().needs == Needs::Nothing, "{:?}", row.action);
    }
}

/// How many records there are.
async fn recorded(world: &World) -> u64 {
    let everyone = PageQuery { limit: 1000, cursor: None };
    let mut all = 0;
    for org in world.auth.orgs(&everyone).await.unwrap().items {
        all += world.auth.audit_head(org.id).await.unwrap().map_or(0, |head| head.seq);
    }
    all
}

async fn calls(world: &World) -> u64 {
    match world.auth.org(&"one".parse::<OrgRef>().unwrap()).await.unwrap() {
        Some(_) => world.used("api_calls").await,
        None => 0,
    }
}

/// Whoever may do it, with no more than it takes; where it charges nothing, nothing is left.
async fn whoever_may(world: &World, row: &Row) -> Session {
    let settings = if row.charges.is_empty() { nothing_left() } else { settings(&[]) };
    let odavl = world.start_watched(&Recorder::default(), settings);
    match row.who {
        Who::Visitor => odavl.visitor(Context::default()),
        Who::Person => in_browser(&odavl, FIRST).await,
        Who::Anyone => {
            let wish = NewKeyRequest::new("enough", just_enough(row.action));
            with_key(&odavl, &key(world, wish).await).await
        }
    }
}

async fn do_it(row: &Row) -> u64 {
    let name = format!("{:?} {}", row.action, row.what);
    let (world, things): (World, Things) = world_for(row).await;
    let session = whoever_may(&world, row).await;
    let (records, requests) = (recorded(&world).await, calls(&world).await);
    (row.call)(&session, &things).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let request = u64::from(row.action.row().request);
    // An upload that is given up gives back the request that it began with.
    let counted = calls(&world).await.saturating_sub(requests);
    assert_eq!(counted, request, "{name}: requests counted");
    recorded(&world).await - records
}

#[tokio::test]
async fn with_just_the_scope_it_needs_each_is_done_and_counted_and_recorded_once() {
    let mut records: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows() {
        *records.entry(row.action.row().name).or_default() += do_it(&row).await;
    }
    for action in Action::ALL {
        let left = records[action.row().name];
        assert_eq!(left > 0, action.row().audited, "{action:?} left {left} records");
    }
}

#[tokio::test]
async fn what_is_held_is_settled_although_nothing_is_left() {
    let (world, things) = world().await;
    let odavl = world.start_watched(&Recorder::default(), settings(&["autopilot_runs"]));
    let session = world.session(&odavl, "one").await;
    session.usage().settle(things.held, vec![("autopilot_runs".parse().unwrap(), 1)]).await.unwrap();
    assert_eq!(world.used("autopilot_runs").await, 1);
}
