use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn candidate(at: Timestamp) -> Candidate {
    Candidate { id: BackupId::new(at).unwrap(), at, proof: Proof::Unproved, pinned: Pinned::No }
}

fn policy(keep: Keep) -> Policy {
    keep.try_into().unwrap()
}

fn kept(decisions: &[Decision]) -> BTreeSet<BackupId> {
    decisions.iter().filter(|decision| decision.is_kept()).map(|decision| decision.backup).collect()
}

/// A backup each night at two, `nights` of them; the last one is the newest.
fn nights(nights: i64) -> Vec<Candidate> {
    let first = at("2026-01-01T02:00:00Z");
    (0..nights).map(|night| candidate(first + SignedDuration::from_hours(24 * night))).collect()
}

/// A small generator (`SplitMix64`), so that a failure names the seed that repeats it.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn keep(&mut self) -> Keep {
        let mut few = |most| u32::try_from(self.roll(most)).unwrap();
        let keep = Keep {
            last: few(4),
            hourly: few(4),
            daily: few(5),
            weekly: few(4),
            monthly: few(4),
            yearly: few(3),
            within_days: few(20),
        };
        if keep == Keep::default() { Keep { last: 1, ..keep } } else { keep }
    }

    fn candidates(&mut self, now: Timestamp) -> Vec<Candidate> {
        let count = self.roll(40);
        let one = |dice: &mut Self| {
            // A few of them are of the future.
            let minutes = i64::try_from(dice.roll(60 * 24 * 500)).unwrap() - 60 * 24 * 5;
            let proof = [Proof::Verified, Proof::Unproved, Proof::Unproved, Proof::Failed];
            let proof = proof[usize::try_from(dice.roll(4)).unwrap()];
            let pinned = if dice.roll(15) == 0 { Pinned::Yes } else { Pinned::No };
            Candidate { proof, pinned, ..candidate(now - SignedDuration::from_mins(minutes)) }
        };
        (0..count).map(|_| one(self)).collect()
    }
}

#[test]
fn a_policy_that_keeps_nothing_is_refused_also_in_a_file() {
    assert!(Policy::try_from(Keep::default()).is_err());
    assert!(serde_json::from_str::<Policy>("{}").is_err());
    assert!(serde_json::from_str::<Policy>(r#"{"dayly": 3}"#).is_err());
    let read: Policy = serde_json::from_str(r#"{"within_days": 30, "last": 7}"#).unwrap();
    assert_eq!((read, Policy::preset("production")), (Policy::PRODUCTION, Some(Policy::PRODUCTION)));
    assert_eq!(Policy::preset("test"), None);
}

#[test]
fn the_presets_keep_their_days_before_the_newest_however_long_ago_that_is() {
    let backups = nights(100);
    for now in [backups[99].at, at("2030-01-01T00:00:00Z")] {
        for (policy, count) in [(Policy::PRODUCTION, 30), (Policy::STAGING, 7)] {
            assert_eq!(kept(&policy.decide(&backups, now, &TimeZone::UTC)).len(), count);
        }
    }
}

#[test]
fn each_decision_says_why() {
    let mut backups = nights(6);
    backups[0].pinned = Pinned::Yes;
    backups[1].proof = Proof::Verified;
    let now = backups[4].at;
    let told: Vec<_> = policy(Keep { last: 2, daily: 1, ..Keep::default() })
        .decide(&backups, now, &TimeZone::UTC)
        .iter()
        .map(|decision| decision.keep.clone())
        .collect();
    assert_eq!(
        told,
        [
            vec![Why::Future],
            vec![Why::Last, Why::Daily],
            vec![Why::Last],
            vec![],
            vec![Why::NewestVerified],
            vec![Why::Pinned]
        ]
    );
}

#[test]
fn days_and_weeks_begin_where_the_team_is() {
    // 23:30 and 00:30 in Berlin, on Sunday and on Monday.
    let backups: Vec<_> = ["2026-06-07T21:30:00Z", "2026-06-07T22:30:00Z"]
        .into_iter()
        .map(|text| candidate(at(text)))
        .collect();
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    for keep in [Keep { daily: 2, ..Keep::default() }, Keep { weekly: 2, ..Keep::default() }] {
        let count = |zone| kept(&policy(keep).decide(&backups, backups[1].at, zone)).len();
        assert_eq!((count(&TimeZone::UTC), count(&berlin)), (1, 2), "{keep:?}");
    }
}

#[test]
fn a_bad_backup_fills_no_place_of_a_good_one_and_goes_once_a_newer_one_is_verified() {
    let mut backups = nights(10);
    for bad in &mut backups[3..] {
        bad.proof = Proof::Failed;
    }
    let policy = policy(Keep { last: 3, ..Keep::default() });
    let all = kept(&policy.decide(&backups, backups[9].at, &TimeZone::UTC));
    assert_eq!(all.len(), 10, "three good ones, and the bad ones to be looked at");
    backups.push(Candidate { proof: Proof::Verified, ..nights(11).pop().unwrap() });
    let decided = policy.decide(&backups, backups[10].at, &TimeZone::UTC);
    let good: BTreeSet<_> = [10, 2, 1].map(|at: usize| backups[at].id).into();
    assert_eq!(kept(&decided), good);
}

#[test]
fn a_clock_that_went_back_or_ahead_takes_no_place_and_removes_nothing_good() {
    let backups = nights(40);
    let whole = kept(&Policy::STAGING.decide(&backups, backups[39].at, &TimeZone::UTC));
    // A day back: the newest one stays, and those before it are counted from the one that is now the newest.
    let back = kept(&Policy::STAGING.decide(&backups, backups[38].at, &TimeZone::UTC));
    assert!(whole.is_subset(&back) && back.len() == 8);
    // A year ahead: as if nothing were.
    let ahead = backups[39].at + SignedDuration::from_hours(24 * 365);
    assert_eq!(kept(&Policy::STAGING.decide(&backups, ahead, &TimeZone::UTC)), whole);
}

#[test]
fn backups_of_a_clock_that_was_ahead_take_the_place_of_few_good_ones_and_one_alone_of_none() {
    let mut backups = nights(40);
    for (policy, days, last) in [(Policy::PRODUCTION, 30, 7), (Policy::STAGING, 7, 3)] {
        let good: BTreeSet<_> = backups[40 - days..40].iter().map(|backup| backup.id).collect();
        let ahead = backups[39].at + SignedDuration::from_hours(24 * 40);
        backups.push(candidate(ahead));
        assert!(kept(&policy.decide(&backups, ahead, &TimeZone::UTC)).is_superset(&good));
        let next = ahead + SignedDuration::from_hours(24);
        backups.push(candidate(next));
        let kept = kept(&policy.decide(&backups, next, &TimeZone::UTC));
        assert_eq!(kept.intersection(&good).count(), last - 2, "as after a pause");
        backups.truncate(40);
    }
}

#[test]
fn whatever_there_is_the_newest_verified_stays_and_deciding_again_changes_nothing() {
    let now = at("2026-11-20T12:00:00Z");
    for seed in 0..3000 {
        let mut dice = Dice(seed);
        let (backups, policy) = (dice.candidates(now), policy(dice.keep()));
        let decided = policy.decide(&backups, now, &TimeZone::UTC);
        let stays = kept(&decided);
        let proved = |candidate: &&Candidate| candidate.proof == Proof::Verified && candidate.at <= now;
        let newest = backups.iter().filter(proved).max_by_key(|candidate| (candidate.at, candidate.id));
        assert!(newest.is_none_or(|newest| stays.contains(&newest.id)), "seed {seed}");
        let good = backups.iter().any(|candidate| candidate.proof != Proof::Failed);
        assert!(!good || !stays.is_empty(), "seed {seed}");
        let left: Vec<_> = backups.iter().filter(|one| stays.contains(&one.id)).cloned().collect();
        assert_eq!(kept(&policy.decide(&left, now, &TimeZone::UTC)), stays, "seed {seed}");
        assert_eq!(decided.len(), backups.len());
    }
}

#[test]
fn a_policy_that_keeps_more_keeps_what_one_keeps_that_keeps_less() {
    let now = at("2026-11-20T12:00:00Z");
    for seed in 0..3000 {
        let mut dice = Dice(seed);
        let (backups, keep) = (dice.candidates(now), dice.keep());
        let more = Keep {
            last: keep.last + 1,
            hourly: keep.hourly + 2,
            daily: keep.daily + 1,
            weekly: keep.weekly,
            monthly: keep.monthly + 3,
            yearly: keep.yearly,
            within_days: keep.within_days + 2,
        };
        let [less, more] = [keep, more].map(|keep| kept(&policy(keep).decide(&backups, now, &TimeZone::UTC)));
        assert!(less.is_subset(&more), "seed {seed}");
    }
}

/// What `scripts/retention` wrote down of what restic keeps.
#[derive(Deserialize)]
struct Restic {
    zone: String,
    snapshots: Vec<Timestamp>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    keep: Keep,
    kept: Vec<usize>,
}

#[test]
fn the_same_stay_as_with_restic_on_the_same_dates() {
    let restic: Restic = serde_json::from_str(include_str!("../../../tests/retention/restic.json")).unwrap();
    let zone = TimeZone::get(&restic.zone).unwrap();
    let backups: Vec<_> = restic.snapshots.into_iter().map(candidate).collect();
    assert!(backups.len() > 400 && restic.cases.len() > 20);
    for preset in [Policy::PRODUCTION, Policy::STAGING] {
        assert!(restic.cases.iter().any(|case| case.keep == preset.into()), "{preset:?}");
    }
    for case in restic.cases {
        let decided = policy(case.keep).decide(&backups, backups[backups.len() - 1].at, &zone);
        let expected: BTreeSet<_> = case.kept.iter().map(|place| backups[*place].id).collect();
        assert_eq!(kept(&decided), expected, "{:?}", case.keep);
    }
}
