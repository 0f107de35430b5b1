//! Telling organisations of what happens to them: each threshold once, signed, until it arrives.

#![cfg(all(feature = "sqlite", feature = "fs", feature = "sign-in"))]

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        future::pending,
        sync::{Arc, Mutex},
    };

    use async_trait::async_trait;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use jiff::SignedDuration;
    use odavl_core::{
        Clock, Error, ErrorCode, Result,
        auth::{OrgRef, OrgUpdate},
        ids::EventId,
        metering::Consume,
        page::PageQuery,
        session::Session,
        webhooks::{Courier, Delivery, DeliveryState, ENDPOINTS_MOST, Letter, NewEndpoint, NewWebhook},
    };
    use ring::hmac;

    use crate::support::{Plan, World, faults::Faults, faults::Moment, recorder::Recorder};

    /// Keeps what it is given, and answers what it is told to.
    #[derive(Debug, Default)]
    struct Basket(Mutex<Vec<Letter>>, Mutex<Vec<Result<u16>>>);

    impl Basket {
        fn answering(answers: Vec<Result<u16>>) -> Arc<Self> {
            Arc::new(Self(Mutex::default(), Mutex::new(answers)))
        }

        fn letters(&self) -> Vec<Letter> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    /// Keeps what it is given; whoever is at `/a`, `/a0` to `/a8` never answers.
    #[derive(Debug, Default)]
    struct Slow(Mutex<Vec<Letter>>);

    impl Slow {
        fn sent_to(&self, url: &str) -> usize {
            self.0.lock().unwrap().iter().filter(|letter| letter.url == url).count()
        }

        fn letters(&self, path: &str) -> usize {
            self.0.lock().unwrap().iter().filter(|letter| letter.url.contains(path)).count()
        }
    }

    #[async_trait]
    impl Courier for Slow {
        async fn send(&self, letter: &Letter) -> Result<u16> {
            self.0.lock().unwrap().push(letter.clone());
            if letter.url.contains("/a") { pending().await } else { Ok(200) }
        }
    }

    #[async_trait]
    impl Courier for Basket {
        async fn send(&self, letter: &Letter) -> Result<u16> {
            self.0.lock().unwrap().push(letter.clone());
            self.1.lock().unwrap().pop().unwrap_or(Ok(200))
        }
    }

    async fn deliver(world: &World, basket: &Arc<Basket>) {
        let courier: Arc<dyn Courier> = basket.clone();
        world.start().deliver(&courier).await.unwrap();
    }

    async fn analyse(world: &World, units: u64) {
        use_up(&world.one().await, units).await;
    }

    async fn use_up(session: &Session, units: u64) {
        let meter = "insight_analyses".parse().unwrap();
        let wish = Consume { meter, units, idempotency_key: None, tags: BTreeMap::new() };
        session.usage().consume(wish).await.unwrap();
    }

    fn hook(path: &str) -> NewWebhook {
        NewWebhook::new(format!("https://example.com/{path}"))
    }

    async fn listening(world: &World) -> NewEndpoint {
        world.one().await.webhooks().create(hook("a")).await.unwrap()
    }

    async fn deliveries(world: &World, endpoint: &NewEndpoint) -> Vec<Delivery> {
        let page = PageQuery::default();
        world.one().await.webhooks().deliveries(endpoint.endpoint.id, &page).await.unwrap().items
    }

    fn header<'a>(letter: &'a Letter, name: &str) -> &'a str {
        letter.headers.iter().find(|(known, _)| *known == name).unwrap().1.as_str()
    }

    #[tokio::test]
    async fn each_threshold_is_told_once_to_each_endpoint_and_signed() {
        let world = World::embedded(Plan::bytes(1000)).await;
        let first = listening(&world).await;
        let second = world.one().await.webhooks().create(hook("b")).await.unwrap();
        analyse(&world, 9).await;
        let basket = Arc::new(Basket::default());
        for _ in 0..3 {
            deliver(&world, &basket).await;
        }
        let letters = basket.letters();
        assert_eq!(letters.len(), 4);
        for (new, url) in [(&first, "https://example.com/a"), (&second, "https://example.com/b")] {
            let own: Vec<_> = letters.iter().filter(|letter| letter.url == url).collect();
            assert_eq!(own.len(), 2);
            let secret = new.secret.reveal().strip_prefix("whsec_").unwrap();
            let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).unwrap());
            for letter in own {
                let (id, at) = (header(letter, "webhook-id"), header(letter, "webhook-timestamp"));
                let signed = hmac::sign(&key, format!("{id}.{at}.{}", letter.body).as_bytes());
                assert_eq!(header(letter, "webhook-signature"), format!("v1,{}", STANDARD.encode(signed)));
                assert_eq!(at, "1800000000");
                assert!(id.starts_with("evt_"));
            }
        }
        let said: serde_json::Value = serde_json::from_str(&letters[0].body).unwrap();
        assert_eq!(said["type"], "usage.threshold_reached");
        assert_eq!(
            (said["data"]["meter"].as_str(), said["data"]["used"].as_u64()),
            (Some("insight_analyses"), Some(9))
        );
    }

    #[tokio::test]
    async fn what_does_not_arrive_is_tried_again_under_its_id_and_given_up_in_the_end() {
        let world = World::memory(Plan::bytes(1000)).await;
        let new = listening(&world).await;
        analyse(&world, 8).await;
        let away = || Err(Error::unavailable("no answer", None));
        let basket = Basket::answering(vec![Ok(204), Ok(500), away()]);
        let mut ids = Vec::new();
        for (state, tries) in [("pending", 1), ("pending", 2), ("delivered", 3)] {
            deliver(&world, &basket).await;
            deliver(&world, &basket).await;
            let letters = basket.letters();
            assert_eq!(letters.len(), 1, "not before its time");
            ids.push(header(&letters[0], "webhook-id").to_owned());
            let told = deliveries(&world, &new).await.remove(0);
            assert_eq!((told.state.as_str(), told.attempts), (state, tries));
            if state == "pending" {
                let replay = world.one().await.webhooks().replay(new.endpoint.id, told.event).await;
                assert_eq!(replay.unwrap_err().code(), ErrorCode::Conflict);
            }
            world.clock.advance(SignedDuration::from_mins(6));
        }
        assert!(ids.windows(2).all(|two| two[0] == two[1]));

        let event = deliveries(&world, &new).await[0].event;
        world.one().await.webhooks().replay(new.endpoint.id, event).await.unwrap();
        let gone = Basket::answering(vec![Ok(410)]);
        deliver(&world, &gone).await;
        assert_eq!(gone.letters().len(), 1);
        assert_eq!(deliveries(&world, &new).await[0].state, DeliveryState::Failed);
    }

    #[tokio::test]
    async fn nodes_that_deliver_at_once_send_each_message_once() {
        let world = World::embedded(Plan::bytes(1000)).await;
        listening(&world).await;
        analyse(&world, 10).await;
        let basket = Arc::new(Basket::default());
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (odavl, courier): (_, Arc<dyn Courier>) = (world.start(), basket.clone());
            nodes.spawn(async move { odavl.deliver(&courier).await });
        }
        while let Some(done) = nodes.join_next().await {
            done.unwrap().unwrap();
        }
        deliver(&world, &basket).await;
        assert_eq!(basket.letters().len(), 3);
    }

    #[tokio::test]
    async fn a_node_that_is_killed_anywhere_loses_nothing() {
        for call in 0.. {
            for moment in [Moment::Before, Moment::After] {
                let world = World::memory(Plan::bytes(1000)).await;
                let new = listening(&world).await;
                analyse(&world, 8).await;
                let faults = Faults::at(call, moment);
                let basket = Arc::new(Basket::default());
                let (odavl, courier): (_, Arc<dyn Courier>) = (world.start_with(&faults), basket.clone());
                let ended = faults.run(odavl.deliver(&courier)).await;
                world.clock.advance(SignedDuration::from_mins(2));
                deliver(&world, &basket).await;
                let letters = basket.letters();
                assert!((1..=2).contains(&letters.len()), "{call} {moment:?}: {}", letters.len());
                let id = |letter: &Letter| header(letter, "webhook-id").to_owned();
                assert!(letters.iter().all(|letter| id(letter) == id(&letters[0])));
                let told = deliveries(&world, &new).await;
                assert_eq!((told.len(), told[0].state), (1, DeliveryState::Delivered));
                if ended.is_some() && moment == Moment::After {
                    assert!(call > 4, "it was stopped nowhere");
                    return;
                }
            }
        }
    }

    #[tokio::test]
    async fn an_organisation_that_cannot_be_told_holds_up_no_other() {
        let world = World::memory(Plan::bytes(1000)).await;
        listening(&world).await;
        let odavl = world.start();
        let two = world.session(&odavl, "two").await;
        two.webhooks().create(hook("two")).await.unwrap();
        let operator = world.session(&odavl, "operator").await;
        let one = OrgRef::Slug("one".parse().unwrap());
        let plan = OrgUpdate { plan: Some("PRO".into()), ..OrgUpdate::default() };
        analyse(&world, 8).await;
        operator.orgs().update(&one, plan).await.unwrap();
        world.pass(1);
        use_up(&two, 8).await;

        // A node whose configuration lacks the plan of the one that has waited longest.
        let mut settings = world.settings.clone();
        settings.catalog.plans.remove("PRO").unwrap();
        let odd = world.start_watched(&Recorder::default(), settings);
        let basket = Arc::new(Basket::default());
        let courier: Arc<dyn Courier> = basket.clone();
        odd.deliver(&courier).await.unwrap_err();
        let [letter] = basket.letters().try_into().unwrap();
        assert!(letter.url.ends_with("/two"));
        // It is told where it can be.
        deliver(&world, &basket).await;
        let [letter] = basket.letters().try_into().unwrap();
        assert!(letter.url.ends_with("/a"));
    }

    #[tokio::test]
    async fn receivers_that_do_not_answer_have_their_share_under_way_and_delay_nobody_else() {
        let world = World::memory(Plan::bytes(1000)).await;
        let one = world.one().await;
        let mut deaf = vec![listening(&world).await.endpoint];
        for n in 0..9 {
            deaf.push(one.webhooks().create(hook(&format!("a{n}"))).await.unwrap().endpoint);
        }
        let org = world.auth.org(&"one".parse().unwrap()).await.unwrap().unwrap().id;
        let at = world.clock.now();
        let due = |number: u32| Delivery {
            event: EventId::derive(&[&number.to_be_bytes()]),
            endpoint: deaf[number as usize % deaf.len()].id,
            payload: "{}".to_owned(),
            created_at: at,
            attempts: 0,
            state: DeliveryState::Pending { next_at: at },
            last: None,
        };
        world.webhooks.enqueue(org, &(0..1000).map(due).collect::<Vec<_>>()).await.unwrap();
        world.pass(1);
        let odavl = world.start();
        let two = world.session(&odavl, "two").await;
        two.webhooks().create(hook("two")).await.unwrap();
        let courier = Arc::new(Slow::default());
        let mut sender = odavl.sender(courier.clone());
        for (units, told) in [(8, 1), (1, 2), (1, 3)] {
            use_up(&two, units).await;
            let arrived = async {
                while courier.letters("/two") < told {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                done = sender.deliver() => panic!("it does not wait: {done:?}"),
                () = arrived => {}
            }
            // Four to each endpoint, sixteen to all of an organisation, and one to each that has none.
            assert_eq!(courier.letters("/a"), 16 + 6);
            assert!(deaf.iter().all(|deaf| courier.sent_to(&deaf.url) <= 4));
            // What was claimed is due again, and yet no more is sent to whoever has not answered.
            world.pass(2);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_signed_is_a_try_that_says_so_and_holds_up_nothing() {
        let world = World::embedded(Plan::bytes(1000)).await;
        let odd = listening(&world).await;
        let mut tx = world.db.as_ref().unwrap().begin().await.unwrap();
        tx.execute("UPDATE webhook_endpoints SET secret = $1", &[vec![0_u8; 60].into()]).await.unwrap();
        tx.commit().await.unwrap();
        let other = world.one().await.webhooks().create(hook("b")).await.unwrap();
        analyse(&world, 8).await;
        let basket = Arc::new(Basket::default());
        let courier: Arc<dyn Courier> = basket.clone();
        world.start().deliver(&courier).await.unwrap_err();
        assert_eq!(basket.letters().len(), 1);
        assert_eq!(deliveries(&world, &other).await[0].state, DeliveryState::Delivered);
        let told = deliveries(&world, &odd).await.remove(0);
        assert_eq!((told.state.as_str(), told.attempts), ("pending", 1));
        let error = told.last.unwrap().error.unwrap();
        assert!(error.contains("could not sign it"), "{error}");
    }

    #[tokio::test]
    async fn a_delivery_that_makes_no_sense_holds_up_no_other() {
        let world = World::embedded(Plan::bytes(1000)).await;
        listening(&world).await;
        analyse(&world, 9).await;
        let away: Arc<dyn Courier> = Basket::answering(vec![Ok(500), Ok(500)]);
        world.start().deliver(&away).await.unwrap();
        let mut tx = world.db.as_ref().unwrap().begin().await.unwrap();
        let spoil = "UPDATE webhook_deliveries SET attempts = -1
            WHERE event = (SELECT MIN(event) FROM webhook_deliveries)";
        assert_eq!(tx.execute(spoil, &[]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        world.pass(1);
        let basket = Arc::new(Basket::default());
        let courier: Arc<dyn Courier> = basket.clone();
        let failed = world.start().deliver(&courier).await.unwrap_err();
        assert_eq!((failed.code(), basket.letters().len()), (ErrorCode::Corrupted, 1));
    }

    #[tokio::test]
    async fn a_threshold_that_makes_no_sense_holds_up_no_other() {
        let world = World::embedded(Plan::bytes(1000)).await;
        listening(&world).await;
        analyse(&world, 8).await;
        let mut tx = world.db.as_ref().unwrap().begin().await.unwrap();
        assert_eq!(tx.execute("UPDATE thresholds SET standing = 'what'", &[]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        world.pass(1);
        analyse(&world, 1).await;
        let basket = Arc::new(Basket::default());
        let courier: Arc<dyn Courier> = basket.clone();
        let failed = world.start().deliver(&courier).await.unwrap_err();
        assert!(failed.to_string().starts_with("thresholds.standing of row org_"), "{failed}");
        assert_eq!(basket.letters().len(), 1);
    }

    #[tokio::test]
    async fn endpoints_are_web_servers_and_no_more_than_ten() {
        let world = World::memory(Plan::bytes(1000)).await;
        let one = world.one().await;
        for url in ["http://example.com", "https://me:secret@example.com", "file:///etc/passwd", ""] {
            let refused = one.webhooks().create(NewWebhook::new(url)).await.unwrap_err();
            assert_eq!(refused.code(), ErrorCode::InvalidInput, "{url}");
        }
        for number in 0..ENDPOINTS_MOST {
            one.webhooks().create(hook(&number.to_string())).await.unwrap();
        }
        assert_eq!(one.webhooks().create(hook("more")).await.unwrap_err().code(), ErrorCode::Conflict);
        let made = one.webhooks().list().await.unwrap();
        assert!(!format!("{made:?}").contains("whsec_"));
        one.webhooks().delete(made[0].id).await.unwrap();
        assert_eq!(one.webhooks().delete(made[0].id).await.unwrap_err().code(), ErrorCode::NotFound);
        assert_eq!(one.webhooks().list().await.unwrap().len(), 9);
    }

    #[tokio::test]
    async fn a_retry_finds_the_endpoint_that_was_added_and_its_secret() {
        let world = World::embedded(Plan::bytes(1000)).await;
        let one = world.one().await;
        let add = async |path| {
            let wish = NewWebhook { idempotency_key: Some("a".into()), ..hook(path) };
            one.webhooks().create(wish).await.map(|new| (new.endpoint, new.secret.reveal().clone()))
        };
        let first = add("a").await.unwrap();
        for number in 1..ENDPOINTS_MOST {
            one.webhooks().create(hook(&number.to_string())).await.unwrap();
        }
        assert_eq!(add("a").await.unwrap(), first);
        assert_eq!(add("b").await.unwrap_err().code(), ErrorCode::Conflict);
        one.webhooks().delete(first.0.id).await.unwrap();
        assert_eq!(add("a").await.unwrap_err().code(), ErrorCode::Conflict, "it was removed on purpose");
    }

    #[tokio::test]
    async fn what_ended_long_ago_is_forgotten() {
        let world = World::memory(Plan::bytes(1000)).await;
        let new = listening(&world).await;
        analyse(&world, 8).await;
        deliver(&world, &Arc::new(Basket::default())).await;
        world.pass(60 * 24 * 36);
        assert_eq!(deliveries(&world, &new).await.len(), 1);
        world.start().forget_ended().await.unwrap();
        assert_eq!(deliveries(&world, &new).await.len(), 0);
    }
}
