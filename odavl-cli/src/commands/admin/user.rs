//! `odavl admin user`: people.

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use odavl_core::{
    Error, Odavl,
    auth::{Access, Email, NewUser, Role, SetUp, Slug, User, UserUpdate},
    ids::UserId,
    page::PageQuery,
    secret::Secret,
};
use serde::Serialize;

use crate::{
    failure::Result,
    input,
    output::{Column, Output},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a person; the first one becomes the operator
    Create(Create),
    /// List everyone
    #[command(after_help = "Example:\n  odavl admin user list --json")]
    List,
    /// Set a person's password: their sign-ins end
    Password(Password),
    /// Say what a person may do on the whole installation, with its people and organisations
    #[command(after_help = "Example:\n  odavl admin user grant bob@example.com write")]
    Grant {
        /// What they sign in with
        email: Email,
        /// How much of it
        access: Grant,
    },
    /// Lock a person out
    #[command(after_help = "Example:\n  odavl admin user disable bob@example.com")]
    Disable {
        /// What they sign in with
        email: Email,
    },
    /// Let a person in again
    #[command(after_help = "Example:\n  odavl admin user enable bob@example.com")]
    Enable {
        /// What they sign in with
        email: Email,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    odavl admin user create --email ada@example.com --org acme --password-stdin < password.txt")]
pub(super) struct Create {
    /// What they sign in with
    #[arg(long)]
    email: Email,
    /// What they are called [default: the address before the @]
    #[arg(long)]
    name: Option<String>,
    /// The organisation that they join; the first person's is made [default: main, for the first person]
    #[arg(long, value_name = "ORG")]
    org: Option<Slug>,
    /// What they may do in it: viewer, member, admin or owner
    #[arg(long, default_value = "member", requires = "org")]
    role: Role,
    /// Read the password from standard input; without it they cannot sign in until one is set
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  odavl admin user password ada@example.com --password-stdin < password.txt"
)]
pub(super) struct Password {
    /// What they sign in with
    email: Email,
    /// Read it from standard input, which is what happens anyway: said for scripts
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Grant {
    /// Look at them
    Read,
    /// Also add and change them
    Write,
    /// Also say who may
    Admin,
    /// Nothing
    None,
}

impl Grant {
    fn access(self) -> Option<Access> {
        match self {
            Self::Read => Some(Access::Read),
            Self::Write => Some(Access::Write),
            Self::Admin => Some(Access::Admin),
            Self::None => None,
        }
    }
}

/// A person as the operator sees them: without what they sign in with.
#[derive(Debug, Serialize)]
struct Shown {
    id: UserId,
    email: Email,
    name: String,
    state: &'static str,
    instance: Option<&'static str>,
    created_at: Timestamp,
}

impl From<User> for Shown {
    fn from(user: User) -> Self {
        let state = match (user.disabled, &user.password) {
            (true, _) => "disabled",
            (false, None) => "without password",
            (false, Some(_)) => "active",
        };
        let instance = user.instance.map(Access::as_str);
        Self { id: user.id, email: user.email, name: user.name, state, instance, created_at: user.created_at }
    }
}

const COLUMNS: [Column<Shown>; 6] = [
    Column::text("email", |user| user.email.to_string()),
    Column::text("name", |user| user.name.clone()),
    Column::text("state", |user| user.state.to_owned()),
    Column::text("instance", |user| user.instance.unwrap_or("-").to_owned()),
    Column::text("created", |user| user.created_at.to_string()),
    Column::text("id", |user| user.id.to_string()),
];

pub(super) async fn run(odavl: &Odavl, command: Command, output: Output) -> Result<()> {
    match command {
        Command::Create(wish) => create(odavl, wish, output).await,
        Command::List => list(odavl, output).await,
        Command::Password(Password { email, .. }) => {
            let password = Some(input::secret("New password: ")?);
            let told = format!("{email} signs in with the new password from now on");
            update(odavl, &email, UserUpdate { password, ..UserUpdate::default() }, &told, output).await
        }
        Command::Grant { email, access } => {
            let instance = access.access();
            let scope =
                instance.map_or("nothing".to_owned(), |access| format!("instance:{}", access.as_str()));
            let told = format!("{email} holds {scope} on the installation");
            let change = UserUpdate { instance: Some(instance), ..UserUpdate::default() };
            update(odavl, &email, change, &told, output).await
        }
        Command::Disable { email } => {
            let told = format!("{email} is locked out");
            let change = UserUpdate { disabled: Some(true), ..UserUpdate::default() };
            update(odavl, &email, change, &told, output).await
        }
        Command::Enable { email } => {
            let told = format!("{email} may sign in again");
            let change = UserUpdate { disabled: Some(false), ..UserUpdate::default() };
            update(odavl, &email, change, &told, output).await
        }
    }
}

async fn update(odavl: &Odavl, email: &Email, update: UserUpdate, told: &str, output: Output) -> Result<()> {
    let session = super::operator(odavl).await?;
    let user = session.users().find(email).await?;
    let user = session.users().update(user.id, update).await?;
    output.done(&Shown::from(user), told)
}

async fn list(odavl: &Odavl, output: Output) -> Result<()> {
    let session = super::operator(odavl).await?;
    let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
    let mut users = Vec::new();
    loop {
        let page = session.users().list(&query).await?;
        users.extend(page.items.into_iter().map(Shown::from));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return output.list(&users, &COLUMNS);
        }
    }
}

async fn create(odavl: &Odavl, wish: Create, output: Output) -> Result<()> {
    let password = if wish.password_stdin { Some(input::secret("Password: ")?) } else { None };
    let before_at = wish.email.as_str().split('@').next().unwrap_or_default().to_owned();
    let name = wish.name.clone().unwrap_or(before_at);
    if super::is_set_up(odavl).await? {
        add(odavl, wish, name, password, output).await
    } else {
        first(odavl, wish, name, password, output).await
    }
}

async fn first(
    odavl: &Odavl,
    wish: Create,
    name: String,
    password: Option<Secret<String>>,
    output: Output,
) -> Result<()> {
    let password = password.ok_or_else(|| {
        Error::invalid_with("the first person needs a password", "pass it with --password-stdin < FILE")
    })?;
    let organization = wish.org.map_or_else(|| "main".parse(), Ok)?;
    let told = format!("{} is the operator, and owns the organisation {organization}", wish.email);
    let id = odavl.set_up(SetUp { email: wish.email, name, password, organization }).await?;
    output.say(&told);
    output.word(&serde_json::json!({ "id": id }), &id.to_string())
}

async fn add(
    odavl: &Odavl,
    wish: Create,
    name: String,
    password: Option<Secret<String>>,
    output: Output,
) -> Result<()> {
    // The organisation is looked up first: a person without it would be half of what was asked for.
    let org = match &wish.org {
        Some(org) => Some(super::session(odavl, org.as_str()).await?),
        None => None,
    };
    let user =
        super::operator(odavl).await?.users().create(NewUser { email: wish.email, name, password }).await?;
    if let Some(org) = org {
        org.members().put(user.id, wish.role).await?;
    }
    output.say(&format!("{} is added", user.email));
    output.word(&Shown::from(user.clone()), &user.id.to_string())
}
