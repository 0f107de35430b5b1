//! `odavl usage`: what was used, what is left, and charging it.

use clap::{Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use odavl_client::types::{Bucket, ConsumeRequest, GroupBy, Standing, Window};
use odavl_core::{Clock, Error, SystemClock, random_id};

use crate::{
    client::Client,
    failure::Result,
    output::{Column, Output},
    settings::Flags,
    when::When,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  odavl usage\n  odavl usage --history --meter insight_analyses --from 30d --window day"
)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    #[command(flatten)]
    span: Span,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Args)]
struct Span {
    /// Show what was used over time
    #[arg(long, requires = "meter")]
    history: bool,
    /// One meter alone
    #[arg(long)]
    meter: Option<String>,
    /// From when: a day, an instant, or a distance back such as 30d
    #[arg(long, value_name = "WHEN", default_value = "30d", requires = "history")]
    from: When,
    /// To when; up to now unless said
    #[arg(long, value_name = "WHEN", requires = "history")]
    to: Option<When>,
    /// How finely it is cut
    #[arg(long, value_enum, default_value_t = Cut::Day, requires = "history")]
    window: Cut,
    /// Split it by the key or person that caused it
    #[arg(long, requires = "history")]
    by_subject: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Cut {
    Hour,
    Day,
    Month,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Charge units, durably, or be refused
    Consume(Consume),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl usage consume api_calls 5 --idempotency-key run-17")]
struct Consume {
    meter: String,
    /// How many; 0 asks whether one would pass
    #[arg(default_value_t = 1)]
    units: u64,
    /// Makes a repetition get the same decision [default: a new one for each run]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let client = Client::open(&args.remote).await?;
    match args.command {
        Some(Command::Consume(charge)) => consume(&client, charge, output).await,
        None if args.span.history => history(&client, args.span, output).await,
        None => standings(&client, args.span.meter.as_deref(), output).await,
    }
}

async fn standings(client: &Client, meter: Option<&str>, output: Output) -> Result<()> {
    let mut usage = client.call(async |api| api.usage().await).await?;
    usage.limits.retain(|standing| meter.is_none_or(|meter| standing.meter == meter));
    if let Some(meter) = meter
        && usage.limits.is_empty()
    {
        return Err(Error::not_found("meter", meter).into());
    }
    let keys = usage.api_keys_limit.map_or_else(|| "any number".to_owned(), |most| most.to_string());
    output.say(&format!("plan {}; {} of {keys} API keys are active", usage.plan, usage.api_keys));
    output.whole(&usage, &usage.limits, &STANDINGS)
}

const STANDINGS: [Column<Standing>; 7] = [
    Column::text("meter", |standing| standing.meter.clone()),
    Column::number("used", |standing| standing.used.to_string()),
    Column::number("limit", |standing| units(standing.limit)),
    Column::number("left", |standing| units(standing.remaining)),
    Column::text("per", |standing| standing.period.clone()),
    Column::text("resets", |standing| standing.resets_at.map_or_else(|| "-".to_owned(), |at| at.to_string())),
    Column::text("warning", |standing| {
        standing.warning.map_or_else(String::new, |percent| format!("{percent} %"))
    }),
];

fn units(units: Option<u64>) -> String {
    units.map_or_else(|| "unlimited".to_owned(), |units| units.to_string())
}

async fn history(client: &Client, wish: Span, output: Output) -> Result<()> {
    let now = SystemClock.now();
    let from = wish.from.before(now);
    let to = wish.to.map_or_else(|| wish.window.after(now), |to| to.before(now));
    let meter = wish.meter.unwrap_or_default();
    let group_by = wish.by_subject.then_some(GroupBy::Subject);
    let window = Some(Window::from(wish.window));
    let found =
        client.call(async |api| api.usage_history(&from, group_by, &meter, &to, window).await).await?;
    output.list(&found.items, &BUCKETS)
}

const BUCKETS: [Column<Bucket>; 5] = [
    Column::text("start", |bucket| bucket.start.to_string()),
    Column::text("subject", |bucket| bucket.subject.clone()),
    Column::number("units", |bucket| bucket.units.to_string()),
    Column::number("charges", |bucket| bucket.count.to_string()),
    Column::number("closing", |bucket| {
        bucket.closing.map_or_else(|| "-".to_owned(), |units| units.to_string())
    }),
];

impl Cut {
    /// An instant of the window after that of `now`: history ends before it.
    fn after(self, now: Timestamp) -> Timestamp {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Month => 31 * 24,
        };
        now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
    }
}

impl From<Cut> for Window {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Hour => Self::Hour,
            Cut::Day => Self::Day,
            Cut::Month => Self::Month,
        }
    }
}

async fn consume(client: &Client, charge: Consume, output: Output) -> Result<()> {
    // With a key of its own the call may be made again when its answer is lost.
    let key = charge.idempotency_key.unwrap_or_else(random_id);
    let wish =
        ConsumeRequest { meter: charge.meter, units: Some(charge.units), idempotency_key: None, tags: None };
    let done = client.call(async |api| api.usage_consume(Some(&key), &wish).await).await?;
    if let Some(percent) = done.warning {
        output.say(&format!("{percent} % of {} are used", done.meter));
    }
    let fields = [
        ("meter", done.meter.clone()),
        ("units", done.units.to_string()),
        ("used", done.used.to_string()),
        ("limit", units(done.limit)),
        ("left", units(done.remaining)),
        ("resets", done.resets_at.map_or_else(|| "-".to_owned(), |at| at.to_string())),
    ];
    output.record(&done, &fields)
}
