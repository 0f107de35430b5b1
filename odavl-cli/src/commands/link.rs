//! `odavl link`: links a folder to a project of the server.

use std::{env, path::Path};

use odavl_client::types::ProjectRequest;
use odavl_core::{Error, ErrorCode};

use crate::{
    client::Client,
    failure::{Failure, Result},
    output::Output,
    project::Project,
    settings::Flags,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl link --create my-app")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    /// The project's slug [default: made from the folder's name]
    project: Option<String>,
    /// Make the project where there is none
    #[arg(long)]
    create: bool,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let folder = env::current_dir()
        .map_err(|error| Error::unavailable("the current folder cannot be read", Some(error.into())))?;
    let slug = args.project.unwrap_or_else(|| slug_of(&folder));
    let client = Client::open(&args.remote).await?;
    let me = client.call(async |api| api.me().await).await?;
    if args.create {
        create(&client, &slug, output).await?;
    } else if !exists(&client, &slug).await? {
        let detail = format!("{} has no project `{slug}`", me.organization_slug);
        let hint = format!("make it with `odavl link --create {slug}`");
        return Err(Failure::Stuck(ErrorCode::NotFound, detail, hint));
    }
    let link = Project { server: client.origin().clone(), organization: me.organization_slug, slug };
    let path = link.write(&folder)?;
    output.done(&link, &format!("linked to {} of {} in {}", link.slug, link.organization, path.display()))
}

async fn create(client: &Client, slug: &str, output: Output) -> Result<()> {
    let wish = ProjectRequest { slug: slug.to_owned() };
    match client.call(async |api| api.project_create(None, &wish).await).await {
        Ok(project) => {
            output.say(&format!("made the project {}", project.slug));
            Ok(())
        }
        // Whoever made it: it is there.
        Err(failure) if failure.code() == ErrorCode::AlreadyExists => Ok(()),
        Err(failure) => Err(failure),
    }
}

async fn exists(client: &Client, slug: &str) -> Result<bool> {
    let projects = client
        .all(async |client, cursor| {
            let page = client.call(async |api| api.project_list(cursor, None).await).await?;
            Ok((page.items, page.next_cursor))
        })
        .await?;
    Ok(projects.iter().any(|project| project.slug == slug))
}

/// The folder's name as a slug: lower-case letters and digits, with hyphens for the rest.
fn slug_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}
