//! `device_requests`.

use jiff::Timestamp;

use super::{one, require_org, require_user};
use crate::{
    auth::{DeviceGrant, DeviceState, refuse},
    db::{Db, Row, Tx, Value, Violation},
    error::Result,
    secret::Digest,
};

macro_rules! device_columns {
    () => {
        "device_code, user_code, client_id, scopes, address, state, user_id, org, granted, poll_seconds, polled_at, \
         created_at, expires_at, rev"
    };
}

const ADD_DEVICE: &str =
    "INSERT INTO device_requests (device_code, user_code, client_id, scopes, address, state,
    user_id, org, granted, poll_seconds, polled_at, created_at, expires_at, rev)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const SET_DEVICE: &str = "UPDATE device_requests SET client_id = $3, scopes = $4, address = $5, state = $6,
    user_id = $7, org = $8, granted = $9, poll_seconds = $10, polled_at = $11, created_at = $12, expires_at = $13,
    rev = rev + 1 WHERE device_code = $1 AND user_code = $2 AND rev = $14";
const DEVICE: &str = concat!("SELECT ", device_columns!(), " FROM device_requests WHERE device_code = $1");
const DEVICE_BY_USER_CODE: &str =
    concat!("SELECT ", device_columns!(), " FROM device_requests WHERE user_code = $1");
const DROP_ENDED: &str = "DELETE FROM device_requests WHERE expires_at < $1";

pub(super) async fn add_device(tx: &mut Tx, device: &DeviceGrant) -> Result<()> {
    let added = tx.execute(ADD_DEVICE, &device_values(device)?).await;
    added.map(drop).map_err(|failed| match failed.violation() {
        Some(Violation::Unique) => refuse::device_taken(),
        _ => failed.into(),
    })
}

pub(super) async fn set_device(tx: &mut Tx, device: &DeviceGrant) -> Result<()> {
    if let DeviceState::Approved { user, org, .. } = device.state {
        require_user(tx, user).await?;
        require_org(tx, org).await?;
    }
    if tx.execute(SET_DEVICE, &device_values(device)?).await? == 0 {
        let found = tx.query_one(DEVICE, &[device.device_code.into()]).await?;
        return Err(found.map_or_else(refuse::no_device, |_| refuse::stale_device()));
    }
    Ok(())
}

pub(super) async fn drop_ended(tx: &mut Tx, at: Timestamp) -> Result<()> {
    tx.execute(DROP_ENDED, &[at.into()]).await?;
    Ok(())
}

pub(super) async fn device(db: &Db, device_code: &Digest) -> Result<Option<DeviceGrant>> {
    one(db.query_one(DEVICE, &[(*device_code).into()]).await?.as_ref(), read_device)
}

pub(super) async fn device_by_user_code(db: &Db, user_code: &Digest) -> Result<Option<DeviceGrant>> {
    one(db.query_one(DEVICE_BY_USER_CODE, &[(*user_code).into()]).await?.as_ref(), read_device)
}

fn device_values(device: &DeviceGrant) -> Result<[Value; 14]> {
    let (state, user, org, granted) = match &device.state {
        DeviceState::Pending => ("pending", None, None, None),
        DeviceState::Approved { user, org, scopes } => {
            ("approved", Some(*user), Some(*org), Some(scopes.to_string()))
        }
        DeviceState::Denied => ("denied", None, None, None),
        DeviceState::Claimed => ("claimed", None, None, None),
    };
    Ok([
        device.device_code.into(),
        device.user_code.into(),
        (&device.client_id).into(),
        Value::text(&device.scopes),
        device.address.as_ref().into(),
        state.into(),
        user.into(),
        org.into(),
        granted.into(),
        device.interval.into(),
        device.polled_at.into(),
        device.created_at.into(),
        device.expires_at.into(),
        Value::count(device.rev)?,
    ])
}

fn read_device(row: &Row) -> Result<DeviceGrant> {
    Ok(DeviceGrant {
        device_code: row.read("device_requests.device_code")?,
        user_code: row.read("device_requests.user_code")?,
        client_id: row.read("device_requests.client_id")?,
        scopes: row.parse("device_requests.scopes")?,
        address: row.read("device_requests.address")?,
        state: read_state(row)?,
        interval: row.read("device_requests.poll_seconds")?,
        polled_at: row.read("device_requests.polled_at")?,
        created_at: row.read("device_requests.created_at")?,
        expires_at: row.read("device_requests.expires_at")?,
        rev: row.read("device_requests.rev")?,
    })
}

fn read_state(row: &Row) -> Result<DeviceState> {
    let state: String = row.read("device_requests.state")?;
    Ok(match state.as_str() {
        "pending" => DeviceState::Pending,
        "approved" => DeviceState::Approved {
            user: row.parse("device_requests.user_id")?,
            org: row.parse("device_requests.org")?,
            scopes: row.parse("device_requests.granted")?,
        },
        "denied" => DeviceState::Denied,
        "claimed" => DeviceState::Claimed,
        _ => return Err(row.nonsense("device_requests.state", None)),
    })
}
