//! Refresh tokens: `<prefix>_rt_<login>_<secret>_<crc>`, rotated on every use.
//!
//! The successor of a token is computed from it under the master key, not drawn: a client that lost the answer
//! asks again and gets the same one, although only digests are stored. Half of the secret is a mark under the
//! master key: who merely knows the id of a sign-in cannot present a token that ends it.

use std::{fmt, iter};

use jiff::{SignedDuration, Timestamp};
use ring::hmac;

use super::unknown;
use crate::{
    auth::{KeyPrefix, Login, opaque},
    error::{Error, Reason, Result},
    ids::SessionId,
    random,
    seal::MasterKey,
    secret::{Digest, Secret},
};

/// A refresh token as its holder has it. Only its digest is stored.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The sign-in: the family of tokens that this is the present one of, or was.
    pub login: SessionId,
    text: Secret<String>,
}

/// What comes of a refresh.
#[derive(Debug, Clone)]
pub enum Refresh {
    /// The login as it is to be stored, and its new token.
    Rotated(Box<Login>, RefreshToken),
    /// A retry of the last refresh: the login as it is to be stored, and the same token again. To be audited.
    Repeated(Box<Login>, RefreshToken),
    /// A token that was used before, by whoever holds a copy: the family is to be revoked.
    Reused,
}

/// Computes successors, under a key that the database does not hold.
#[derive(Clone)]
pub struct RefreshSeal {
    prefix: KeyPrefix,
    newest: hmac::Key,
    /// Under the versions of the master key before.
    older: Vec<hmac::Key>,
}

/// How long a token holds.
const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Within what time a lost answer is asked for again, and how often.
const RETRY: SignedDuration = SignedDuration::from_secs(30);
const RETRIES: u8 = 3;

/// The digits of a secret that are drawn or computed (128 bits), and those of its mark (120 bits).
const DRAWN: usize = 22;
const MARK: usize = 21;

impl RefreshToken {
    /// The token that `text` says. A typing mistake is refused here, without a look-up.
    pub fn parse(prefix: &KeyPrefix, text: &str) -> Result<Self> {
        let read = opaque::parts(text).and_then(|[found, kind, id, _]| {
            let login = SessionId::from_suffix(id)?;
            (found == prefix.as_str() && kind == "rt")
                .then(|| Self { login, text: Secret::new(text.to_owned()) })
        });
        read.ok_or_else(|| {
            Error::unauthenticated(Reason::Malformed, "that is not a refresh token of this service")
        })
    }

    /// What is stored instead of the token.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.reveal().as_bytes())
    }

    /// The token itself: for its holder alone.
    pub const fn secret(&self) -> &Secret<String> {
        &self.text
    }
}

impl RefreshSeal {
    /// The seal of an installation whose tokens begin with `prefix`.
    pub fn new(master: &MasterKey, prefix: KeyPrefix) -> Self {
        let key = |bytes: &[u8; 32]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let older = master.derive_older("refresh").iter().map(key).collect();
        Self { prefix, newest: key(&master.derive("refresh")), older }
    }

    /// The first token of a family.
    pub fn first(&self, login: SessionId) -> Result<RefreshToken> {
        Ok(self.token(&self.newest, login, &random::bytes()?))
    }

    /// What comes of presenting `token` to its `login`, by that client at `now`. Nothing is stored by this: whoever
    /// stores what it says first, wins.
    pub fn refresh(
        &self,
        login: &Login,
        token: &RefreshToken,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Refresh> {
        if token.login != login.id || !self.keys().any(|key| is_marked(key, token)) {
            return Err(unknown("the refresh token is not known"));
        }
        check_open(login, client_id, now)?;
        let digest = token.digest();
        if digest == login.digest {
            return Ok(self.rotate(login, token, now));
        }
        let Some((_, rotated_at, retries)) = login.previous.filter(|(before, ..)| *before == digest) else {
            return Ok(Refresh::Reused);
        };
        let again = if now < rotated_at + RETRY && retries < RETRIES {
            let mut known = self.keys().map(|key| self.successor(key, token, login.generation));
            known.find(|next| next.digest() == login.digest)
        } else {
            None
        };
        Ok(again.map_or(Refresh::Reused, |next| {
            let previous = Some((digest, rotated_at, retries + 1));
            Refresh::Repeated(Box::new(Login { previous, ..login.clone() }), next)
        }))
    }

    fn rotate(&self, login: &Login, token: &RefreshToken, now: Timestamp) -> Refresh {
        let generation = login.generation + 1;
        let next = self.successor(&self.newest, token, generation);
        let rotated = Login {
            generation,
            digest: next.digest(),
            previous: Some((token.digest(), now, 0)),
            expires_at: login.ends_at.min(now + LIFE),
            ..login.clone()
        };
        Refresh::Rotated(Box::new(rotated), next)
    }

    fn successor(&self, key: &hmac::Key, token: &RefreshToken, generation: u64) -> RefreshToken {
        let generation = generation.to_be_bytes();
        let text = token.text.reveal().as_bytes();
        let drawn = first_of(&sign(key, &[b"next", token.login.suffix().as_bytes(), &generation, text]));
        self.token(key, token.login, &drawn)
    }

    fn token(&self, key: &hmac::Key, login: SessionId, drawn: &[u8; 16]) -> RefreshToken {
        let drawn = opaque::base62(drawn, DRAWN);
        let body =
            format!("{}_rt_{}_{drawn}{}", self.prefix.as_str(), login.suffix(), mark(key, login, &drawn));
        RefreshToken { login, text: opaque::with_crc(body) }
    }

    fn keys(&self) -> impl Iterator<Item = &hmac::Key> {
        iter::once(&self.newest).chain(&self.older)
    }
}

fn sign(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

fn first_of<const N: usize>(tag: &hmac::Tag) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(tag.as_ref()).for_each(|(byte, from)| *byte = *from);
    bytes
}

fn mark(key: &hmac::Key, login: SessionId, drawn: &str) -> String {
    let tag = sign(key, &[b"mark", login.suffix().as_bytes(), drawn.as_bytes()]);
    opaque::base62(&first_of::<15>(&tag), MARK)
}

/// Digests are compared, so that the time says nothing of the mark.
fn is_marked(key: &hmac::Key, token: &RefreshToken) -> bool {
    opaque::parts(token.text.reveal()).and_then(|[.., secret]| secret.split_at_checked(DRAWN)).is_some_and(
        |(drawn, found)| Digest::of(found.as_bytes()) == Digest::of(mark(key, token.login, drawn).as_bytes()),
    )
}

impl fmt::Debug for RefreshSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshSeal(..)")
    }
}

fn check_open(login: &Login, client_id: &str, now: Timestamp) -> Result<()> {
    if login.client_id != client_id {
        return Err(unknown("the refresh token is not this client's"));
    }
    if login.revoked_at.is_some() {
        return Err(Error::unauthenticated(Reason::Revoked, "the sign-in was ended"));
    }
    if !login.is_open(now) {
        return Err(Error::unauthenticated(Reason::Expired, "the sign-in has expired"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{LoginKind, Scopes},
        ids::UserId,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn seal() -> RefreshSeal {
        RefreshSeal::new(&MasterKey::new(&[7; 32]), KeyPrefix::default())
    }

    fn login() -> (Login, RefreshToken) {
        let id = SessionId::new(at(0)).unwrap();
        let token = seal().first(id).unwrap();
        let login = Login {
            id,
            user: UserId::new(at(0)).unwrap(),
            org: None,
            kind: LoginKind::Device,
            client_id: "odavl-cli".into(),
            scopes: Scopes::none(),
            generation: 0,
            digest: token.digest(),
            previous: None,
            address: None,
            authenticated_at: at(0),
            created_at: at(0),
            expires_at: at(0) + LIFE,
            ends_at: at(0) + LIFE * 3,
            revoked_at: None,
            rev: 1,
        };
        (login, token)
    }

    fn rotated(login: &Login, token: &RefreshToken, now: Timestamp) -> (Login, RefreshToken) {
        match seal().refresh(login, token, "odavl-cli", now).unwrap() {
            Refresh::Rotated(login, token) => (*login, token),
            other => panic!("{other:?}"),
        }
    }

    fn text(token: &RefreshToken) -> &str {
        token.secret().reveal()
    }

    #[test]
    fn a_token_is_read_back_as_made_and_is_no_api_key() {
        let (_, token) = login();
        let read = RefreshToken::parse(&KeyPrefix::default(), text(&token)).unwrap();
        assert_eq!((read.login, read.digest()), (token.login, token.digest()));
        assert!(crate::auth::KeyToken::parse(&KeyPrefix::default(), text(&token)).is_err());
        assert!(RefreshToken::parse(&KeyPrefix::default(), &text(&token).replace("_rt_", "_live_")).is_err());
        assert!(RefreshToken::parse(&KeyPrefix::default(), &text(&token)[1..]).is_err());
    }

    #[test]
    fn a_retry_gets_the_same_answer_three_times_within_thirty_seconds() {
        let (login, first) = login();
        let (mut login, second) = rotated(&login, &first, at(100));
        for retry in 1..=3 {
            match seal().refresh(&login, &first, "odavl-cli", at(129)).unwrap() {
                Refresh::Repeated(counted, again) => {
                    assert_eq!(text(&again), text(&second));
                    assert_eq!(counted.previous.unwrap().2, retry);
                    login = *counted;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(seal().refresh(&login, &first, "odavl-cli", at(129)).unwrap(), Refresh::Reused));
    }

    #[test]
    fn after_thirty_seconds_or_once_the_successor_was_used_a_retry_is_reuse() {
        let (login, first) = login();
        let (login, second) = rotated(&login, &first, at(100));
        assert!(matches!(seal().refresh(&login, &first, "odavl-cli", at(130)).unwrap(), Refresh::Reused));
        let (login, _) = rotated(&login, &second, at(101));
        assert!(matches!(seal().refresh(&login, &first, "odavl-cli", at(102)).unwrap(), Refresh::Reused));
    }

    #[test]
    fn a_retry_across_a_rotation_of_the_master_key_gets_the_same_answer() {
        let (old, new) = ("07".repeat(32), "08".repeat(32));
        let (login, first) = login();
        let (login, second) = rotated(&login, &first, at(100));
        let after = RefreshSeal::new(&format!("{old} {new}").parse().unwrap(), KeyPrefix::default());
        match after.refresh(&login, &first, "odavl-cli", at(101)).unwrap() {
            Refresh::Repeated(_, again) => assert_eq!(text(&again), text(&second)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_token_slides_for_thirty_days_and_a_family_ends_however_often_it_was_refreshed() {
        let (login, token) = login();
        let (login, token) = rotated(&login, &token, at(0) + LIFE - SignedDuration::from_secs(1));
        let (login, token) = rotated(&login, &token, at(0) + LIFE * 2 - SignedDuration::from_secs(2));
        assert_eq!(login.expires_at, (at(0) + LIFE * 3 - SignedDuration::from_secs(2)).min(login.ends_at));
        let (login, token) = rotated(&login, &token, at(0) + LIFE * 3 - SignedDuration::from_secs(3));
        assert_eq!(login.expires_at, login.ends_at);
        let refused = seal().refresh(&login, &token, "odavl-cli", login.ends_at).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::Expired));
    }

    #[test]
    fn another_client_and_a_revoked_family_are_refused() {
        let (login, token) = login();
        let other = seal().refresh(&login, &token, "other", at(1)).unwrap_err();
        assert_eq!(other.reason(), Some(Reason::Unknown));
        let revoked = Login { revoked_at: Some(at(1)), ..login };
        let refused = seal().refresh(&revoked, &token, "odavl-cli", at(2)).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::Revoked));
    }

    #[test]
    fn an_ancestor_is_reuse_but_a_made_up_token_only_unknown() {
        let (login, first) = login();
        let (login, second) = rotated(&login, &first, at(1));
        let (login, third) = rotated(&login, &second, at(2));
        let (login, _) = rotated(&login, &third, at(3));
        for ancestor in [&first, &second] {
            assert!(matches!(seal().refresh(&login, ancestor, "odavl-cli", at(4)).unwrap(), Refresh::Reused));
        }
        let stranger = RefreshSeal::new(&MasterKey::new(&[8; 32]), KeyPrefix::default());
        let elsewhere = seal().first(SessionId::new(at(0)).unwrap()).unwrap();
        for forged in [stranger.first(login.id).unwrap(), RefreshToken { login: login.id, ..elsewhere }] {
            let refused = seal().refresh(&login, &forged, "odavl-cli", at(4)).unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::Unknown));
        }
    }
}
