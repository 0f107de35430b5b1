//! What is asked for: three times of what there is, in every way that charges.

use crate::fire::Dice;

/// Units of a meter.
pub(crate) type Charge = (&'static str, u64);

/// Charged one by one, to the limit of a month.
pub(crate) const CALLS: &str = "calls";
/// Charged several at a time, to the limit of a month.
pub(crate) const TOKENS: &str = "tokens";
/// Held and settled, to the limit of a month.
pub(crate) const JOBS: &str = "jobs";
/// Bounded by a rate alone.
pub(crate) const BURSTS: &str = "bursts";

/// How much of each there is, for an organisation: of `bursts` in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) calls: u64,
    pub(crate) tokens: u64,
    pub(crate) jobs: u64,
    pub(crate) bursts: u64,
}

/// The window of the rate, in seconds.
pub(crate) const WINDOW: i64 = 1;
/// The most units of `tokens` that are asked for at once.
const TOKENS_MOST: u64 = 5;

impl Limits {
    /// The limit of a month.
    pub(crate) fn month(&self, meter: &str) -> Option<u64> {
        match meter {
            CALLS => Some(self.calls),
            TOKENS => Some(self.tokens),
            JOBS => Some(self.jobs),
            _ => None,
        }
    }

    /// As lines of a plan.
    pub(crate) fn toml(&self) -> String {
        let Self { calls, tokens, jobs, bursts } = self;
        format!(
            "limits.{CALLS} = {calls}\nlimits.{TOKENS} = {tokens}\nlimits.{JOBS} = {jobs}\n\
             limits.{BURSTS} = [{{ max = {bursts}, per = \"{WINDOW}s\" }}]"
        )
    }
}

/// What a client wants, of one organisation, once.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// In the ledger too, where it is granted.
    pub(crate) name: String,
    pub(crate) org: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// Another service asks whether a request may pass: all of it, or none.
    Verify(Vec<Charge>),
    /// The organisation charges itself, and asks again until it is answered.
    Consume(Charge),
    /// The same without an idempotency key, and once.
    ConsumeOnce(Charge),
    /// So many events of a batch, of a unit each.
    Events(&'static str, u64),
    /// One of them.
    Event(&'static str),
    /// Held, and then ended so.
    Reserve(Charge, End),
}

/// How a client ends what it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// It used so much, or more than it held.
    Settle(u64),
    Release,
    /// It does not, and the sweeper has to.
    Leave,
}

impl Wish {
    /// What is charged where it is granted as a whole.
    pub(crate) fn charges(&self) -> Vec<Charge> {
        match &self.what {
            What::Verify(charges) => charges.clone(),
            What::Consume(charge) | What::ConsumeOnce(charge) => vec![*charge],
            What::Event(meter) => vec![(meter, 1)],
            What::Reserve(..) => Vec::new(),
            What::Events(..) => unreachable!("a batch is told event by event"),
        }
    }

    /// Whether what was refused once can be granted later: units come back, or their time does.
    pub(crate) fn may_come_later(&self) -> bool {
        match &self.what {
            What::Reserve(..) => true,
            _ => self.charges().iter().any(|(meter, _)| [JOBS, BURSTS].contains(meter)),
        }
    }

    /// The same, event by event.
    pub(crate) fn each(self) -> Vec<Self> {
        let What::Events(meter, count) = self.what else { return vec![self] };
        let one =
            |nth| Self { name: format!("{}/{nth}", self.name), org: self.org, what: What::Event(meter) };
        (0..count).map(one).collect()
    }
}

/// Three times what the organisations may have, in the order of asking.
pub(crate) fn demand(round: u64, orgs: usize, limits: &Limits, dice: &mut Dice) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for org in 0..orgs {
        let mut make = |what| {
            let name = format!("{round}-{org}-{}", wishes.len());
            wishes.push(Wish { name, org, what });
        };
        until(3 * limits.calls, || {
            let (what, units) = call(dice);
            make(what);
            units
        });
        until(3 * limits.tokens, || {
            let units = 1 + dice.below(TOKENS_MOST);
            make(if dice.below(2) == 0 {
                What::Consume((TOKENS, units))
            } else {
                What::Verify(vec![(TOKENS, units)])
            });
            units
        });
        until(3 * limits.jobs, || {
            let (what, units) = job(dice);
            make(what);
            units
        });
        until(6 * limits.bursts, || {
            make(burst(dice));
            1
        });
    }
    shuffle(&mut wishes, dice);
    wishes
}

fn until(enough: u64, mut more: impl FnMut() -> u64) {
    let mut asked = 0;
    while asked < enough {
        asked += more();
    }
}

fn call(dice: &mut Dice) -> (What, u64) {
    match dice.below(10) {
        0..3 => (What::Verify(vec![(CALLS, 1)]), 1),
        3..6 => (What::Consume((CALLS, 1)), 1),
        6 => (What::ConsumeOnce((CALLS, 1)), 0),
        7 => (What::Verify(vec![(CALLS, 1), (TOKENS, 1 + dice.below(TOKENS_MOST))]), 0),
        _ => {
            let count = 1 + dice.below(4);
            (What::Events(CALLS, count), count)
        }
    }
}

fn job(dice: &mut Dice) -> (What, u64) {
    let units = 1 + dice.below(6);
    let end = match dice.below(10) {
        0..3 => End::Settle(units),
        3..6 => End::Settle(dice.below(units + 3)),
        6 | 7 => End::Release,
        _ => End::Leave,
    };
    match dice.below(6) {
        0 => (What::Consume((JOBS, units)), units),
        _ => (What::Reserve((JOBS, units), end), units),
    }
}

fn burst(dice: &mut Dice) -> What {
    match dice.below(3) {
        0 => What::Verify(vec![(BURSTS, 1)]),
        1 => What::Consume((BURSTS, 1)),
        _ => What::ConsumeOnce((BURSTS, 1)),
    }
}

fn shuffle(wishes: &mut [Wish], dice: &mut Dice) {
    for last in (1..wishes.len()).rev() {
        let other = usize::try_from(dice.below(last as u64 + 1)).unwrap();
        wishes.swap(last, other);
    }
}
