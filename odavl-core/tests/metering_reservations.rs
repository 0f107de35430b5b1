//! Reservations that are made again: what makes retries of uploads safe.

#![cfg(feature = "sqlite")]

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};
    use odavl_core::{
        Clock, ManualClock,
        db::Db,
        ids::{OrgId, ReservationId},
        metering::{
            Charge, Decision, Entry, Limit, MemoryMetering, Metering, Op, Period, Scope, SqliteMetering,
        },
    };

    struct Books {
        clock: Arc<ManualClock>,
        port: Arc<dyn Metering>,
        org: OrgId,
    }

    impl Books {
        async fn both() -> [Self; 2] {
            let clock = Arc::new(ManualClock::new(Timestamp::constant(1_800_000_000, 0)));
            let org = OrgId::new(clock.now()).unwrap();
            let db = Db::temporary(&*clock).await.unwrap();
            let ports: [Arc<dyn Metering>; 2] = [
                Arc::new(MemoryMetering::new(clock.clone())),
                Arc::new(SqliteMetering::new(db, clock.clone())),
            ];
            ports.map(|port| Self { clock: clock.clone(), port, org })
        }

        async fn ask(&self, op: Op) -> Decision {
            let entry = Entry {
                org: self.org,
                epoch: 0,
                subject: "".into(),
                op,
                idempotency: None,
                tags: Arc::default(),
            };
            self.port.apply(&[entry]).await.unwrap().remove(0)
        }

        /// All ten units there are, for so many minutes.
        async fn reserve(&self, id: ReservationId, minutes: i64) -> Decision {
            let limits = [Limit::hard(Scope::Organization, Period::Held, Some(10))].into();
            let charges = vec![Charge { meter: "bytes".parse().unwrap(), units: 10, limits }];
            let expires_at = self.clock.now() + SignedDuration::from_mins(minutes);
            self.ask(Op::Reserve { id, charges, expires_at }).await
        }

        fn pass(&self, minutes: i64) {
            self.clock.advance(SignedDuration::from_mins(minutes));
        }
    }

    fn replayed(decision: &Decision) -> bool {
        match decision {
            Decision::Granted(answer) => answer.replayed,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_open_reservation_made_again_holds_no_more_and_lives_longer() {
        for books in Books::both().await {
            let id = ReservationId::derive(&[b"a"]);
            assert!(!replayed(&books.reserve(id, 10).await));
            assert!(replayed(&books.reserve(id, 5).await));
            books.pass(9);
            assert!(replayed(&books.reserve(id, 10).await), "at the limit");
            books.pass(9);
            assert_eq!(books.port.sweep(10).await.unwrap(), 0);
            let other = ReservationId::derive(&[b"b"]);
            assert!(matches!(books.reserve(other, 1).await, Decision::Denied(_)));
            books.pass(1);
            assert_eq!(books.port.sweep(10).await.unwrap(), 1);
            assert!(!replayed(&books.reserve(other, 1).await));
        }
    }

    #[tokio::test]
    async fn a_settled_reservation_made_again_holds_nothing() {
        for books in Books::both().await {
            let id = ReservationId::derive(&[b"a"]);
            books.reserve(id, 10).await;
            let actual = vec![("bytes".parse().unwrap(), 10)];
            books.ask(Op::Settle { id, actual: actual.clone() }).await;
            assert!(replayed(&books.reserve(id, 10).await));
            assert!(replayed(&books.ask(Op::Settle { id, actual }).await));
            assert_eq!(books.ask(Op::Extend { id, charges: Vec::new() }).await, Decision::NoReservation);
        }
    }

    #[tokio::test]
    async fn a_released_or_expired_reservation_is_made_afresh() {
        for books in Books::both().await {
            let id = ReservationId::derive(&[b"a"]);
            books.reserve(id, 10).await;
            books.ask(Op::Release { id }).await;
            assert!(!replayed(&books.reserve(id, 10).await));
            books.pass(10);
            assert_eq!(books.port.sweep(10).await.unwrap(), 1);
            assert!(!replayed(&books.reserve(id, 10).await));
            assert!(matches!(books.reserve(ReservationId::derive(&[b"b"]), 1).await, Decision::Denied(_)));
        }
    }
}
