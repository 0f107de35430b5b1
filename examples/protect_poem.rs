//! An API of one's own in poem, behind odavl's keys and quotas.
//!
//!     cargo run -p odavl-examples --bin protect_poem -- ./odavl-data 127.0.0.1:3000
//!
//! The folder is one that was set up, as by the quickstart; `odavl admin keys create` makes keys beside it.

use std::{error::Error, path::Path};

use odavl_core::{Odavl, Settings, gateway::Identity, session::Context};
use odavl_http::protect::Protect;
use poem::{
    EndpointExt, Route, Server, get, handler,
    listener::{Acceptor, Listener, TcpListener},
    web::Data,
};

#[handler]
fn report(Data(identity): Data<&Identity>) -> String {
    format!("a report for {}, on {}\n", identity.organization, identity.plan)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().ok_or("name the data folder")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());

    let odavl = Odavl::open(Path::new(&data), Settings::preset("http://127.0.0.1:8787")?).await?;
    let gateway = odavl.system(&"operator".parse()?, Context::default()).await?;
    let protect =
        Protect::new(gateway).scope("insight:read".parse()?).charge("insight_analyses".parse()?, 1)?;
    let routes = Route::new().at("/report", get(report).with(protect));

    let acceptor = TcpListener::bind(address).into_acceptor().await?;
    println!("listening on {}", acceptor.local_addr()[0]);
    Server::new_with_acceptor(acceptor).run(routes).await?;
    Ok(())
}
