//! Every check can fail: books that are doctored in one place are found out.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    books::{Books, Counter, Line, start_of},
    checks::Case,
    client::{Ended, Outcome, Told},
    demand::{BURSTS, CALLS, Charge, End, JOBS, Limits, TOKENS, What, Wish},
    hooks::{Outbox, Received},
    objects::{ANALYSES, BYTES, Shelved},
};

/// 2026-11-26T12:00:00Z.
const NOON: i64 = 1_795_694_400_000_000;
const LIMITS: Limits = Limits { calls: 2, tokens: 3, jobs: 2, bursts: 1 };

fn told(name: &str, what: What, outcome: Outcome) -> Told {
    Told { wish: Wish { name: name.to_owned(), org: 0, what }, outcome, ended: None }
}

/// What is as it should be.
fn answers() -> Vec<Told> {
    let yes = |name: &str, charge: Charge| told(name, What::Consume(charge), Outcome::Yes(json!({})));
    let no = |name: &str, charge: Charge, code: &str| {
        let until = Some("2026-11-26T12:00:01Z".to_owned());
        told(name, What::Consume(charge), Outcome::No(code.to_owned(), until))
    };
    let held = What::Reserve((JOBS, 3), End::Settle(2));
    let held = told("held", held, Outcome::Yes(json!({"id": "res_1"})));
    vec![
        yes("first", (CALLS, 1)),
        yes("second", (CALLS, 1)),
        no("third", (CALLS, 1), "quota_exceeded"),
        yes("tokens", (TOKENS, 3)),
        Told { ended: Some(Ended::So(json!({}))), ..held },
        yes("burst", (BURSTS, 1)),
        no("refused", (BURSTS, 1), "rate_limited"),
    ]
}

fn line(seq: i64, name: Option<&str>, charge: Option<(&str, i64)>) -> Line {
    Line {
        seq,
        counted_at: NOON,
        subject: "key_1".to_owned(),
        charges: charge.iter().map(|(meter, units)| ((*meter).to_owned(), *units)).collect(),
        name: name.map(str::to_owned),
        reservation: name.is_none().then(|| "res_1".to_owned()),
    }
}

fn books() -> Books {
    let ledger = vec![
        line(1, Some("first"), Some((CALLS, 1))),
        line(2, Some("second"), Some((CALLS, 1))),
        line(3, Some("tokens"), Some((TOKENS, 3))),
        line(4, Some("held"), None),
        line(5, None, Some((JOBS, 2))),
        line(6, Some("burst"), Some((BURSTS, 1))),
    ];
    let counter = |(meter, period, used): (&str, &str, i64)| Counter {
        meter: meter.to_owned(),
        scope: String::new(),
        period: period.to_owned(),
        start: start_of(period, NOON),
        used,
        reserved: 0,
    };
    let counters = [(CALLS, "month", 2), (TOKENS, "month", 3), (JOBS, "month", 2), (BURSTS, "1s", 1)];
    let threshold = |meter: &str, percent| {
        let text = |text: &str| text.to_owned();
        (text(meter), text(""), text("month"), text("2026-12-01T00:00:00Z"), percent)
    };
    let of = |meter| [80, 90, 100].map(|percent| threshold(meter, percent));
    let mut books = Books {
        ledger,
        counters: counters.map(counter).into(),
        rollups: BTreeMap::new(),
        thresholds: [CALLS, TOKENS, JOBS].map(of).concat(),
        last: (6, 9),
        open: (0, 0),
    };
    books.rollups = books.summed();
    books
}

fn wrong(books: Books) -> Vec<String> {
    let answers = answers();
    let month = Some(start_of("month", NOON));
    Case { limits: LIMITS, told: answers.iter().collect(), books, month }.check().wrong
}

/// What is found, and how it comes to be.
type Doctored<T> = (&'static str, fn(&mut T));

#[test]
fn books_that_are_doctored_in_one_place_are_found_out() {
    assert_eq!(wrong(books()), Vec::<String>::new());
    let cases: [Doctored<Books>; 16] = [
        ("second was granted, and is not in the ledger", |books| drop(books.ledger.remove(1))),
        ("only 1 of calls were granted", |books| drop(books.ledger.remove(1))),
        ("first is in the ledger 2 times", |books| books.ledger.push(books.ledger[0].clone())),
        ("3 of calls were granted, of 2", |books| books.ledger.push(books.ledger[0].clone())),
        ("nobody asked for", |books| books.ledger.push(line(7, Some("stranger"), Some((CALLS, 1))))),
        ("third was refused", |books| books.ledger.push(line(7, Some("third"), Some((CALLS, 1))))),
        ("is not what was asked for", |books| books.ledger[2].charges = BTreeMap::from([(CALLS.into(), 3)])),
        ("of bursts were granted in the window", |books| {
            books.ledger[5].charges = BTreeMap::from([(BURSTS.into(), 2)]);
        }),
        ("refused was refused by a window", |books| books.ledger[5].counted_at += 1_000_000),
        ("res_1 was settled with 2", |books| drop(books.ledger.remove(4))),
        ("was recorded 2 times", |books| books.thresholds.push(books.thresholds[0].clone())),
        ("the thresholds are", |books| drop(books.thresholds.pop())),
        ("are not the ledger's sums", |books| books.rollups.values_mut().for_each(|sum| sum.0 += 1)),
        ("is not the ledger's sum", |books| books.counters[0].used += 1),
        ("holds units", |books| books.counters[2].reserved = 1),
        ("reservations are open", |books| books.open = (1, 1)),
    ];
    for (expected, doctor) in cases {
        let mut books = books();
        doctor(&mut books);
        let wrong = wrong(books);
        assert!(wrong.iter().any(|wrong| wrong.contains(expected)), "{expected}: {wrong:#?}");
    }
    let mut gap = books();
    gap.ledger[3].seq = 9;
    assert_eq!(wrong(gap), ["the ledger has a gap"]);
}

/// An organisation that stored three bytes, those of a run.
fn shelf() -> (Shelved, Books) {
    let ledger = vec![line(1, Some("run"), Some((ANALYSES, 1))), line(2, Some("bytes"), Some((BYTES, 3)))];
    let held = Counter {
        meter: BYTES.to_owned(),
        scope: String::new(),
        period: "held".to_owned(),
        start: 0,
        used: 3,
        reserved: 0,
    };
    let mut books = Books { ledger, counters: vec![held], last: (2, 0), ..Books::default() };
    books.rollups = books.summed();
    (Shelved { stored: 3, told: 3, runs: 1 }, books)
}

#[test]
fn a_store_that_is_doctored_in_one_place_is_found_out() {
    let wrong = |(shelved, books): (Shelved, Books)| shelved.check(&books).wrong;
    assert_eq!(wrong(shelf()), Vec::<String>::new());
    let cases: [Doctored<(Shelved, Books)>; 5] = [
        ("3 bytes are used, and 2 are in the store", |(shelved, _)| shelved.stored = 2),
        ("3 bytes are in the store, and 4 were told to be kept", |(shelved, _)| shelved.told = 4),
        ("1 runs were charged, and 2 were taken", |(shelved, _)| shelved.runs = 2),
        ("holds units", |(_, books)| books.counters[0].reserved = 1),
        ("is not the ledger's sum 3", |(_, books)| books.counters[0].used = 4),
    ];
    for (expected, doctor) in cases {
        let mut shelf = shelf();
        doctor(&mut shelf);
        let wrong = wrong(shelf);
        assert!(wrong.iter().any(|wrong| wrong.contains(expected)), "{expected}: {wrong:#?}");
    }
}

#[test]
fn a_post_that_is_doctored_in_one_place_is_found_out() {
    let post = || {
        let sent = |event: &str| (event.to_owned(), "delivered".to_owned());
        let outbox = Outbox { reached: 2, untold: 0, deliveries: vec![sent("first"), sent("second")] };
        (outbox, Received::from([("first".to_owned(), 1), ("second".to_owned(), 2)]))
    };
    let wrong = |(outbox, received): (Outbox, Received)| outbox.wrong(&received);
    assert_eq!(wrong(post()), Vec::<String>::new());
    let cases: [Doctored<(Outbox, Received)>; 5] = [
        ("3 thresholds were reached", |(outbox, _)| outbox.reached = 3),
        ("untold: 1", |(outbox, _)| outbox.untold = 1),
        ("2 thresholds were reached", |(outbox, _)| outbox.deliveries.push(outbox.deliveries[0].clone())),
        ("the delivery of first is pending", |(outbox, _)| outbox.deliveries[0].1 = "pending".to_owned()),
        ("it arrived 0 times", |(_, received)| _ = received.remove("second")),
    ];
    for (expected, doctor) in cases {
        let mut post = post();
        doctor(&mut post);
        let wrong = wrong(post);
        assert!(wrong.iter().any(|wrong| wrong.contains(expected)), "{expected}: {wrong:#?}");
    }
}
