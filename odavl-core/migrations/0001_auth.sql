-- Auth. Times are micros since the Unix epoch (UTC); yes is 1, no is 0. Where a row belongs to an organisation, its
-- key begins with it, so that nothing is read or pointed to across organisations.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- A PHC string.
    password TEXT,
    instance TEXT CHECK (instance IN ('read', 'write', 'admin')),
    disabled BIGINT NOT NULL CHECK (disabled IN (0, 1)),
    created_at BIGINT NOT NULL,
    rev BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    external_id TEXT UNIQUE,
    -- JSON objects.
    metadata TEXT NOT NULL,
    overrides TEXT NOT NULL,
    operator BIGINT NOT NULL CHECK (operator IN (0, 1)),
    suspended BIGINT NOT NULL CHECK (suspended IN (0, 1)),
    epoch BIGINT NOT NULL CHECK (epoch >= 0),
    created_at BIGINT NOT NULL,
    rev BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE members (
    org TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org, user_id)
) WITHOUT ROWID;

CREATE INDEX members_user ON members (user_id, org);

CREATE TABLE projects (
    org TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, slug)
) WITHOUT ROWID;

CREATE TABLE api_keys (
    org TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    owner TEXT REFERENCES users (id),
    name TEXT NOT NULL,
    -- Separated by spaces.
    scopes TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    -- JSON: two objects and a list.
    metadata TEXT NOT NULL,
    limits TEXT NOT NULL,
    allowed_ips TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    -- What held before the last rotation, and until when it does.
    previous BLOB CHECK (length(previous) = 32),
    previous_until BIGINT,
    disabled BIGINT NOT NULL CHECK (disabled IN (0, 1)),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    rev BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    CHECK ((previous IS NULL) = (previous_until IS NULL))
) WITHOUT ROWID;

-- From a key's id, which is all that a credential says, to its organisation.
CREATE UNIQUE INDEX api_keys_id ON api_keys (id);

CREATE TABLE logins (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    org TEXT REFERENCES organizations (id),
    kind TEXT NOT NULL CHECK (kind IN ('device', 'browser')),
    client_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    generation BIGINT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    -- The token before, when it was rotated, and how often it was retried since.
    previous BLOB CHECK (length(previous) = 32),
    previous_at BIGINT,
    previous_retries BIGINT,
    address TEXT,
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    revoked_at BIGINT,
    rev BIGINT NOT NULL,
    CHECK ((previous IS NULL) = (previous_at IS NULL) AND (previous IS NULL) = (previous_retries IS NULL))
) WITHOUT ROWID;

CREATE INDEX logins_user ON logins (user_id, id);

CREATE TABLE device_requests (
    device_code BLOB PRIMARY KEY CHECK (length(device_code) = 32),
    user_code BLOB NOT NULL UNIQUE CHECK (length(user_code) = 32),
    client_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    address TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'claimed')),
    -- Who approved it, for which organisation, and what was granted.
    user_id TEXT REFERENCES users (id),
    org TEXT REFERENCES organizations (id),
    granted TEXT,
    poll_seconds BIGINT NOT NULL,
    polled_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    CHECK ((state = 'approved') = (user_id IS NOT NULL AND org IS NOT NULL AND granted IS NOT NULL))
) WITHOUT ROWID;

-- At most one.
CREATE TABLE setup_links (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    public BLOB NOT NULL CHECK (length(public) = 32),
    -- Under the master key, bound to this table, row and column.
    sealed BLOB NOT NULL,
    active_from BIGINT NOT NULL,
    retires_at BIGINT NOT NULL
) WITHOUT ROWID;

-- A chain for each organisation: `seq` from 1 without gaps, each with the hash of the one before.
CREATE TABLE audit_entries (
    org TEXT NOT NULL REFERENCES organizations (id),
    seq BIGINT NOT NULL CHECK (seq >= 1),
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT,
    request_id TEXT NOT NULL,
    -- A JSON object.
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (org, seq)
) WITHOUT ROWID;

-- What a retried creation is answered with.
CREATE TABLE replies (
    org TEXT NOT NULL REFERENCES organizations (id),
    key BLOB NOT NULL CHECK (length(key) = 32),
    request BLOB NOT NULL CHECK (length(request) = 32),
    target TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (org, key)
) WITHOUT ROWID;

CREATE INDEX replies_expires_at ON replies (expires_at);
