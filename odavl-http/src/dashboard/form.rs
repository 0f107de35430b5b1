//! Forms as they are posted: checked to come from our own page before anything in them counts.

use odavl_core::{Error, secret::Secret};
use poem::{FromRequest, Request, RequestBody, web::Form};

use super::browser::Browser;
use crate::problem::Failure;

/// A form that this browser's own page sent.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(super) browser: Browser,
    fields: Vec<(String, Secret<String>)>,
}

impl<'a> FromRequest<'a> for Posted {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let browser = Browser::from_request(request, body).await?;
        let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, body).await?;
        let fields = pairs.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        let form = Self { browser, fields };
        form.browser.check_form(request, form.text("form_token")).map_err(Failure)?;
        Ok(form)
    }
}

impl Posted {
    /// A field's text; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// A field that is never shown again.
    pub(super) fn secret(&self, name: &str) -> Secret<String> {
        Secret::new(self.text(name).to_owned())
    }

    /// The texts of every field of that name: checked boxes.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.reveal().as_str())
    }
}

/// What is wrong with one field, for the page to say beside it.
#[derive(Debug, Default)]
pub(super) struct FieldError(Option<String>);

impl FieldError {
    /// Keeps what parsing said, and gives the value where there is one.
    pub(super) fn take<T>(&mut self, parsed: odavl_core::Result<T>) -> Option<T> {
        parsed.map_err(|error| self.say(&error)).ok()
    }

    /// Says what is wrong, and the way out.
    pub(super) fn say(&mut self, error: &Error) {
        self.0 = Some(in_words(error));
    }

    /// Says it in words of the page's own.
    pub(super) fn say_that(&mut self, text: &str) {
        self.0 = Some(text.to_owned());
    }

    /// What to show; `None`: nothing is wrong.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// An error as a sentence for people.
pub(super) fn in_words(error: &Error) -> String {
    let detail = crate::problem::detail(error);
    let hint = error.hint().map(|hint| format!(": {hint}")).unwrap_or_default();
    let mut letters = detail.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}{hint}.", letters.as_str())
}
