//! The main job through this client: signs a device in, makes a key, uploads results, uses a quota up, reads the bytes
//! back.
//!
//! `cargo run -p odavl-client --example job -- URL RESULTS RUN`

use std::{env, error::Error, fs, io, time::Duration};

use futures_util::TryStreamExt;
use odavl_client::{
    Client, Error as ApiError,
    types::{
        ApiKeyRequest, ConsumeRequest, DeviceCodeRequest, Environment, Problem, ProjectRequest, TokenRequest,
    },
};
use odavl_core::secret::Digest;
use reqwest::header::{AUTHORIZATION, HeaderMap};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CLIENT_ID: &str = "odavl-cli";

/// The client of whoever holds that token, or of a visitor.
fn client(url: &str, token: Option<&str>) -> Result<Client> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
    }
    Ok(Client::new_with_client(url, reqwest::Client::builder().default_headers(headers).build()?))
}

/// Shows the code, and waits until somebody has approved it.
async fn sign_in(url: &str) -> Result<String> {
    let visitor = client(url, None)?;
    let wish = DeviceCodeRequest { client_id: CLIENT_ID.to_owned(), scope: None };
    let device = visitor.device_code(&wish).await?.into_inner();
    let form = TokenRequest {
        client_id: CLIENT_ID.to_owned(),
        grant_type: "urn:ietf:params:oauth:grant-type:device_code".to_owned(),
        device_code: Some(device.device_code),
        refresh_token: None,
        scope: None,
    };
    match visitor.token(&form).await {
        Err(ApiError::ErrorResponse(refused)) => assert_eq!(refused.error, "authorization_pending"),
        other => panic!("{other:?}"),
    }
    println!("{}", device.user_code);
    io::stdin().read_line(&mut String::new())?;
    tokio::time::sleep(Duration::from_secs(device.interval.into())).await;
    Ok(visitor.token(&form).await?.into_inner().access_token)
}

async fn make_key(url: &str) -> Result<String> {
    let person = client(url, Some(&sign_in(url).await?))?;
    person.project_create(None, &ProjectRequest { slug: "website".to_owned() }).await?;
    let wish = ApiKeyRequest {
        name: "job".to_owned(),
        scopes: ["insight:write", "uploads:write", "usage:write"].map(str::to_owned).to_vec(),
        environment: Some(Environment::Live),
        metadata: None,
        limits: None,
        allowed_ips: None,
        expires_at: None,
    };
    let made = person.key_create(None, &wish).await?.into_inner();
    assert_eq!((made.key.environment.as_str(), made.key.expires_at), ("live", None));
    Ok(made.secret.ok_or("the secret is missing")?)
}

/// How much was granted, and the refusal after that.
async fn use_up(machine: &Client) -> Result<(u64, Problem)> {
    let wish = ConsumeRequest {
        meter: "guardian_tests".to_owned(),
        units: Some(1),
        idempotency_key: None,
        tags: None,
    };
    let mut granted = 0;
    loop {
        match machine.usage_consume(None, &wish).await {
            Ok(consumed) => granted += consumed.units,
            Err(ApiError::ErrorResponse(refused)) => return Ok((granted, refused.into_inner())),
            Err(error) => return Err(error.into()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let [url, file, run] =
        env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "URL RESULTS RUN")?;
    let results = fs::read(file)?;
    let machine = client(&url, Some(&make_key(&url).await?))?;
    let digest = Digest::of(&results).to_hex();
    let uploaded = machine.upload_create("insight", "website", &run, None, &digest, results.clone()).await?;
    let upload = uploaded.into_inner().upload;
    assert_eq!(upload.summary.levels.warning, 1);

    let usage = machine.usage().await?.into_inner();
    let standing =
        usage.limits.iter().find(|limit| limit.meter == "guardian_tests").ok_or("no such meter")?;
    assert_eq!((standing.used, standing.limit, &standing.key_id), (0, Some(20), &None));

    let (granted, refused) = use_up(&machine).await?;
    assert_eq!((refused.code.as_str(), refused.meter.as_deref()), ("quota_exceeded", Some("guardian_tests")));
    assert_eq!((granted, refused.limit, refused.used), (20, Some(20), Some(20)));

    let content = machine.upload_content(&upload.id).await?.into_inner();
    let back: Vec<u8> = content.into_inner().try_collect::<Vec<_>>().await?.concat();
    assert!(back == results);
    println!("{granted} granted, then {}; {} bytes read back", refused.code, back.len());
    Ok(())
}
