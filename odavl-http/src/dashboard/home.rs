//! The home page: who you are, where you belong, what was used, and where you are signed in.

use askama::Template;
use jiff::Timestamp;
use odavl_core::{
    ErrorCode,
    auth::{LoginKind, SignIn},
    metering::{Period, Standing, UsageReport},
    session::Session,
};
use poem::{Response, handler, http::StatusCode, web::Query};
use serde::Deserialize;

use super::{
    browser::Browser,
    form::Posted,
    page::{Frame, answer, see_other},
};
use crate::problem::Failure;

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    frame: Frame,
    name: String,
    organizations: Vec<OrganizationRow>,
    usage: Option<UsageTable>,
    sign_ins: Vec<SignInRow>,
}

struct OrganizationRow {
    slug: String,
    name: String,
    role: &'static str,
    plan: String,
    chosen: bool,
    suspended: bool,
}

struct UsageTable {
    organization: String,
    plan: String,
    meters: Vec<MeterRow>,
    keys: String,
}

/// A meter against one of its limits, in words.
struct MeterRow {
    meter: String,
    used: String,
    limit: String,
    /// For the meter's bar, 0 to 100.
    percent: u64,
    /// `80`, `90`, `100`, or empty below.
    warning: &'static str,
    resets: String,
}

struct SignInRow {
    id: String,
    what: String,
    organization: String,
    address: String,
    since: String,
    current: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    organization: Option<String>,
}

#[handler]
pub(super) async fn show(browser: Browser, Query(query): Query<Chosen>) -> poem::Result<Response> {
    let Some(session) = browser.session().await.map_err(Failure)? else {
        return Ok(see_other("/sign-in"));
    };
    let account = session.account().await.map_err(Failure)?;
    let organizations = session.organizations().await.map_err(Failure)?;
    let chosen = query.organization.or_else(|| organizations.first().map(|(org, _)| org.slug.to_string()));
    let usage = match &chosen {
        Some(slug) => usage(&browser, slug).await?,
        None => None,
    };
    let row = |(org, role): (odavl_core::auth::Organization, odavl_core::auth::Role)| OrganizationRow {
        chosen: chosen.as_deref() == Some(org.slug.as_str()),
        slug: org.slug.to_string(),
        name: org.name,
        role: role.as_str(),
        plan: org.plan,
        suspended: org.suspended,
    };
    let sign_ins = session.sign_ins().await.map_err(Failure)?;
    let page = Page {
        frame: Frame::of(&browser, account.as_ref().map(|user| user.email.to_string())),
        name: account.map(|user| user.name).unwrap_or_default(),
        organizations: organizations.into_iter().map(row).collect(),
        usage,
        sign_ins: sign_ins.into_iter().map(SignInRow::from).collect(),
    };
    answer(&browser, StatusCode::OK, &page)
}

#[handler]
pub(super) async fn end_sign_in(form: Posted) -> poem::Result<Response> {
    if let Some(session) = form.browser.session().await.map_err(Failure)? {
        let id = form.text("sign_in").parse().map_err(Failure)?;
        session.end_sign_in(id).await.map_err(Failure)?;
    }
    Ok(see_other("/"))
}

/// The organisation's usage; `None` where it is suspended.
async fn usage(browser: &Browser, slug: &str) -> poem::Result<Option<UsageTable>> {
    let report = match browser.session_in(Some(slug)).await.map_err(Failure)? {
        Some(session) => read(&session).await,
        None => return Ok(None),
    };
    match report {
        Ok(report) => Ok(Some(UsageTable::new(slug, report))),
        Err(error) if matches!(error.code(), ErrorCode::Unauthenticated | ErrorCode::Forbidden) => Ok(None),
        Err(error) => Err(Failure(error).into()),
    }
}

async fn read(session: &Session) -> odavl_core::Result<UsageReport> {
    session.usage().read().await
}

impl UsageTable {
    fn new(slug: &str, report: UsageReport) -> Self {
        let most = report.api_keys_limit.map_or_else(|| "no limit".to_owned(), grouped);
        Self {
            organization: slug.to_owned(),
            plan: report.plan,
            meters: report.limits.iter().map(MeterRow::from).collect(),
            keys: format!("{} of {most}", grouped(report.api_keys)),
        }
    }
}

impl From<&Standing> for MeterRow {
    fn from(standing: &Standing) -> Self {
        // What is held is bytes, which people read in their own units.
        let units = if standing.period == Period::Held { bytes } else { grouped };
        let percent = match standing.limit {
            None => 0,
            Some(0) => 100,
            Some(limit) => {
                (u128::from(standing.used) * 100 / u128::from(limit)).min(100).try_into().unwrap_or(100)
            }
        };
        Self {
            meter: standing.meter.to_string(),
            used: units(standing.used),
            limit: standing.limit.map_or_else(|| "no limit".to_owned(), units),
            percent,
            warning: match standing.warning {
                Some(100) => "100",
                Some(90) => "90",
                Some(_) => "80",
                None => "",
            },
            resets: standing.resets_at.map(moment).unwrap_or_default(),
        }
    }
}

impl From<SignIn> for SignInRow {
    fn from(login: SignIn) -> Self {
        Self {
            id: login.id.to_string(),
            what: match login.kind {
                LoginKind::Browser => "Browser".to_owned(),
                LoginKind::Device => login.client_id,
            },
            organization: login.organization.unwrap_or_default(),
            address: login.address.unwrap_or_else(|| "unknown".to_owned()),
            since: moment(login.created_at),
            current: login.current,
        }
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A number with its thousands apart: 12,345.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in decimal units, rounded down: 99.9 MB.
fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let unit = UNITS.into_iter().find(|(size, _)| number >= *size);
    unit.map_or_else(
        || format!("{number} bytes"),
        |(size, name)| format!("{}.{} {name}", grouped(number / size), number % size * 10 / size),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let sizes = [0, 999, 1000, 99_999_999, 10_000_000_000];
        assert_eq!(sizes.map(bytes), ["0 bytes", "999 bytes", "1.0 kB", "99.9 MB", "10.0 GB"]);
    }
}
