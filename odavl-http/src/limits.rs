//! `RateLimit-Policy` and `RateLimit` (IETF draft-ietf-httpapi-ratelimit-headers), as structured fields (RFC 9651).

use jiff::Timestamp;
use odavl_core::metering::Standing;
use poem::http::{HeaderMap, HeaderName, HeaderValue};

/// The largest integer of a structured field (RFC 9651, 3.3.1).
const MOST: u64 = 999_999_999_999_999;

/// The name of a limit: the meter, and the period where it is not the meter's natural one.
pub(crate) fn policy(standing: &Standing) -> String {
    let period = standing.period.to_string();
    let owner = if standing.key_id.is_some() { "key:" } else { "" };
    match period.as_str() {
        "month" | "held" => format!("{owner}{}", standing.meter),
        _ => format!("{owner}{}/{period}", standing.meter),
    }
}

/// Says where the limits that were charged stand, by their [`values`].
pub(crate) fn announce(headers: &mut HeaderMap, values: Option<[String; 2]>) {
    for (name, value) in ["ratelimit-policy", "ratelimit"].into_iter().zip(values.into_iter().flatten()) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The values of `RateLimit-Policy` and `RateLimit`; `None` where nothing is limited.
pub(crate) fn values(standings: &[Standing], now: Timestamp) -> Option<[String; 2]> {
    let limited = standings.iter().filter(|standing| standing.limit.is_some());
    let (policies, rates): (Vec<_>, Vec<_>) = limited.map(|standing| items(standing, now)).unzip();
    (!policies.is_empty()).then(|| [policies.join(", "), rates.join(", ")])
}

/// A limit as an item of each header.
fn items(standing: &Standing, now: Timestamp) -> (String, String) {
    let name = policy(standing);
    let limit = standing.limit.unwrap_or_default().min(MOST);
    let remaining = standing.remaining.unwrap_or_default().min(MOST);
    let window = standing.period.seconds(now).map(|w| format!(";w={w}")).unwrap_or_default();
    let reset = standing.resets_at.map(|at| format!(";t={}", (at.as_second() - now.as_second()).max(0)));
    (
        format!("\"{name}\";q={limit}{window}"),
        format!("\"{name}\";r={remaining}{}", reset.unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use odavl_core::metering::{Limit, Period, Scope};

    use super::*;

    fn announced(period: Period, max: Option<u64>) -> Option<(String, String)> {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let limit = Limit::hard(Scope::Organization, period, max);
        let standing = Standing::new("api_calls".parse().unwrap(), 1, &limit, 59, now);
        let mut headers = HeaderMap::new();
        announce(&mut headers, values(&[standing.clone(), standing], now));
        let said = |name| Some(headers.get(name)?.to_str().unwrap().to_owned());
        said("ratelimit-policy").zip(said("ratelimit"))
    }

    #[test]
    fn each_limit_is_an_item_with_its_quota_and_what_is_left() {
        let (policy, rate) = announced(Period::CALENDAR_MONTH, Some(100)).unwrap();
        assert_eq!(policy, "\"api_calls\";q=100;w=2592000, \"api_calls\";q=100;w=2592000");
        assert_eq!(rate, "\"api_calls\";r=41;t=734400, \"api_calls\";r=41;t=734400");
    }

    #[test]
    fn a_rate_says_its_window_and_what_is_held_has_none() {
        assert!(
            announced(Period::Window(60), Some(100)).unwrap().0.starts_with("\"api_calls/60s\";q=100;w=60")
        );
        assert!(announced(Period::Held, Some(100)).unwrap().1.starts_with("\"api_calls\";r=41, "));
    }

    #[test]
    fn what_is_unlimited_is_not_announced_and_what_is_huge_stays_a_valid_integer() {
        assert_eq!(announced(Period::Day, None), None);
        assert!(announced(Period::Day, Some(u64::MAX)).unwrap().0.contains("q=999999999999999;"));
    }
}
