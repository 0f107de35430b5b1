//! Who is told of backups: Slack, and any other service by a signed message.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use ring::hmac;
use serde_json::json;

use super::{Alert, Place};
use crate::{
    error::{Error, Result},
    ids::EventId,
    secret::Secret,
    webhooks::{Courier, Letter},
};

/// What the text of a webhook's secret begins with.
const PREFIX: &str = "whsec_";

/// Who is told, and of what. Whatever is wrong is in the log in any case.
#[derive(Debug, Clone, Default)]
pub struct Alerting {
    /// An incoming webhook of Slack's: its address is a secret.
    pub slack: Option<Secret<String>>,
    /// A service of one's own, and the secret that messages to it are signed with (Standard Webhooks), as `whsec_...`.
    pub webhook: Option<(String, WebhookSecret)>,
    /// Whether each complete backup is told, too.
    pub on_success: bool,
}

/// What messages are signed with.
#[derive(Debug, Clone)]
pub struct WebhookSecret(Secret<Vec<u8>>);

impl std::str::FromStr for WebhookSecret {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let bytes = text.trim().strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
        bytes.filter(|bytes| bytes.len() >= 24).map(|bytes| Self(Secret::new(bytes))).ok_or_else(|| {
            Error::invalid_with(
                "the secret of the webhook for backups is none",
                "it is `whsec_` and at least 24 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes it",
            )
        })
    }
}

/// What is told.
#[derive(Debug)]
pub(super) struct News<'a> {
    pub(super) place: &'a Place,
    pub(super) alert: &'a Alert,
    pub(super) at: Timestamp,
}

/// A way to tell it.
#[derive(Debug)]
pub(super) enum Channel<'a> {
    Log,
    Slack(&'a Secret<String>),
    Webhook(&'a str, &'a WebhookSecret),
}

impl Alerting {
    pub(super) fn channels(&self) -> impl Iterator<Item = Channel<'_>> {
        let slack = self.slack.as_ref().map(Channel::Slack);
        let webhook = self.webhook.as_ref().map(|(url, secret)| Channel::Webhook(url, secret));
        [Some(Channel::Log), slack, webhook].into_iter().flatten()
    }
}

impl Channel<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Slack(_) => "slack",
            Self::Webhook(..) => "webhook",
        }
    }

    /// Tells it; whoever answers anything but 2xx has not heard.
    pub(super) async fn tell(&self, news: &News<'_>, courier: &dyn Courier) -> Result<()> {
        let letter = match self {
            Self::Log => {
                news.log();
                return Ok(());
            }
            Self::Slack(url) => news.to_slack(url),
            Self::Webhook(url, secret) => news.signed(url, secret)?,
        };
        match courier.send(&letter).await? {
            200..300 => Ok(()),
            status => Err(Error::unavailable(format!("the {} answered {status}", self.name()), None)),
        }
    }
}

impl News<'_> {
    /// In a sentence.
    fn text(&self) -> String {
        let place = self.place;
        match self.alert {
            Alert::Trouble(trouble) => format!("backups of {place}: {}: {}", trouble.kind, trouble.detail),
            Alert::Recovered { kind } => format!("backups of {place}: no longer {kind}"),
            Alert::Completed { backup, bytes, stored_bytes, seconds } => {
                format!(
                    "backup {backup} of {place} is complete: {bytes} bytes, {stored_bytes} stored, in {seconds:.1} s"
                )
            }
        }
    }

    fn log(&self) {
        if matches!(self.alert, Alert::Trouble(_)) {
            tracing::error!("{}", self.text());
        } else {
            tracing::info!("{}", self.text());
        }
    }

    fn to_slack(&self, url: &Secret<String>) -> Letter {
        let mark = match self.alert {
            Alert::Trouble(_) => ":red_circle:",
            _ => ":large_green_circle:",
        };
        // What Slack would take for markup or a mention.
        let text = self.text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = json!({ "text": format!("{mark} {text}") }).to_string();
        Letter { url: url.reveal().clone(), headers: Vec::new(), body }
    }

    fn signed(&self, url: &str, secret: &WebhookSecret) -> Result<Letter> {
        let kind = match self.alert {
            Alert::Trouble(_) => "backup.trouble",
            Alert::Recovered { .. } => "backup.recovered",
            Alert::Completed { .. } => "backup.completed",
        };
        let mut data = json!(self.alert);
        if let Some(data) = data.as_object_mut() {
            data.remove("alert");
            data.insert("environment".to_owned(), json!(self.place.environment));
            data.insert("source".to_owned(), json!(self.place.source));
            data.insert("text".to_owned(), json!(self.text()));
        }
        let body = json!({ "type": kind, "timestamp": self.at, "data": data }).to_string();
        let (id, seconds) = (EventId::new(self.at)?.to_string(), self.at.as_second());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.0.reveal());
        let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
        let headers = vec![
            ("webhook-id", id),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", format!("v1,{}", BASE64_STANDARD.encode(tag))),
        ];
        Ok(Letter { url: url.to_owned(), headers, body })
    }
}
