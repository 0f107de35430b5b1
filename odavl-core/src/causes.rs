//! Why something failed, for logs.

use std::{error::Error, fmt};

/// What caused an error, the nearest first.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// An error with all that caused it, as a log says it: `what: why: why that`.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        causes(self.0).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_is_told_with_all_that_caused_it() {
        let deepest = io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
        let between = crate::Error::unavailable("the server does not answer", Some(deepest.into()));
        let error = crate::Error::internal("the sweep failed", Some(between.into()));
        let told = "the sweep failed: the server does not answer: connection refused";
        assert_eq!(Chain(&error).to_string(), told);
        assert_eq!(causes(&error).count(), 2);
        assert_eq!(Chain(&io::Error::other("alone")).to_string(), "alone");
    }
}
