//! Pages for people: set-up, sign-in, approving a device, and a small home. They work without JavaScript and are
//! served under a policy that allows none.

mod browser;
mod cookie;
mod device;
mod form;
mod home;
mod page;
mod set_up;
mod sign_in;

use poem::{Route, get, post};

pub(crate) use browser::is_trustworthy;
pub(crate) use page::render;

/// What a page may load and do: the stylesheet, and posting its own forms.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                                 base-uri 'none'";

/// The pages with their methods.
pub(crate) const PATHS: [(&str, &str); 7] = [
    ("/", "GET"),
    ("/setup", "GET, POST"),
    ("/sign-in", "GET, POST"),
    ("/sign-out", "POST"),
    ("/sign-ins/end", "POST"),
    ("/device", "GET, POST"),
    ("/device/answer", "POST"),
];

/// The pages and their stylesheet.
pub(crate) fn routes() -> Route {
    Route::new()
        .at("/", get(home::show))
        .at("/setup", get(set_up::show).post(set_up::submit))
        .at("/sign-in", get(sign_in::show).post(sign_in::submit))
        .at("/sign-out", post(sign_in::sign_out))
        .at("/sign-ins/end", post(home::end_sign_in))
        .at("/device", get(device::show).post(device::look))
        .at("/device/answer", post(device::answer))
        .at(page::stylesheet(), get(page::serve_stylesheet()))
}
