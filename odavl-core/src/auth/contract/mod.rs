//! The behaviour of [`Auth`] as tests, for adapters of your own as for ours.
//!
//! ```text
//! odavl_core::auth_contract!(MyAuth::new().await);
//! ```
//!
//! The expression makes a fresh, empty adapter; the crate that runs the suite depends on `tokio` with its macros and
//! threads.

#![expect(clippy::missing_panics_doc, reason = "a case panics when the adapter misbehaves")]

pub mod keys;
pub mod nodes;
pub mod orgs;
pub mod pages;
pub mod people;
pub mod sign_in;
pub mod writes;

use std::{collections::BTreeMap, future::Future, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::{
    ApiKey, AuditDraft, AuditSeal, Auth, Change, DeviceGrant, DeviceState, Environment, Lease, LeaseWish,
    Login, LoginKind, Membership, Organization, Project, Role, Scopes, User, Write,
};
use crate::{
    error::{Error, ErrorCode, Result},
    ids::{AuditId, KeyId, OrgId, ProjectId, SessionId, UserId},
    metering::Allowances,
    random,
    secret::Digest,
};

/// Makes a test of each behaviour of [`Auth`](crate::auth::Auth), on the adapter that the expression makes.
#[macro_export]
macro_rules! auth_contract {
    ($auth:expr) => {
        $crate::auth_contract! { @groups $auth;
            writes: [
                a_write_happens_whole_or_not_at_all,
                each_change_sees_those_before_it,
                the_audit_chain_has_no_gap_and_no_fork_whoever_writes,
                each_organization_has_a_chain_of_its_own,
                a_record_is_read_back_as_written,
                of_two_notes_of_one_idempotency_key_one_is_kept_with_what_was_written,
                epochs_rise_by_one_are_answered_in_order_and_kept,
                bumps_are_told_from_where_they_were_told_last,
            ];
            people: [
                a_person_is_read_back_as_written,
                an_address_belongs_to_one_person,
                of_changes_based_on_one_row_one_succeeds,
                the_last_owner_stays,
                of_two_owners_who_leave_at_once_one_stays,
                the_last_administrator_stays,
                of_two_administrators_who_step_down_at_once_one_stays,
                a_role_changes_and_since_when_stays,
                memberships_come_in_the_order_they_were_made,
            ];
            orgs: [
                an_organization_is_read_back_as_written_by_each_of_its_names,
                slugs_and_external_ids_are_unique,
                a_stale_organization_is_a_conflict_and_its_epoch_is_not_taken_from_the_row,
                a_project_s_slug_is_unique_in_its_organization_alone,
                what_names_nothing_that_is_there_is_not_found,
                a_row_of_one_organization_is_never_answered_for_another,
            ];
            keys: [
                a_key_is_read_back_as_written,
                a_stale_key_or_another_organization_s_is_refused,
                no_more_keys_are_active_than_the_most_whoever_adds_them,
                a_revoked_or_expired_key_makes_room,
                a_last_use_only_moves_forward_and_is_no_change,
            ];
            nodes: [
                a_lease_is_one_node_s_until_it_ends,
                a_lease_that_ended_is_another_one,
                of_those_who_take_a_lease_at_once_one_holds_it,
                a_write_under_a_lease_that_was_taken_over_is_refused_whole,
                of_two_first_nodes_one_says_what_the_master_key_is,
                the_time_is_the_database_s_own_where_it_has_any,
            ];
            sign_in: [
                a_login_is_read_back_as_written_and_stale_ones_are_refused,
                ending_a_person_s_logins_leaves_the_one_that_is_excepted,
                a_device_request_is_found_by_both_its_codes,
                of_those_who_answer_one_device_request_one_succeeds,
                of_two_claims_of_one_set_up_link_one_succeeds,
                a_set_up_link_ends_is_replaced_and_is_refused_once_there_is_a_person,
                what_ended_is_dropped_and_the_rest_stays,
                signing_keys_are_unique_and_oldest_first_and_go_when_they_retire,
            ];
            pages: [
                pages_of_any_size_show_each_item_once_and_in_order,
                a_cursor_of_another_list_is_refused,
            ];
        }
    };
    (@groups $auth:expr; $($group:ident: [$($case:ident,)*];)*) => {$(
        mod $group {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let auth: std::sync::Arc<dyn $crate::auth::Auth> = std::sync::Arc::new($auth);
                    $crate::auth::contract::$group::$case(auth).await.unwrap();
                }
            )*
        }
    )*};
}

/// What a case is given.
pub(crate) type Subject = Arc<dyn Auth>;

pub(crate) const NOW: Timestamp = Timestamp::constant(1_800_000_000, 123_456_000);

pub(crate) fn later(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

pub(crate) fn seal() -> AuditSeal {
    AuditSeal::new(&[7; 32])
}

pub(crate) fn drawn() -> Result<Digest> {
    Ok(Digest::of(&random::bytes::<32>()?))
}

/// A person who owns or administers nothing.
pub(crate) fn person(name: &str) -> Result<User> {
    Ok(User {
        id: UserId::new(NOW)?,
        email: format!("{name}@example.com").parse()?,
        name: name.into(),
        password: None,
        instance: None,
        disabled: false,
        created_at: NOW,
        rev: 1,
    })
}

pub(crate) fn organization(slug: &str) -> Result<Organization> {
    Ok(Organization {
        id: OrgId::new(NOW)?,
        slug: slug.parse()?,
        name: slug.to_uppercase(),
        plan: "FREE".into(),
        external_id: None,
        metadata: BTreeMap::new(),
        overrides: Allowances::new(),
        operator: false,
        suspended: false,
        epoch: 0,
        created_at: NOW,
        rev: 1,
    })
}

pub(crate) fn member(org: OrgId, user: UserId, role: Role) -> Membership {
    Membership { org, user, role, created_at: NOW }
}

pub(crate) fn project(org: OrgId, slug: &str) -> Result<Project> {
    Ok(Project { org, id: ProjectId::new(NOW)?, slug: slug.parse()?, created_at: NOW })
}

pub(crate) fn key(org: OrgId) -> Result<ApiKey> {
    Ok(ApiKey {
        id: KeyId::new(NOW)?,
        org,
        owner: None,
        name: "key".into(),
        scopes: "storage:write".parse()?,
        environment: Environment::Live,
        metadata: BTreeMap::new(),
        limits: Allowances::new(),
        allowed_ips: Vec::new(),
        digest: drawn()?,
        previous: None,
        disabled: false,
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        rev: 1,
    })
}

pub(crate) fn login(user: UserId) -> Result<Login> {
    Ok(Login {
        id: SessionId::new(NOW)?,
        user,
        org: None,
        kind: LoginKind::Browser,
        client_id: "dashboard".into(),
        scopes: Scopes::none(),
        generation: 0,
        digest: drawn()?,
        previous: None,
        address: None,
        authenticated_at: NOW,
        created_at: NOW,
        expires_at: later(100),
        ends_at: later(1000),
        revoked_at: None,
        rev: 1,
    })
}

pub(crate) fn device() -> Result<DeviceGrant> {
    Ok(DeviceGrant {
        device_code: drawn()?,
        user_code: drawn()?,
        client_id: "odavl-cli".into(),
        scopes: "storage:write".parse()?,
        address: None,
        state: DeviceState::Pending,
        interval: 5,
        polled_at: None,
        created_at: NOW,
        expires_at: later(600),
        rev: 1,
    })
}

pub(crate) fn draft(org: OrgId, action: &str) -> Result<AuditDraft> {
    Ok(AuditDraft {
        id: AuditId::new(NOW)?,
        org,
        at: NOW,
        actor: "system".into(),
        action: action.into(),
        target: org.to_string(),
        address: None,
        request_id: "req".into(),
        detail: BTreeMap::new(),
    })
}

pub(crate) fn write(changes: impl IntoIterator<Item = Change>) -> Write {
    Write { changes: changes.into_iter().collect(), bump: Vec::new(), audit: Vec::new(), seal: seal() }
}

/// Writes the changes, and nothing else.
pub(crate) async fn apply(auth: &Subject, changes: impl IntoIterator<Item = Change>) -> Result<()> {
    auth.write(write(changes)).await.map(drop)
}

/// The code with which `changes` are refused; `None` where they are not.
pub(crate) async fn refused(auth: &Subject, changes: impl IntoIterator<Item = Change>) -> Option<ErrorCode> {
    apply(auth, changes).await.err().map(|error| error.code())
}

/// What was found, or a failed case.
pub(crate) fn found<T>(row: Option<T>) -> Result<T> {
    row.ok_or_else(|| Error::internal("a row that was written is not there", None))
}

/// An organisation that was added.
pub(crate) async fn added_org(auth: &Subject, slug: &str) -> Result<Organization> {
    let org = organization(slug)?;
    apply(auth, [Change::AddOrg(org.clone())]).await?;
    Ok(org)
}

/// A person who was added.
pub(crate) async fn added_person(auth: &Subject, name: &str) -> Result<User> {
    let user = person(name)?;
    apply(auth, [Change::AddUser(user.clone())]).await?;
    Ok(user)
}

/// Runs all of them at once; answers what came of each.
pub(crate) async fn at_once<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut set = JoinSet::new();
    for task in tasks {
        set.spawn(task);
    }
    set.join_all().await
}

/// Writes each of the lists of changes at once; answers the codes of those that were refused.
pub(crate) async fn raced(auth: &Subject, writes: Vec<Vec<Change>>) -> Vec<ErrorCode> {
    let tasks = writes.into_iter().map(|changes| {
        let auth = Arc::clone(auth);
        async move { refused(&auth, changes).await }
    });
    at_once(tasks).await.into_iter().flatten().collect()
}
