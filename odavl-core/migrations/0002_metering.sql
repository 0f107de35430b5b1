-- Metering. Times are micros since the Unix epoch (UTC); units are 0 to 2^53 - 1. Every key begins with the
-- organisation, so that a batch touches neighbouring rows and nothing is read across organisations.

-- One row an organisation: what a batch locks first.
CREATE TABLE metering_orgs (
    org TEXT PRIMARY KEY,
    -- Entries of an older epoch are stale.
    epoch BIGINT NOT NULL,
    -- The latest instant that changed something: periods never begin before its own.
    clock BIGINT NOT NULL,
    -- The last place in the ledger, and in the thresholds' outbox.
    seq BIGINT NOT NULL,
    events BIGINT NOT NULL,
    -- How many reservations are open.
    open BIGINT NOT NULL
) WITHOUT ROWID;

-- What is used and reserved in the present period of one meter, scope ('' or a key's id) and period.
CREATE TABLE counters (
    org TEXT NOT NULL,
    meter TEXT NOT NULL,
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    -- When the period began; for what is held, the calendar month in which `fired` counts.
    start BIGINT NOT NULL,
    used BIGINT NOT NULL CHECK (used BETWEEN 0 AND 9007199254740991),
    reserved BIGINT NOT NULL CHECK (reserved BETWEEN 0 AND 9007199254740991),
    -- One bit for each threshold that was recorded in this period.
    fired BIGINT NOT NULL,
    PRIMARY KEY (org, meter, scope, period)
) WITHOUT ROWID;

-- Every granted entry that charged or gave back something, or that a retry must be answered from.
CREATE TABLE ledger (
    org TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    -- The instant whose period it counts in: a settlement counts when its units were reserved.
    counted_at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    charges TEXT NOT NULL,
    tags TEXT NOT NULL,
    reservation TEXT,
    -- The idempotency key, the digest of the request that it stands for, and the answer that it was given.
    idem BLOB,
    request BLOB,
    answer TEXT,
    PRIMARY KEY (org, seq)
) WITHOUT ROWID;

CREATE UNIQUE INDEX ledger_idem ON ledger (org, idem) WHERE idem IS NOT NULL;

-- The ledger's sums by hour and by day.
CREATE TABLE rollups (
    org TEXT NOT NULL,
    meter TEXT NOT NULL,
    resolution TEXT NOT NULL,
    start BIGINT NOT NULL,
    subject TEXT NOT NULL,
    units BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (org, meter, resolution, start, subject)
) WITHOUT ROWID;

-- Reservations, the ended ones too: asking again is answered as the first time.
CREATE TABLE reservations (
    org TEXT NOT NULL,
    id TEXT NOT NULL,
    -- open, settled or released.
    state TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- What it holds, where, and since when.
    holds TEXT NOT NULL,
    -- What was asked for and answered when it was made, and when it ended.
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    outcome TEXT,
    PRIMARY KEY (org, id)
) WITHOUT ROWID;

CREATE INDEX reservations_open ON reservations (expires_at) WHERE state = 'open';

-- The outbox of thresholds that were reached.
CREATE TABLE thresholds (
    org TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    threshold BIGINT NOT NULL,
    standing TEXT NOT NULL,
    -- Whether whoever wants to know was told.
    told BIGINT NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    PRIMARY KEY (org, seq)
) WITHOUT ROWID;

CREATE INDEX thresholds_untold ON thresholds (at) WHERE told = 0;

-- The batches that committed lately: looked up when the answer to a COMMIT was lost.
CREATE TABLE batches (
    id BLOB PRIMARY KEY,
    at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX batches_at ON batches (at);
