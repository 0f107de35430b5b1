-- Uploads of products' results. Times are micros since the Unix epoch (UTC). Every key begins with the organisation.

CREATE TABLE uploads (
    org TEXT NOT NULL,
    -- Follows from product, project and run.
    id TEXT NOT NULL,
    product TEXT NOT NULL,
    project TEXT NOT NULL,
    slug TEXT NOT NULL,
    run TEXT NOT NULL,
    -- Of the unpacked bytes.
    sha256 TEXT NOT NULL,
    created_by TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    -- The try that counts.
    attempt TEXT NOT NULL,
    reservation TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- pending; stored: all that follows; deleted
    state TEXT NOT NULL,
    stored_at BIGINT,
    object TEXT,
    store_key TEXT,
    size BIGINT CHECK (size BETWEEN 0 AND 9007199254740991),
    encoding TEXT,
    unpacked BIGINT,
    -- What the results say, as JSON.
    summary TEXT,
    PRIMARY KEY (org, id)
);

-- Lists go from the newest back.
CREATE INDEX uploads_stored ON uploads (org, stored_at, id) WHERE state = 'stored';
-- For the sweeper, which is of no one organisation.
CREATE INDEX uploads_pending ON uploads (expires_at) WHERE state = 'pending';
