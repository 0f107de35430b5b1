use serde_json::{Value, json};

use super::*;
use crate::{
    ErrorCode, Reason,
    ids::{OrgId, SessionId, UserId},
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn now() -> Timestamp {
    at(1_800_000_000)
}

fn master() -> MasterKey {
    MasterKey::new(&[7; 32])
}

fn ring(starts: &[Timestamp]) -> Keyring {
    Keyring::open(
        starts.iter().map(|start| SigningKey::generate(&master(), *start).unwrap()).collect(),
        &master(),
    )
}

fn issuer() -> Issuer {
    Issuer { issuer: "https://odavl.example".into(), audience: "https://odavl.example/api".into() }
}

fn claims() -> AccessClaims {
    let Issuer { issuer, audience } = issuer();
    AccessClaims {
        iss: issuer,
        aud: audience,
        sub: UserId::new(now()).unwrap(),
        exp: now().as_second() + 900,
        iat: now().as_second(),
        jti: "1".into(),
        sid: SessionId::new(now()).unwrap(),
        client_id: "odavl-cli".into(),
        org: OrgId::new(now()).unwrap(),
        scope: "storage:write usage:read".parse().unwrap(),
    }
}

fn reason(ring: &Keyring, token: &str) -> Option<Reason> {
    ring.verify(token, &issuer(), now()).unwrap_err().reason()
}

fn decoded(token: &str, part: usize) -> Value {
    serde_json::from_slice(&BASE64URL.decode(token.split('.').nth(part).unwrap()).unwrap()).unwrap()
}

/// A token with that header, signed rightly.
fn signed(ring: &Keyring, header: &Value, payload: &Value) -> String {
    let part = |value: &Value| BASE64URL.encode(value.to_string());
    let body = format!("{}.{}", part(header), part(payload));
    format!("{body}.{}", BASE64URL.encode(ring.keys[0].pair.sign(body.as_bytes())))
}

#[test]
fn a_token_says_what_was_signed() {
    let ring = ring(&[now()]);
    let token = ring.sign(&claims());
    let token = token.unwrap().reveal().clone();
    let read = ring.verify(&token, &issuer(), now()).unwrap();
    assert_eq!((read.scope, read.client_id.as_str()), (claims().scope, "odavl-cli"));
    assert_eq!(decoded(&token, 0), json!({"alg": "EdDSA", "typ": "at+jwt", "kid": ring.keys[0].row.kid}));
    assert_eq!(decoded(&token, 1)["scope"], "storage:write usage:read");
}

#[test]
fn another_algorithm_type_or_any_critical_header_is_malformed() {
    let ring = ring(&[now()]);
    let good = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": ring.keys[0].row.kid});
    let payload = serde_json::to_value(claims()).unwrap();
    assert!(ring.verify(&signed(&ring, &good, &payload), &issuer(), now()).is_ok());
    let changes = [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("Ed25519")),
        ("alg", json!("eddsa")),
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("kid", json!(null)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
    ];
    for (member, value) in changes {
        let mut header = good.clone();
        header[member] = value;
        let refused = reason(&ring, &signed(&ring, &header, &payload));
        assert_eq!(refused, Some(Reason::Malformed), "{header}");
    }
}

#[test]
fn an_unsigned_a_cut_and_an_oversize_token_are_malformed_and_a_changed_one_is_unknown() {
    let ring = ring(&[now()]);
    let token = ring.sign(&claims()).unwrap().reveal().clone();
    let (body, _) = token.rsplit_once('.').unwrap();
    for text in
        ["", ".", "..", "a.b.c", body, &format!("{token}.{token}"), &format!("{token}="), &"x".repeat(5000)]
    {
        assert_eq!(reason(&ring, text), Some(Reason::Malformed), "{text}");
    }
    assert_eq!(reason(&ring, &format!("{body}.")), Some(Reason::Unknown));

    let mut long = serde_json::to_value(claims()).unwrap();
    long["pad"] = json!("x".repeat(4000));
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": ring.keys[0].row.kid});
    assert_eq!(reason(&ring, &signed(&ring, &header, &long)), Some(Reason::Malformed));

    let other = ring.sign(&AccessClaims { client_id: "other".into(), ..claims() }).unwrap();
    let (other_body, _) = other.reveal().rsplit_once('.').unwrap();
    let spliced = format!("{other_body}.{}", token.rsplit_once('.').unwrap().1);
    assert_eq!(reason(&ring, &spliced), Some(Reason::Unknown));
}

#[test]
fn another_key_even_one_that_takes_the_name_is_unknown() {
    let (ours, theirs) = (ring(&[now()]), ring(&[now()]));
    let token = theirs.sign(&claims()).unwrap();
    assert_eq!(reason(&ours, token.reveal()), Some(Reason::Unknown));
    assert!(!ours.knows(token.reveal()));

    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": ours.keys[0].row.kid});
    let forged = signed(&theirs, &header, &serde_json::to_value(claims()).unwrap());
    assert_eq!(reason(&ours, &forged), Some(Reason::Unknown));
}

#[test]
fn another_issuer_audience_or_time_is_refused() {
    let ring = ring(&[at(0), now()]);
    let second = now().as_second();
    let wrong = [
        (AccessClaims { iss: "https://evil.example".into(), ..claims() }, Reason::Unknown),
        (AccessClaims { aud: "https://odavl.example".into(), ..claims() }, Reason::Unknown),
        (AccessClaims { iat: second + 61, exp: second + 961, ..claims() }, Reason::Unknown),
        (AccessClaims { iat: second + 61, exp: i64::MAX, ..claims() }, Reason::Unknown),
        (AccessClaims { exp: second - 60, ..claims() }, Reason::Expired),
    ];
    for (claims, expected) in wrong {
        let token = jws::sign(&ring.keys[1].row.kid, &ring.keys[1].pair, &claims).unwrap();
        assert_eq!(reason(&ring, &token), Some(expected), "{claims:?}");
    }
    for claims in [
        AccessClaims { iat: second + 60, exp: second + 960, ..claims() },
        AccessClaims { exp: second - 59, ..claims() },
    ] {
        let token = jws::sign(&ring.keys[1].row.kid, &ring.keys[1].pair, &claims).unwrap();
        assert!(ring.verify(&token, &issuer(), now()).is_ok(), "{claims:?}");
    }
}

#[test]
fn a_missing_claim_is_malformed() {
    let ring = ring(&[now()]);
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": ring.keys[0].row.kid});
    for claim in ["iss", "aud", "sub", "exp", "iat", "jti", "sid", "client_id", "org", "scope"] {
        let mut payload = serde_json::to_value(claims()).unwrap();
        payload.as_object_mut().unwrap().remove(claim);
        assert_eq!(reason(&ring, &signed(&ring, &header, &payload)), Some(Reason::Malformed), "{claim}");
    }
}

#[test]
fn a_row_that_another_master_key_sealed_or_that_lies_is_not_used() {
    let good = SigningKey::generate(&master(), now()).unwrap();
    let foreign = SigningKey::generate(&MasterKey::new(&[8; 32]), now()).unwrap();
    let lying = SigningKey { public: foreign.public, ..good.clone() };
    let renamed = SigningKey { kid: foreign.kid.clone(), ..good.clone() };
    let ring = Keyring::open(vec![good.clone(), foreign, lying, renamed], &master());
    assert_eq!((ring.keys.len(), ring.unopened().count()), (1, 3));
    assert_eq!(ring.jwks(now()).keys[0].kid, good.kid);
}

#[test]
fn a_key_is_published_before_it_signs_and_verifies_after_it_stopped() {
    let next = now() + DAY;
    let ring = ring(&[now(), next]);
    assert_eq!(ring.jwks(now()).keys.len(), 2);
    let kid = |claims: &AccessClaims| decoded(ring.sign(claims).unwrap().reveal(), 0)["kid"].clone();
    assert_eq!(kid(&claims()), ring.keys[0].row.kid);
    assert_eq!(kid(&AccessClaims { iat: next.as_second(), ..claims() }), ring.keys[1].row.kid);

    let last = ring.keys[0].row.signs_until().as_second() - 1;
    let late = AccessClaims { iat: last, exp: last + 900, ..claims() };
    let token = jws::sign(&ring.keys[0].row.kid, &ring.keys[0].pair, &late).unwrap();
    assert!(ring.verify(&token, &issuer(), at(last + 900)).is_ok());
    let retired = ring.keys[0].row.retires_at;
    assert_eq!(ring.jwks(retired).keys.len(), 1);
}

#[test]
fn over_a_year_of_daily_rotation_a_key_always_signs_and_the_next_is_published_a_day_ahead() {
    let mut rows: Vec<SigningKey> = Vec::new();
    let mut made = 0;
    for day in 0..365 {
        let today = now() + DAY * day;
        let plan = Keyring::open(rows.clone(), &master()).rotation(today);
        if plan.drop_retired {
            rows.retain(|row| today < row.retires_at);
        }
        if let Some(from) = plan.add_from {
            assert!(day == 0 || from >= today + DAY, "day {day}");
            rows.push(SigningKey::generate(&master(), from).unwrap());
            made += 1;
        }
        let ring = Keyring::open(rows.clone(), &master());
        assert!(rows.iter().any(|row| row.signs(today)) && rows.len() <= 3, "day {day}");
        assert_eq!(ring.rotation(today).add_from, None, "done once, nothing is left to do");
    }
    assert_eq!(made, 13);
}

#[test]
fn without_a_key_that_signs_one_is_made_at_once() {
    let ring = ring(&[now()]);
    let later = now() + DAY * 90;
    assert_eq!(ring.rotation(later), Rotation { add_from: Some(later), drop_retired: true });
    let refused = ring.sign(&AccessClaims { iat: later.as_second(), ..claims() }).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
}

#[test]
fn a_key_that_was_made_while_a_request_ran_signs_for_that_request() {
    assert!(ring(&[now() + SignedDuration::from_millis(1500)]).sign(&claims()).is_ok());
    assert!(ring(&[now() + SignedDuration::from_secs(61)]).sign(&claims()).is_err());
}

/// The example of RFC 8037, A.3.
#[test]
fn the_thumbprint_is_the_one_of_the_rfc() {
    let x = BASE64URL.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    assert_eq!(thumbprint(&x.try_into().unwrap()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn a_keyring_shows_no_private_half() {
    let shown = format!("{:?} {:?}", ring(&[now()]), Keyring::open(Vec::new(), &master()));
    assert!(shown.len() < 100, "{shown}");
}
