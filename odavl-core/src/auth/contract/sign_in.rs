//! Sign-ins, device requests, the set-up link and signing keys.

use super::{
    NOW, Subject, added_org, added_person, apply, device, drawn, found, later, login, person, raced, refused,
};
use crate::{
    auth::{Change, DeviceGrant, DeviceState, Login, LoginKind, SetupLink, SigningKey},
    error::{ErrorCode, Result},
    ids::SessionId,
};

fn add(login: &Login) -> Change {
    Change::AddLogin(Box::new(login.clone()))
}

fn set(login: Login) -> Change {
    Change::SetLogin(Box::new(login))
}

fn answer(device: &DeviceGrant, state: DeviceState) -> Change {
    Change::SetDevice(Box::new(DeviceGrant { state, ..device.clone() }))
}

/// Every field comes back; a change of an older row is refused.
pub async fn a_login_is_read_back_as_written_and_stale_ones_are_refused(auth: Subject) -> Result<()> {
    let (org, user) = (added_org(&auth, "org").await?.id, added_person(&auth, "ada").await?.id);
    let full = Login {
        org: Some(org),
        kind: LoginKind::Device,
        scopes: "storage:write usage:read".parse()?,
        generation: 4,
        previous: Some((drawn()?, later(1), 2)),
        address: Some("203.0.113.9".into()),
        revoked_at: Some(later(2)),
        ..login(user)?
    };
    apply(&auth, [add(&full)]).await?;
    same(&found(auth.login(full.id).await?)?, &full);
    let plain = Login { id: full.id, ..login(user)? };
    apply(&auth, [set(plain.clone())]).await?;
    same(&found(auth.login(full.id).await?)?, &Login { rev: 2, ..plain.clone() });
    assert_eq!(refused(&auth, [set(plain)]).await, Some(ErrorCode::Conflict));
    assert_eq!(refused(&auth, [set(login(user)?)]).await, Some(ErrorCode::NotFound));
    assert_eq!(refused(&auth, [add(&full)]).await, Some(ErrorCode::AlreadyExists));
    assert!(auth.login(SessionId::new(NOW)?).await?.is_none());
    Ok(())
}

fn same(read: &Login, written: &Login) {
    assert_eq!(format!("{read:?}"), format!("{written:?}"));
    assert_eq!((read.digest, read.previous), (written.digest, written.previous));
}

/// The others end now; those that had ended, and other people's, stay as they were.
pub async fn ending_a_person_s_logins_leaves_the_one_that_is_excepted(auth: Subject) -> Result<()> {
    let (ada, bea) = (added_person(&auth, "ada").await?.id, added_person(&auth, "bea").await?.id);
    let ended = Login { revoked_at: Some(NOW), ..login(ada)? };
    let (kept, open, hers) = (login(ada)?, login(ada)?, login(bea)?);
    apply(&auth, [&ended, &kept, &open, &hers].map(add)).await?;
    let mut listed = vec![kept.id, open.id];
    listed.sort_unstable();
    assert_eq!(auth.logins(ada).await?.iter().map(|login| login.id).collect::<Vec<_>>(), listed);

    apply(&auth, [Change::EndLogins { user: ada, except: Some(kept.id), at: later(5) }]).await?;
    assert_eq!(auth.logins(ada).await?.iter().map(|login| login.id).collect::<Vec<_>>(), [kept.id]);
    for (login, end) in [(&ended, Some(NOW)), (&open, Some(later(5))), (&kept, None), (&hers, None)] {
        assert_eq!(found(auth.login(login.id).await?)?.revoked_at, end);
    }
    assert_eq!(refused(&auth, [set(open)]).await, Some(ErrorCode::Conflict), "a refresh in flight is stale");

    apply(&auth, [Change::EndLogins { user: ada, except: None, at: later(6) }]).await?;
    assert!(auth.logins(ada).await?.is_empty());
    assert_eq!(auth.logins(bea).await?.len(), 1);
    Ok(())
}

/// Every field and every state comes back; both codes are unique.
pub async fn a_device_request_is_found_by_both_its_codes(auth: Subject) -> Result<()> {
    let (org, user) = (added_org(&auth, "org").await?.id, added_person(&auth, "ada").await?.id);
    let mut grant =
        DeviceGrant { address: Some("203.0.113.9".into()), polled_at: Some(later(1)), ..device()? };
    apply(&auth, [Change::AddDevice(Box::new(grant.clone()))]).await?;
    let approved = DeviceState::Approved { user, org, scopes: "storage:read".parse()? };
    for state in [approved, DeviceState::Denied, DeviceState::Claimed] {
        apply(&auth, [answer(&grant, state.clone())]).await?;
        grant = DeviceGrant { state, rev: grant.rev + 1, ..grant };
        let read =
            [auth.device(&grant.device_code).await?, auth.device_by_user_code(&grant.user_code).await?];
        for read in read {
            assert_eq!(format!("{:?}", found(read)?), format!("{grant:?}"));
        }
    }
    for twin in [
        DeviceGrant { device_code: grant.device_code, ..device()? },
        DeviceGrant { user_code: grant.user_code, ..device()? },
    ] {
        let add = Change::AddDevice(Box::new(twin));
        assert_eq!(refused(&auth, [add]).await, Some(ErrorCode::AlreadyExists));
    }
    assert!(auth.device(&grant.user_code).await?.is_none());
    assert!(auth.device_by_user_code(&grant.device_code).await?.is_none());
    Ok(())
}

/// Of those who approve, deny or claim at once, one succeeds: a code works once.
pub async fn of_those_who_answer_one_device_request_one_succeeds(auth: Subject) -> Result<()> {
    let grant = device()?;
    apply(&auth, [Change::AddDevice(Box::new(grant.clone()))]).await?;
    let answers = (0..8).map(|number| {
        let state = if number % 2 == 0 { DeviceState::Denied } else { DeviceState::Claimed };
        vec![answer(&grant, state)]
    });
    assert_eq!(raced(&auth, answers.collect()).await, [ErrorCode::Conflict; 7]);
    assert_eq!(found(auth.device(&grant.device_code).await?)?.rev, 2);
    let unknown = answer(&device()?, DeviceState::Denied);
    assert_eq!(refused(&auth, [unknown]).await, Some(ErrorCode::NotFound));
    Ok(())
}

/// The loser's person is not there either.
pub async fn of_two_claims_of_one_set_up_link_one_succeeds(auth: Subject) -> Result<()> {
    let link = SetupLink { digest: drawn()?, expires_at: later(1800) };
    apply(&auth, [Change::PutSetup(link.clone())]).await?;
    let people = [person("one")?, person("two")?];
    let claim = Change::ClaimSetup { digest: link.digest, at: NOW };
    let claims = people.clone().map(|user| vec![claim.clone(), Change::AddUser(user)]);
    assert_eq!(raced(&auth, claims.into()).await, [ErrorCode::NotFound]);
    let there = [auth.user(people[0].id).await?.is_some(), auth.user(people[1].id).await?.is_some()];
    assert_eq!(there.iter().filter(|there| **there).count(), 1);
    Ok(())
}

/// Only the latest link works, until its end; a claim whose write fails does not use it up.
pub async fn a_set_up_link_ends_is_replaced_and_is_refused_once_there_is_a_person(
    auth: Subject,
) -> Result<()> {
    let link = |digest| SetupLink { digest, expires_at: later(10) };
    let (first, second) = (drawn()?, drawn()?);
    apply(&auth, [Change::PutSetup(link(first)), Change::PutSetup(link(second))]).await?;
    let claim = |digest, seconds| Change::ClaimSetup { digest, at: later(seconds) };
    assert_eq!(refused(&auth, [claim(first, 0)]).await, Some(ErrorCode::NotFound));
    assert_eq!(refused(&auth, [claim(second, 10)]).await, Some(ErrorCode::NotFound));
    let twice = [claim(second, 9), claim(second, 9)];
    assert_eq!(refused(&auth, twice).await, Some(ErrorCode::NotFound));
    apply(&auth, [claim(second, 9), Change::AddUser(person("ada")?)]).await?;
    assert_eq!(refused(&auth, [Change::PutSetup(link(first))]).await, Some(ErrorCode::Conflict));
    Ok(())
}

/// What ends at that very instant is still there.
pub async fn what_ended_is_dropped_and_the_rest_stays(auth: Subject) -> Result<()> {
    let user = added_person(&auth, "ada").await?.id;
    let open =
        Login { expires_at: later(10), ends_at: later(10), revoked_at: Some(later(10)), ..login(user)? };
    let gone = [
        Login { expires_at: later(9), ends_at: later(99), ..login(user)? },
        Login { expires_at: later(99), ends_at: later(9), ..login(user)? },
        Login { expires_at: later(99), ends_at: later(99), revoked_at: Some(later(9)), ..login(user)? },
    ];
    apply(&auth, gone.iter().chain([&open]).map(add)).await?;
    let (alive, dead) = (
        DeviceGrant { expires_at: later(10), ..device()? },
        DeviceGrant { expires_at: later(9), ..device()? },
    );
    apply(&auth, [&alive, &dead].map(|grant| Change::AddDevice(Box::new(grant.clone())))).await?;

    apply(&auth, [Change::DropEnded { at: later(10) }]).await?;
    assert!(auth.login(open.id).await?.is_some());
    for login in gone {
        assert!(auth.login(login.id).await?.is_none());
    }
    assert!(auth.device(&alive.device_code).await?.is_some());
    assert!(auth.device(&dead.device_code).await?.is_none());
    Ok(())
}

/// In order of when they sign, whatever the order in which they came.
pub async fn signing_keys_are_unique_and_oldest_first_and_go_when_they_retire(auth: Subject) -> Result<()> {
    let key = |kid: &str, from, until| SigningKey {
        kid: kid.into(),
        public: [9; 32],
        sealed: vec![0, 255, 7],
        active_from: later(from),
        retires_at: later(until),
    };
    let keys = [key("b", 20, 50), key("a", 10, 40), key("c", 10, 30)];
    apply(&auth, keys.map(Change::AddSigningKey)).await?;
    let read = auth.signing_keys().await?;
    assert_eq!(read.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["a", "c", "b"]);
    assert_eq!(format!("{:?}", read[0]), format!("{:?}", key("a", 10, 40)));
    let twin = Change::AddSigningKey(key("a", 90, 99));
    assert_eq!(refused(&auth, [twin]).await, Some(ErrorCode::AlreadyExists));

    apply(&auth, [Change::DropSigningKeys { at: later(40) }]).await?;
    assert_eq!(auth.signing_keys().await?.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["b"]);
    Ok(())
}
