//! What a write is about: what its changes read before they write, so that nobody changes it in between.

use crate::{
    auth::{Change, Write},
    db::Lock,
    ids::OrgId,
};

/// Every organisation whose rows, epoch or chain the write changes, and what spans them: who there is (the last
/// administrator, the first person), and what organisations are called.
pub(super) fn of(write: &Write) -> Vec<Lock> {
    let changes = write.changes.iter().flat_map(of_change);
    let bumped = write.bump.iter().copied().map(org);
    let recorded = write.audit.iter().map(|draft| org(draft.org));
    changes.chain(bumped).chain(recorded).collect()
}

fn of_change(change: &Change) -> Vec<Lock> {
    match change {
        Change::AddUser(_) | Change::SetUser(_) | Change::PutSetup(_) | Change::ClaimSetup { .. } => {
            vec![Lock::on("auth", "people")]
        }
        Change::AddOrg(added) | Change::SetOrg(added) => {
            vec![Lock::on("auth", "organizations"), org(added.id)]
        }
        Change::PutMember(member) => vec![org(member.org)],
        Change::RemoveMember { org: of, .. } => vec![org(*of)],
        Change::AddProject(project) => vec![org(project.org)],
        Change::AddKey { key, .. } | Change::SetKey(key) => vec![org(key.org)],
        Change::AddReply(reply) => vec![org(reply.org)],
        Change::EndLogins { .. } | Change::DropEnded { .. } => vec![Lock::on("auth", "many sign-ins")],
        // One row, found by its key and its `rev`: one statement decides.
        Change::AddLogin(_) | Change::SetLogin(_) | Change::AddDevice(_) | Change::SetDevice(_) => Vec::new(),
        Change::UnderLease { name, .. } => vec![super::nodes::lock(name)],
        Change::PutKeyCheck { .. } => vec![Lock::on("auth", "master key")],
        Change::AddSigningKey(_) | Change::DropSigningKeys { .. } => vec![Lock::on("auth", "signing keys")],
    }
}

fn org(id: OrgId) -> Lock {
    Lock::on("organization", &id)
}
