//! The epoch feed: what other nodes change reaches this one by one question a second about all organisations, and at once
//! where the database announces it. What happens where the feed is silent is in `view.rs`: each epoch is read anew.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{sleep, timeout},
};

use crate::{
    auth::{Auth, Place},
    clock::Clock,
    error::{Error, Result},
    view::Views,
};

/// How often it asks, whatever is announced.
const ASK: Duration = Duration::from_secs(1);

/// How long it rests after an answer: many announcements are one question.
const REST: Duration = Duration::from_millis(20);

/// Follows what is bumped for as long as it is there.
#[derive(Debug)]
pub(crate) struct Feed(AbortHandle);

impl Feed {
    /// Tells `views` what `auth` hears. It begins after a second: a command that is over by then asks nothing.
    pub(crate) fn start(auth: Arc<dyn Auth>, views: Arc<Views>, clock: Arc<dyn Clock>) -> Self {
        let follow = async move {
            sleep(ASK).await;
            let (mut place, mut is_silent) = (None, false);
            loop {
                // What cannot be asked now is asked again; meanwhile nobody relies on the answer.
                match ask(&*auth, &views, &*clock, place.as_ref()).await {
                    Ok(next) => {
                        place = Some(next);
                        is_silent = is_silent && tell(None);
                    }
                    Err(error) => is_silent = is_silent || tell(Some(&error)),
                }
                sleep(REST).await;
                let _ = timeout(ASK, auth.announced()).await;
            }
        };
        Self(tokio::spawn(follow).abort_handle())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Says in the log that the feed fell silent, or that it speaks again; answers whether it is silent.
fn tell(silent: Option<&Error>) -> bool {
    #[cfg(feature = "tracing")]
    if let Some(error) = silent {
        let error = crate::Chain(error);
        tracing::warn!(%error, "what other nodes change is not told; each question asks anew");
    } else {
        tracing::info!("what other nodes change is told again");
    }
    silent.is_some()
}

/// Asks once; answers the new place.
async fn ask(auth: &dyn Auth, views: &Views, clock: &dyn Clock, since: Option<&Place>) -> Result<Place> {
    let asked_at = clock.now();
    let bumps = auth.bumps(since.cloned()).await?;
    if since.is_some_and(|since| bumps.place.follows(since)) {
        views.follow(&bumps.bumped, asked_at);
    } else {
        views.begin_anew(asked_at);
    }
    Ok(bumps.place)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        Settings,
        auth::{
            MemoryAuth, OrgRef, Write,
            contract::{Subject, added_org, write},
        },
        clock::ManualClock,
        ids::OrgId,
        view::OrgView,
    };

    async fn bump(auth: &Subject, org: OrgId) {
        auth.write(Write { bump: vec![org], ..write([]) }).await.unwrap();
    }

    #[tokio::test]
    async fn what_others_bump_is_known_once_it_was_asked_for_and_nothing_is_where_it_begins() {
        let auth: Subject = Arc::new(MemoryAuth::new());
        let (views, clock) = (Views::default(), ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let org = added_org(&auth, "org").await.unwrap().id;
        views.learn(org, 0, views.moment(clock.now()));
        let catalog = Settings::preset("http://127.0.0.1:8787").unwrap().catalog;
        let known = auth.org(&OrgRef::Id(org)).await.unwrap().unwrap();
        let plan = catalog.plan("FREE").unwrap();
        views.keep_org(&Arc::new(OrgView::new(known, &catalog, plan)));
        let place = ask(&*auth, &views, &clock, None).await.unwrap();
        assert_eq!(views.epoch(org, clock.now()), None);
        // A server that took the place of a lost one may be behind what was seen there.
        assert!(views.org(org).is_none());

        views.learn(org, 0, views.moment(clock.now()));
        bump(&auth, org).await;
        clock.advance(SignedDuration::from_secs(1));
        let place = ask(&*auth, &views, &clock, Some(&place)).await.unwrap();
        assert_eq!(views.epoch(org, clock.now()), Some(1));

        let elsewhere = Place { source: place.source + 1, ..place.clone() };
        assert_eq!(ask(&*auth, &views, &clock, Some(&elsewhere)).await.unwrap(), place);
        assert_eq!(views.epoch(org, clock.now()), None);
    }
}
