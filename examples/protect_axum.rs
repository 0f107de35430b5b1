//! An API of one's own in axum, behind odavl's keys and quotas: the protection is a tower layer.
//!
//!     cargo run -p odavl-examples --bin protect_axum -- ./odavl-data 127.0.0.1:3000
//!
//! The folder is one that was set up, as by the quickstart; `odavl admin keys create` makes keys beside it.

use std::{error::Error, net::SocketAddr, path::Path};

use axum::{Extension, Router, extract::ConnectInfo, routing::get};
use odavl_core::{Odavl, Settings, gateway::Identity, session::Context};
use odavl_http::protect::Protect;
use tokio::net::TcpListener;

async fn report(Extension(identity): Extension<Identity>) -> String {
    format!("a report for {}, on {}\n", identity.organization, identity.plan)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().ok_or("name the data folder")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());

    let odavl = Odavl::open(Path::new(&data), Settings::preset("http://127.0.0.1:8787")?).await?;
    let gateway = odavl.system(&"operator".parse()?, Context::default()).await?;
    let protect = Protect::new(gateway)
        .scope("insight:read".parse()?)
        .charge("insight_analyses".parse()?, 1)?
        // For keys that are good from some addresses alone.
        .peer(|extensions| extensions.get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip()));
    let routes = Router::new().route("/report", get(report)).layer(protect);

    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
