//! A browser: it keeps cookies, follows nothing by itself, and sends the forms of the pages that it has.

use std::collections::BTreeMap;

use crate::{
    app::{App, EMAIL, PASSWORD},
    client::{Answer, Call},
};

/// A browser at the service's pages.
pub(crate) struct Browser<'a> {
    app: &'a App,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a App) -> Self {
        Self { app, cookies: BTreeMap::new() }
    }

    /// A browser in which the first person is signed in.
    pub(crate) async fn signed_in(app: &'a App) -> Self {
        let mut browser = Self::new(app);
        let page = browser.get("/sign-in").await;
        let answer = browser.submit(&page, "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
        assert_eq!(answer.expect(303).header("location"), Some("/"));
        browser
    }

    /// The call with this browser's cookies.
    pub(crate) fn with_cookies(&self, call: Call) -> Call {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { call } else { call.header("Cookie", &pairs.join("; ")) }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let answer = self.with_cookies(self.app.get(path)).send().await;
        self.keep(&answer);
        answer
    }

    /// Sends the form of that page, from our own origin.
    pub(crate) async fn submit(&mut self, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = form_token(page);
        let fields = [&[("form_token", token.as_str())], fields].concat();
        let call = self.with_cookies(self.app.post(action)).header("Origin", "https://odavl.example");
        let answer = call.form(&fields).send().await;
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie") {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Approves the device of that code, with everything that is ticked.
    pub(crate) async fn approve(&mut self, user_code: &str) -> Answer {
        let page = self.get("/device").await;
        let page = self.submit(&page, "/device", &[("user_code", user_code)]).await.expect(200);
        let organization = value_of(&page, "name=\"organization\"");
        let scopes = values_of(&page, "name=\"scope\"");
        let mut fields =
            vec![("user_code", user_code), ("answer", "approve"), ("organization", organization.as_str())];
        fields.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
        self.submit(&page, "/device/answer", &fields).await
    }
}

/// What the page's forms carry.
pub(crate) fn form_token(page: &Answer) -> String {
    value_of(page, "name=\"form_token\"")
}

/// The value of the first input that is marked so.
pub(crate) fn value_of(page: &Answer, mark: &str) -> String {
    values_of(page, mark).into_iter().next().unwrap_or_else(|| panic!("no {mark} in {}", page.text()))
}

/// The values of all inputs that are marked so.
pub(crate) fn values_of(page: &Answer, mark: &str) -> Vec<String> {
    let tags = page.text().split('<').filter(|tag| tag.starts_with("input") && tag.contains(mark));
    tags.filter_map(|tag| tag.split("value=\"").nth(1)?.split('"').next()).map(str::to_owned).collect()
}
