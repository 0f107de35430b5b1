//! odavl inside a program: one folder, and no other service.
//!
//!     cargo run -p odavl-examples --bin quickstart -- ./quickstart-data

use std::{error::Error, path::PathBuf};

use odavl_core::{
    ErrorCode, Odavl, Settings,
    auth::{NewKeyRequest, SetUp},
    gateway::{Verdict, VerifyRequest},
    metering::Consume,
    secret::Secret,
    session::Context,
    storage::{NewObject, collect, full},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let data = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("quickstart-data"), PathBuf::from);
    let odavl = Odavl::open(&data, Settings::preset("http://127.0.0.1:8787")?).await?;

    // The first person, the operator's organisation, and one to work in.
    let wish = SetUp {
        email: "ada@example.com".parse()?,
        name: "Ada".to_owned(),
        password: Secret::new("correct horse battery".to_owned()),
        organization: "acme".parse()?,
    };
    match odavl.set_up(wish).await {
        Err(error) if error.code() != ErrorCode::Conflict => return Err(error.into()),
        _ => println!("{} is set up", data.display()),
    }

    // A key for a customer. Its secret is shown this once.
    let acme = odavl.system(&"acme".parse()?, Context::default()).await?;
    let scopes = "storage:write insight:write usage:write".parse()?;
    let new = acme.keys().create(NewKeyRequest::new("customer", scopes)).await?;
    let secret = new.token.ok_or("a new key has a secret")?.secret().clone();

    // Somebody else's request, decided by key, scope, rate and quota: durable when it is answered.
    let gateway = odavl.system(&"operator".parse()?, Context::default()).await?;
    let mut request = VerifyRequest::new(secret.clone());
    request.scope = "insight:write".parse()?;
    request.charges.push(("insight_analyses".parse()?, 1));
    match gateway.gateway().verify(request).await? {
        Verdict::Valid(identity) => println!("{} may pass", identity.key_id),
        Verdict::Invalid(refused) => println!("refused: {refused}"),
    }

    // The customer's own session has the rights of the key, and no others.
    let me = odavl.authenticate(odavl.credential(secret.reveal())?, Context::default()).await?;
    let answer = me.usage().consume(Consume::new("guardian_tests".parse()?, 1)).await;
    match answer {
        Ok(answer) => println!("guardian_tests: {} used", answer.standings[0].used),
        Err(refused) if refused.code() == ErrorCode::QuotaExceeded => println!("refused: {refused}"),
        Err(error) => return Err(error.into()),
    }

    let name = "notes/hello.txt".parse()?;
    let stored = me.storage().put(NewObject::new(name), full("hello")).await?;
    let read = me.storage().read(&stored.name, None).await?;
    let text = collect(read.bytes.body, 1024).await?;
    println!("{}: {}", stored.name, String::from_utf8_lossy(&text));

    // From here on nobody gets through with it, on any node.
    acme.keys().revoke(new.key.id).await?;
    Ok(())
}
