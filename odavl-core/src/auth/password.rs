//! Passwords: what is accepted (OWASP ASVS 5, 6.2), and argon2id off the runtime, one at a time.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
};
use unicode_normalization::UnicodeNormalization;

use crate::{
    error::{Error, Result},
    random,
    secret::Secret,
};

/// Hashes and checks passwords. Each takes 19 MiB and about 31 ms, so one is worked on at a time and 16 wait; who
/// comes then is `unavailable`, and no flood of sign-ins takes the memory or the processors.
#[derive(Debug, Clone)]
pub struct Passwords {
    /// Who is in: the one at work and those who wait.
    places: Arc<Semaphore>,
    /// Whose turn it is.
    turn: Arc<Semaphore>,
}

/// How many wait for their turn.
const QUEUE: usize = 16;
const SHORTEST: usize = 8;
const LONGEST: usize = 256;

/// The most common passwords of eight characters and more. Not a leak check: what anyone would try first.
const COMMON: [&str; 20] = [
    "password",
    "password1",
    "password12",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "12345678",
    "123456789",
    "1234567890",
    "87654321",
    "11111111",
    "00000000",
    "qwertyui",
    "qwertyuiop",
    "qwerty123",
    "1q2w3e4r",
    "1qaz2wsx",
    "iloveyou",
    "abcd1234",
    "changeme",
];

/// A hash of the present cost that no password opens: what an unknown person's password is compared with.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$vvzQxBjii8Y1Urytf24NAA$znmmeE4iTGURWa6bf6J01MaO5BcTZKfwIi5WyyyL95I";

impl Default for Passwords {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(QUEUE + 1)), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Passwords {
    /// Refuses a password that is too short, too long, or among the first that anyone would try.
    pub fn check(password: &Secret<String>) -> Result<()> {
        let length = password.reveal().chars().count();
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(Error::invalid(format!("a password has {SHORTEST} to {LONGEST} characters")));
        }
        if COMMON.contains(&password.reveal().to_lowercase().as_str()) {
            return Err(Error::invalid_with(
                "that password is among the first that anyone would try",
                "take a few words that do not belong together",
            ));
        }
        Ok(())
    }

    /// The argon2id hash of an acceptable password, as a PHC string.
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>> {
        Self::check(&password)?;
        self.work(move || {
            let salt = random::bytes::<16>()?;
            let hash = argon2()?.hash_password_with_salt(&bytes(&password), &salt).map_err(failed)?;
            Ok(Secret::new(hash.to_string()))
        })
        .await
    }

    /// Whether `password` is the one that was hashed. Without a hash (nobody of that name, or no password yet) the
    /// answer is no, after the same work.
    pub async fn verify(&self, password: Secret<String>, hash: Option<Secret<String>>) -> Result<bool> {
        self.work(move || {
            let known = hash.as_ref().map_or(DUMMY, |hash| hash.reveal());
            let parsed = PasswordHash::new(known)
                .map_err(|_| Error::corrupted("users.password of one row is not a password hash", None))?;
            // What is too long was never accepted, and is not worth the work of reading it.
            let typed = if password.reveal().len() > 4 * LONGEST { Vec::new() } else { bytes(&password) };
            let same = match argon2()?.verify_password(&typed, &parsed) {
                Ok(()) => true,
                Err(argon2::password_hash::Error::PasswordInvalid) => false,
                Err(error) => return Err(failed(error)),
            };
            Ok(same && hash.is_some())
        })
        .await
    }

    /// Runs `act` on a thread of its own, in turn. The permits go with it, so that callers who leave do not let
    /// more than one in.
    async fn work<T: Send + 'static>(&self, act: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let permits = self.turn().await?;
        let done = task::spawn_blocking(move || {
            let _permits = permits;
            act()
        });
        done.await.map_err(|error| Error::internal("a password could not be hashed", Some(error.into())))?
    }

    async fn turn(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let busy = || Error::unavailable("too many people are signing in", None);
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| busy())?;
        Ok((place, turn))
    }
}

/// OWASP's first choice: argon2id, 19 MiB, two passes, one lane.
fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None)
        .map_err(|error| Error::internal("the cost of argon2 is out of range", Some(error.into())))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The same text has the same bytes, however the keyboard composed it (NFC). Nothing is cut or changed in case.
fn bytes(password: &Secret<String>) -> Vec<u8> {
    password.reveal().nfc().collect::<String>().into_bytes()
}

fn failed(error: argon2::password_hash::Error) -> Error {
    Error::internal("a password could not be hashed", Some(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let passwords = Passwords::default();
        let hash = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(passwords.verify(secret("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(secret("correct horsf"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_composed_and_a_decomposed_letter_are_one() {
        let passwords = Passwords::default();
        let hash = passwords.hash(secret("caf\u{e9} noir")).await.unwrap();
        assert!(passwords.verify(secret("cafe\u{301} noir"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_s_password_costs_the_same_work_and_is_never_right() {
        let passwords = Passwords::default();
        for typed in ["", "correct horse", &"x".repeat(100_000)] {
            assert!(!passwords.verify(secret(typed), None).await.unwrap());
        }
        let made = passwords.hash(secret("correct horse")).await.unwrap();
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(DUMMY), cost(made.reveal()));
        assert_eq!(cost(DUMMY), ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
    }

    #[tokio::test]
    async fn who_comes_when_sixteen_wait_is_turned_away_and_the_others_are_served() {
        let passwords = Passwords::default();
        let gate = passwords.turn().await.unwrap();
        let waiting: Vec<_> = (0..QUEUE)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.verify(secret("x"), None).await })
            })
            .collect();
        while passwords.places.available_permits() > 0 {
            task::yield_now().await;
        }
        let refused = passwords.verify(secret("x"), None).await.unwrap_err();
        assert_eq!(refused.code(), crate::ErrorCode::Unavailable);
        drop(gate);
        for one in waiting {
            assert!(!one.await.unwrap().unwrap());
        }
    }

    #[tokio::test]
    async fn a_row_that_holds_no_hash_is_corrupted_and_not_shown() {
        let refused = Passwords::default().verify(secret("x"), Some(secret("canary"))).await.unwrap_err();
        assert_eq!(refused.code(), crate::ErrorCode::Corrupted);
        assert!(!refused.to_string().contains("canary"));
    }

    #[test]
    fn length_and_the_commonest_are_the_only_rules() {
        for good in ["aaaaaaab", "correct horse", &"\u{1f434}".repeat(256)] {
            assert!(Passwords::check(&secret(good)).is_ok(), "{good}");
        }
        for bad in ["", "1234567", "Password", "QWERTYUIOP", &"x".repeat(257)] {
            assert!(Passwords::check(&secret(bad)).is_err(), "{bad}");
        }
    }
}
