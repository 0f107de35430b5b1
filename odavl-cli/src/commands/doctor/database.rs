//! What `odavl doctor` finds out about the PostgreSQL that the installation is on.

use odavl_core::{
    Odavl,
    db::{Server, examine_postgres},
    secret::Secret,
};

use super::{Report, from_here, skew};

/// Asks the database; nothing in it is changed.
pub(super) async fn examine(url: &Secret<String>, report: &mut Report) {
    let server = match examine_postgres(url.reveal()).await {
        Ok(server) => server,
        Err(error) => return report.note("database answers", Err(error.into())),
    };
    // Periods and expiries are told by the clocks of the nodes: where this machine is one, it has to be the database's.
    report.note(
        "database clock",
        skew("the database", Some(from_here(server.time)), Odavl::SKEW_TOLD.unsigned_abs()),
    );
    report.note("database version", Ok(format!("PostgreSQL {}", server.version)));
    report.note("database tables", Ok(tables(&server)));
    report.note("database encryption", Ok(server.encryption.unwrap_or_else(|| "none".to_owned())));
    report.note("database announcements", Ok(announcements(server.announces).to_owned()));
}

fn tables(server: &Server) -> String {
    match server.pending.as_deref() {
        None => "none yet".to_owned(),
        Some([]) => "up to date".to_owned(),
        Some(pending) => format!("to come at the next start: {}", pending.join(", ")),
    }
}

/// Not a fault: what is not announced is asked for.
const fn announcements(heard: bool) -> &'static str {
    if heard {
        "heard: what one node changes holds on the others at once"
    } else {
        "not heard, as behind a pooler that shares connections between transactions: what one node changes holds on the \
         others when they ask next, each second"
    }
}
