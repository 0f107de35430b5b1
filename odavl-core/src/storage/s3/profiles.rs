//! Which profile a bucket's store has.

use std::collections::BTreeMap;

use super::super::{bucket::Bucket, profile::Profile};
use crate::error::{Error, Result};

/// The profiles that odavl knows.
fn known() -> Result<BTreeMap<String, Profile>> {
    toml::from_str(include_str!("profiles.toml"))
        .map_err(|error| Error::internal("the table of stores cannot be read", Some(error.into())))
}

/// The profile of `bucket`'s store, and its name: the one that is named, else the one of its host.
///
/// # Errors
/// `invalid_input` for a name that there is not.
pub(super) fn profile_of(bucket: &Bucket) -> Result<(String, Profile)> {
    let mut profiles = known()?;
    profiles.extend(bucket.profiles.clone());
    let name = match (&bucket.profile, bucket.host()) {
        (Some(name), _) => name.clone(),
        (None, None) => "aws".to_owned(),
        (None, Some(host)) => at_home(&profiles, host).unwrap_or("generic").to_owned(),
    };
    match profiles.remove(&name) {
        Some(profile) => Ok((name, profile)),
        None => Err(Error::invalid_with(
            format!("there is no store profile `{}`", name.escape_default()),
            format!(
                "use one of {}, or add [stores.NAME] to odavl.toml",
                profiles.into_keys().collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}

/// The name of the profile whose host it is.
fn at_home<'a>(profiles: &'a BTreeMap<String, Profile>, host: &str) -> Option<&'a str> {
    let host = host.to_ascii_lowercase();
    let ends = |end: &String| {
        host.strip_suffix(end.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    profiles.iter().find(|(_, profile)| profile.hosts.iter().any(ends)).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Ability;

    fn profile(url: &str) -> (String, Profile) {
        profile_of(&url.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_store_is_known_by_its_host_and_an_unknown_one_is_taken_to_do_nothing() {
        for (endpoint, name) in [
            ("", "aws"),
            ("https://s3.eu-central-1.amazonaws.com", "aws"),
            ("https://ams3.digitaloceanspaces.com", "spaces"),
            ("https://0123.r2.cloudflarestorage.com", "r2"),
            ("https://storage.googleapis.com", "gcs"),
            ("https://s3.example", "generic"),
            ("https://notamazonaws.com", "generic"),
        ] {
            assert_eq!(profile(&format!("s3://a?endpoint={endpoint}")).0, name);
        }
        let (_, generic) = profile("s3://a?endpoint=http://127.0.0.1:9000");
        assert_eq!(generic, Profile { path_style: true, ..Profile::default() });
    }

    #[test]
    fn every_ability_has_the_name_that_a_profile_has_for_it() {
        for ability in Ability::ALL {
            let profile: Profile = toml::from_str(&format!("can = [\"{}\"]", ability.as_str())).unwrap();
            assert!(profile.can(ability) && profile.can.len() == 1);
        }
        assert!(toml::from_str::<Profile>("can = [\"fly\"]").is_err());
    }

    #[test]
    fn a_profile_is_added_without_code_and_may_take_another_s_place() {
        let mut bucket: Bucket = "s3://a?endpoint=https://s3.mine.example".parse().unwrap();
        let mine = "hosts = [\"mine.example\"]\ncan = [\"checksums\"]";
        bucket.profiles.insert("mine".to_owned(), toml::from_str(mine).unwrap());
        let (name, profile) = profile_of(&bucket).unwrap();
        assert!(name == "mine" && profile.can(Ability::Checksums) && !profile.can(Ability::WriteOnce));
        bucket.profile = Some("spaces".to_owned());
        assert!(!profile_of(&bucket).unwrap().1.can(Ability::Checksums));
        bucket.profiles.insert("spaces".to_owned(), Profile::full());
        assert!(profile_of(&bucket).unwrap().1.can(Ability::Checksums));
        bucket.profile = Some("nowhere".to_owned());
        let refused = profile_of(&bucket).unwrap_err();
        assert!(refused.hint().unwrap().contains("aws, garage, gcs, generic, mine, minio"), "{refused:?}");
    }
}
