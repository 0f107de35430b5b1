//! Who calls: with exactly what an action needs, with everything but that, or from elsewhere.

use odavl_core::{
    Action, Needs, Settings,
    auth::{Access, NewKeyRequest, RESOURCES, Role, Scopes},
    metering::Allowance,
    secret::Secret,
};

use crate::{
    rows::{Row, Who, rows},
    support::{
        FIRST, URL, World,
        people::{in_browser, member},
    },
    things::Things,
};

pub(crate) const STRANGER: &str = "stranger@example.com";
const METERS: [&str; 6] =
    ["api_calls", "storage_bytes", "insight_analyses", "autopilot_runs", "guardian_tests", "api_keys"];

/// Settings in which nothing is limited but what is listed, which is at zero.
pub(crate) fn settings(zero: &[&str]) -> Settings {
    let mut settings = Settings::preset(URL).unwrap();
    let free = settings.catalog.plans.get_mut("FREE").unwrap();
    let most = |meter: &str| zero.contains(&meter).then_some(0);
    for meter in METERS.into_iter().filter(|meter| *meter != "api_keys") {
        let allowance = Allowance { max: most(meter), per: None, soft: false, ceiling: None };
        free.allowances.insert(meter.parse().unwrap(), vec![allowance]);
    }
    free.api_keys = most("api_keys");
    settings
}

/// Settings in which everything is at zero.
pub(crate) fn nothing_left() -> Settings {
    settings(&METERS)
}

/// The organisations `one`, which has one of everything, and `two`, which has nothing but a stranger.
pub(crate) async fn world() -> (World, Things) {
    furnished(World::bare(settings(&[]))).await
}

/// The same in a world that is not set up yet.
pub(crate) async fn furnished(world: World) -> (World, Things) {
    let world = world.set_up().await;
    let things = Things::of_one(&world).await;
    member(&world, &world.start(), "two", STRANGER, Role::Owner).await;
    (world, things)
}

/// The world in which `row` can be done.
pub(crate) async fn world_for(row: &Row) -> (World, Things) {
    if row.action != Action::SetUp {
        return world().await;
    }
    let world = World::bare(settings(&[]));
    let link = world.start().set_up_link().await.unwrap().unwrap();
    let link = link.reveal().split_once("link=").unwrap().1.to_owned();
    let things = Things { link: Secret::new(link), ..Things::absent(&world) };
    (world, things)
}

/// A key with these scopes, of the first person's where they can make it, else of the operator's organisation.
pub(crate) async fn key(world: &World, wish: NewKeyRequest) -> Secret<String> {
    let odavl = world.start();
    let operators = ["gateway", "instance"].into_iter().any(|name| wish.scopes.allow(name, Access::Read));
    let maker =
        if operators { world.session(&odavl, "operator").await } else { in_browser(&odavl, FIRST).await };
    maker.keys().create(wish).await.unwrap().token.unwrap().secret().clone()
}

/// The rows that a key can do.
pub(crate) fn rows_for_keys() -> Vec<Row> {
    rows().into_iter().filter(|row| row.who == Who::Anyone).collect()
}

/// Exactly what the action needs.
pub(crate) fn just_enough(action: Action) -> Scopes {
    let scopes = Scopes::none();
    match action.row().needs {
        Needs::Nothing | Needs::Credential => scopes.with("org", Access::Read),
        Needs::Scope(resource, access) => scopes.with(resource, access),
        Needs::Charging => scopes.with("usage", Access::Write),
        Needs::Product(access) => scopes.with("insight", access),
    }
}

/// Everything there is, but of what the action needs too little; `None` where it needs none.
pub(crate) fn all_but_enough(action: Action) -> Option<Scopes> {
    let products = ["insight", "autopilot", "guardian"];
    let (lowered, access) = match action.row().needs {
        Needs::Nothing | Needs::Credential => return None,
        Needs::Scope(resource, access) => (vec![resource], access),
        Needs::Charging => (vec!["usage", "gateway"], Access::Write),
        Needs::Product(access) => ([&products[..], &["uploads"]].concat(), access),
    };
    let below = match access {
        Access::Read => None,
        Access::Write => Some(Access::Read),
        Access::Admin => Some(Access::Write),
    };
    let all = RESOURCES.into_iter().chain(products);
    Some(all.fold(Scopes::none(), |scopes, name| match below {
        _ if !lowered.contains(&name) => scopes.with(name, Access::Admin),
        Some(access) => scopes.with(name, access),
        None => scopes,
    }))
}
