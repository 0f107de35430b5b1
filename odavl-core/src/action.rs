//! Every action of the library: the scope it needs, what it counts as, and whether it is recorded.

use crate::auth::Access;

/// Whose scope an action needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: open to a visitor without a credential.
    Nothing,
    /// Any credential that holds.
    Credential,
    /// That access to that resource of odavl.
    Scope(&'static str, Access),
    /// To write `usage`, or to decide for others: `gateway`.
    Charging,
    /// That access to the product that the upload belongs to, or to `uploads`.
    Product(Access),
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionRow {
    /// Its name in the audit and in the logs.
    pub name: &'static str,
    /// What the caller must hold.
    pub needs: Needs,
    /// Whether it counts as a request (`api_calls` in the preset).
    pub request: bool,
    /// Whether it leaves an audit entry.
    pub audited: bool,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal, $needs:expr $(, $flag:ident)*;)*) => {
        /// One thing that a session can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action { $($(#[$doc])* $action,)* }

        impl Action {
            /// Every action: the guarantees are tested over all of them.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// The action's row.
            pub const fn row(self) -> ActionRow {
                match self {
                    $(Self::$action => {
                        #[allow(unused_mut, reason = "a row without a flag changes nothing")]
                        let mut row = ActionRow { name: $name, needs: $needs, request: false, audited: false };
                        $(row.$flag = true;)*
                        row
                    })*
                }
            }
        }
    };
}

use Access::{Admin, Read, Write};
use Needs::{Charging, Credential, Nothing, Product, Scope};

actions! {
    /// Makes the first person and the first organisation.
    SetUp = "instance.set_up", Nothing, audited;
    /// Signs a person in with their password.
    SignIn = "session.sign_in", Nothing, audited;
    /// Asks for a device code.
    DeviceCode = "device.code", Nothing;
    /// Exchanges a device code or a refresh token.
    Token = "session.token", Nothing, audited;
    /// Ends a sign-in by its token.
    Revoke = "session.revoke", Nothing, audited;
    /// Looks at a token.
    Introspect = "session.introspect", Credential;
    /// Approves or denies a device.
    DeviceApprove = "device.approve", Credential, audited;
    /// Signs out.
    SignOut = "session.sign_out", Credential, audited;
    /// Changes one's own password.
    PasswordChange = "user.password", Credential, audited;
    /// Who am I.
    Me = "me.read", Credential;

    /// Adds a person.
    UserCreate = "user.create", Scope("instance", Write), audited;
    /// Lists people.
    UserList = "user.list", Scope("instance", Read);
    /// Changes a person: disables them, sets their password.
    UserUpdate = "user.update", Scope("instance", Write), audited;
    /// Makes an organisation.
    OrgCreate = "organization.create", Scope("instance", Write), audited;
    /// Lists organisations.
    OrgList = "organization.list", Scope("instance", Read);
    /// Changes an organisation's plan and limits, suspends it.
    OrgUpdate = "organization.update", Scope("instance", Write), audited;
    /// Says that the store is this database's.
    StoreAdopt = "instance.adopt_store", Scope("instance", Admin), audited;
    /// Lists sources, and their backups.
    BackupList = "backup.list", Scope("instance", Read);
    /// Begins a backup.
    BackupCreate = "backup.create", Scope("instance", Write), audited;
    /// Begins to verify a backup.
    BackupVerify = "backup.verify", Scope("instance", Write), audited;
    /// Reads one's own organisation.
    OrgRead = "organization.read", Scope("org", Read);
    /// Lists members.
    MemberList = "member.list", Scope("org", Read);
    /// Adds a member, or changes a role.
    MemberPut = "member.put", Scope("org", Write), audited;
    /// Removes a member.
    MemberRemove = "member.remove", Scope("org", Write), audited;
    /// Makes a project.
    ProjectCreate = "project.create", Scope("uploads", Write), audited;
    /// Lists projects.
    ProjectList = "project.list", Scope("org", Read);
    /// Reads the organisation's records.
    AuditRead = "audit.read", Scope("org", Write);

    /// Adds an endpoint that is told.
    WebhookCreate = "webhook.create", Scope("org", Write), audited;
    /// Lists endpoints, and what they were told.
    WebhookList = "webhook.list", Scope("org", Read);
    /// Removes an endpoint.
    WebhookDelete = "webhook.delete", Scope("org", Write), audited;
    /// Tells an endpoint once more.
    WebhookReplay = "webhook.replay", Scope("org", Write);

    /// Makes a key.
    KeyCreate = "key.create", Scope("keys", Write), audited;
    /// Lists keys.
    KeyList = "key.list", Scope("keys", Read);
    /// Changes a key: its name, limits, allow-list; switches it off.
    KeyUpdate = "key.update", Scope("keys", Write), audited;
    /// Gives a key a new secret.
    KeyRotate = "key.rotate", Scope("keys", Write), audited;
    /// Ends a key for ever.
    KeyRevoke = "key.revoke", Scope("keys", Write), audited;

    /// Decides about someone else's key and quota.
    GatewayVerify = "gateway.verify", Scope("gateway", Write);

    /// Reads usage, limits and history.
    UsageRead = "usage.read", Scope("usage", Read);
    /// Charges units.
    UsageConsume = "usage.consume", Charging;
    /// Holds units.
    UsageReserve = "usage.reserve", Charging;
    /// Ends a reservation.
    UsageSettle = "usage.settle", Charging;

    /// Stores an object through odavl.
    StoragePut = "storage.put", Scope("storage", Write), request;
    /// Asks for an address to upload to.
    StorageUploadUrl = "storage.upload_url", Scope("storage", Write), request, audited;
    /// Looks how far a direct upload is.
    StorageUploadGet = "storage.upload", Scope("storage", Read), request;
    /// Sends or fetches bytes with a presigned request.
    StorageDirect = "storage.direct", Nothing;
    /// Ends a direct upload.
    StorageComplete = "storage.complete", Scope("storage", Write);
    /// Gives a direct upload up.
    StorageAbandon = "storage.abandon", Scope("storage", Write);
    /// Reads an object.
    StorageGet = "storage.get", Scope("storage", Read), request;
    /// Asks for an address to download from.
    StorageDownloadUrl = "storage.download_url", Scope("storage", Read), request, audited;
    /// Lists objects.
    StorageList = "storage.list", Scope("storage", Read);
    /// Deletes an object.
    StorageDelete = "storage.delete", Scope("storage", Write);
    /// Counts objects and bytes.
    StorageStats = "storage.stats", Scope("storage", Read);
    /// Compares the rows with the store.
    StorageRecount = "storage.recount", Scope("storage", Admin);

    /// Uploads results.
    UploadCreate = "upload.create", Product(Write), request;
    /// Lists uploads.
    UploadList = "upload.list", Product(Read), request;
    /// Reads an upload.
    UploadGet = "upload.get", Product(Read), request;
    /// Deletes an upload.
    UploadDelete = "upload.delete", Product(Admin);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.row().name).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }

    #[test]
    fn what_frees_space_is_never_refused_by_a_quota() {
        for action in [
            Action::StorageList,
            Action::StorageDelete,
            Action::StorageComplete,
            Action::StorageAbandon,
            Action::UploadDelete,
        ] {
            assert!(!action.row().request, "{action:?}");
        }
    }
}
