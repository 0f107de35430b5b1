//! [`Odavl`]: the ports, held together, handing out sessions.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

#[cfg(feature = "sign-in")]
use crate::auth::signin::{CookieToken, SignIn};
#[cfg(feature = "backup")]
use crate::backup::{Begun, Sources};
#[cfg(feature = "direct")]
use crate::storage::DirectUrls;
#[cfg(feature = "uploads")]
use crate::uploads::{Receiving, UploadRows};
use crate::{
    auth::{AuditDraft, AuditSeal, Auth, Change, Heads, KeyToken, OrgRef, Write},
    caller::Source,
    clock::{Clock, SystemClock},
    config::Settings,
    denied::Denials,
    error::{Error, Result},
    feed::Feed,
    ids::OrgId,
    metering::{Combiner, CombinerOptions, Metering},
    random,
    seal::MasterKey,
    secret::Secret,
    session::{Context, Credential, Session},
    storage::{Catalog, Storage, service::Ownership},
    view::{OrgView, Views},
    webhooks::WebhookRows,
};

/// An installation of odavl. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Odavl(Arc<Core>);

/// What every session stands on. The ports are visible in the crate alone, and only use cases reach them.
pub(crate) struct Core {
    pub(crate) auth: Arc<dyn Auth>,
    pub(crate) metering: Arc<dyn Metering>,
    pub(crate) combiner: Combiner,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) views: Arc<Views>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) objects: Arc<dyn Catalog>,
    #[cfg(feature = "uploads")]
    pub(crate) uploads: Arc<dyn UploadRows>,
    /// Whose results are being received.
    #[cfg(feature = "uploads")]
    pub(crate) receiving: Receiving,
    pub(crate) webhooks: Arc<dyn WebhookRows>,
    #[cfg(feature = "backup")]
    pub(crate) backups: Option<Arc<Sources>>,
    #[cfg(feature = "backup")]
    pub(crate) begun: Begun,
    #[cfg(feature = "direct")]
    pub(crate) direct: DirectUrls,
    #[cfg(feature = "sign-in")]
    pub(crate) sign_in: SignIn,
    /// What seals the secrets that must be read back.
    pub(crate) master: MasterKey,
    pub(crate) seal: AuditSeal,
    pub(crate) denials: Denials,
    pub(crate) heads: Heads,
    pub(crate) ownership: Ownership,
    /// What other nodes know this one by, for as long as it runs.
    pub(crate) node: String,
    /// What is closed when its database and its files are, where that is known.
    pub(crate) ended: Option<watch::Sender<()>>,
    /// Ends with the rest.
    _feed: Feed,
    /// Whoever waits for the end waits for that of all above.
    _held: Option<watch::Receiver<()>>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("auth", &self.auth)
            .field("metering", &self.metering)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

/// Puts an [`Odavl`] together.
#[derive(Debug, Default)]
pub struct Builder {
    auth: Option<Arc<dyn Auth>>,
    metering: Option<Arc<dyn Metering>>,
    storage: Option<Arc<dyn Storage>>,
    objects: Option<Arc<dyn Catalog>>,
    #[cfg(feature = "uploads")]
    uploads: Option<Arc<dyn UploadRows>>,
    webhooks: Option<Arc<dyn WebhookRows>>,
    #[cfg(feature = "backup")]
    backups: Option<Sources>,
    settings: Option<Settings>,
    master: Option<MasterKey>,
    clock: Option<Arc<dyn Clock>>,
    combiner: CombinerOptions,
    ended: Option<watch::Sender<()>>,
}

impl Builder {
    /// Who people and keys are.
    #[must_use]
    pub fn auth(mut self, port: Arc<dyn Auth>) -> Self {
        self.auth = Some(port);
        self
    }

    /// What is counted.
    #[must_use]
    pub fn metering(mut self, port: Arc<dyn Metering>) -> Self {
        self.metering = Some(port);
        self
    }

    /// Where bytes are.
    #[must_use]
    pub fn storage(mut self, port: Arc<dyn Storage>) -> Self {
        self.storage = Some(port);
        self
    }

    /// Which names they have, and whose they are.
    #[must_use]
    pub fn objects(mut self, port: Arc<dyn Catalog>) -> Self {
        self.objects = Some(port);
        self
    }

    /// Which results were uploaded.
    #[cfg(feature = "uploads")]
    #[must_use]
    pub fn uploads(mut self, port: Arc<dyn UploadRows>) -> Self {
        self.uploads = Some(port);
        self
    }

    /// Who is told of what happens.
    #[must_use]
    pub fn webhooks(mut self, port: Arc<dyn WebhookRows>) -> Self {
        self.webhooks = Some(port);
        self
    }

    /// Which databases are backed up, and where; none unless it is called.
    #[cfg(feature = "backup")]
    #[must_use]
    pub fn backups(mut self, sources: Sources) -> Self {
        self.backups = Some(sources);
        self
    }

    /// Meters, plans, scopes and the rest.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// The key that every other key of the installation comes from; the same on every node.
    #[must_use]
    pub fn master_key(mut self, key: MasterKey) -> Self {
        self.master = Some(key);
        self
    }

    /// The clock; the machine's unless said otherwise.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// How those who are charged at once share transactions.
    #[must_use]
    pub fn combiner(mut self, options: CombinerOptions) -> Self {
        self.combiner = options;
        self
    }

    /// What is closed when all that the ports stand on is.
    #[cfg(all(feature = "sqlite", feature = "fs", feature = "config", feature = "uploads"))]
    pub(crate) fn ended(mut self, ended: watch::Sender<()>) -> Self {
        self.ended = Some(ended);
        self
    }

    /// The installation. Fails with `invalid_input` where a port is missing or the settings do not fit together.
    /// Must be called in a tokio runtime: the combiner and the epoch feed are tasks of it.
    pub fn build(self) -> Result<Odavl> {
        let settings = self.settings.ok_or_else(|| missing("settings"))?;
        settings.catalog.check()?;
        let auth = self.auth.ok_or_else(|| missing("auth"))?;
        let metering = self.metering.ok_or_else(|| missing("metering"))?;
        let storage = self.storage.ok_or_else(|| missing("storage"))?;
        let objects = self.objects.ok_or_else(|| missing("objects"))?;
        let master = self.master.ok_or_else(|| missing("master_key"))?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let views = Arc::<Views>::default();
        Ok(Odavl(Arc::new(Core {
            _feed: Feed::start(auth.clone(), views.clone(), clock.clone()),
            auth,
            combiner: Combiner::new(metering.clone(), clock.clone(), self.combiner),
            metering,
            clock,
            views,
            storage,
            objects,
            #[cfg(feature = "uploads")]
            uploads: self.uploads.ok_or_else(|| missing("uploads"))?,
            #[cfg(feature = "uploads")]
            receiving: Receiving::default(),
            webhooks: self.webhooks.ok_or_else(|| missing("webhooks"))?,
            #[cfg(feature = "backup")]
            backups: self.backups.map(Arc::new),
            #[cfg(feature = "backup")]
            begun: Begun::default(),
            #[cfg(feature = "direct")]
            direct: DirectUrls::of(&settings, &master)?,
            seal: AuditSeal::of(&master),
            master: master.clone(),
            denials: Denials::default(),
            heads: Heads::default(),
            ownership: Ownership::default(),
            node: random::id(),
            _held: self.ended.as_ref().map(watch::Sender::subscribe),
            ended: self.ended,
            #[cfg(feature = "sign-in")]
            sign_in: SignIn::new(master, settings.key_prefix.clone()),
            settings,
        })))
    }
}

fn missing(part: &str) -> Error {
    Error::invalid_with(format!("odavl cannot be built without its {part}"), format!("call `.{part}(..)`"))
}

impl Odavl {
    /// Starts to put an installation together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The time, as the installation knows it.
    pub fn now(&self) -> jiff::Timestamp {
        self.0.clock.now()
    }

    /// The credential that `text` says: an API key or an access token.
    pub fn credential(&self, text: &str) -> Result<Credential> {
        // A JWT has two dots; a key has none.
        if cfg!(feature = "sign-in") && text.contains('.') {
            return Ok(Credential::Token(Secret::new(text.to_owned())));
        }
        KeyToken::parse(&self.0.settings.key_prefix, text).map(Credential::Key)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// The session of whoever holds `credential`.
    pub async fn authenticate(&self, credential: Credential, context: Context) -> Result<Session> {
        let source = match credential {
            Credential::Key(token) => Source::Key(token),
            #[cfg(feature = "sign-in")]
            Credential::Token(token) => Source::Token(Box::new(self.0.claims(token.reveal()).await?)),
            #[cfg(feature = "sign-in")]
            Credential::Cookie(cookie) => {
                let prefix = self.0.settings.key_prefix.as_str();
                Source::Cookie(CookieToken::parse(prefix, cookie.reveal())?)
            }
            #[cfg(not(feature = "sign-in"))]
            _ => return Err(Error::Unsupported("this build knows API keys only".to_owned())),
        };
        self.0.resolve(&source, &context).await?;
        Ok(Session::new(self.0.clone(), source, context))
    }

    /// Whether the database answers, for reading and for deciding, and the store; whether what decides on this node is
    /// there; and whether its clock is within 5 s of the database's.
    pub async fn ready(&self) -> Result<()> {
        self.0.combiner.check()?;
        self.0.check_clock().await?;
        self.0.auth.is_set_up().await?;
        self.0.metering.apply(&[]).await?;
        self.0.storage.ready().await
    }

    /// The session of someone without a credential.
    pub fn visitor(&self, context: Context) -> Session {
        Session::new(self.0.clone(), Source::Visitor, context)
    }

    /// A session with every right on one organisation, for the program that embeds odavl.
    pub async fn system(&self, org: &OrgRef, context: Context) -> Result<Session> {
        let found = self.0.auth.org(org).await?.ok_or_else(|| Error::not_found("organization", org))?;
        Ok(Session::new(self.0.clone(), Source::System(found.id), context))
    }
}

impl Session {
    /// The installation that it is of.
    pub fn odavl(&self) -> Odavl {
        Odavl(self.core.clone())
    }
}

impl Core {
    /// An organisation with its limits; `not_found` where there is none.
    pub(crate) async fn org_view(&self, id: OrgId) -> Result<Arc<OrgView>> {
        let now = self.clock.now();
        let gone = || Error::not_found("organization", &id);
        let epoch = if let Some(epoch) = self.views.epoch(id, now) {
            epoch
        } else {
            let moment = self.views.moment(now);
            let epoch = self.auth.epoch(id).await?.ok_or_else(gone)?;
            self.views.learn(id, epoch, moment);
            epoch
        };
        if let Some(view) = self.views.org(id).filter(|view| view.org.epoch == epoch) {
            return Ok(view);
        }
        let moment = self.views.moment(now);
        let org = self.auth.org(&OrgRef::Id(id)).await?.ok_or_else(gone)?;
        self.views.learn(id, org.epoch, moment);
        let catalog = &self.settings.catalog;
        // A plan that the configuration no longer has is refused by name, never taken for unlimited.
        let plan = catalog.plan(&org.plan).map_err(|error| {
            let detail = format!("the organization `{}` has a plan that the configuration lacks", org.slug);
            Error::internal(detail, Some(error.into()))
        })?;
        let view = Arc::new(OrgView::new(org, catalog, plan));
        self.views.keep_org(&view);
        Ok(view)
    }

    /// Writes, and makes what is remembered of the organisations that were bumped worthless, here and in the
    /// batches of every node, before it answers.
    pub(crate) async fn write(
        &self,
        changes: Vec<Change>,
        bump: Vec<OrgId>,
        audit: Vec<AuditDraft>,
    ) -> Result<()> {
        let moment = self.views.moment(self.clock.now());
        let bumped = self.auth.write(Write { changes, bump, audit, seal: self.seal.clone() }).await?;
        for (org, epoch) in bumped {
            self.views.learn(org, epoch, moment);
            self.metering.fence(org, epoch).await?;
        }
        Ok(())
    }
}
