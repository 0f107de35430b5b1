-- Webhooks. Times are micros since the Unix epoch (UTC).

CREATE TABLE webhook_endpoints (
    org TEXT NOT NULL,
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Under the master key, bound to this table, row and column.
    secret BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org, id)
) WITHOUT ROWID;

-- What is on its way, and how it ended: a row for each event and endpoint.
CREATE TABLE webhook_deliveries (
    org TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    next_at BIGINT,
    -- The last try.
    tried_at BIGINT,
    status BIGINT,
    error TEXT,
    PRIMARY KEY (org, endpoint, event),
    FOREIGN KEY (org, endpoint) REFERENCES webhook_endpoints (org, id) ON DELETE CASCADE,
    CHECK ((state = 'pending') = (next_at IS NOT NULL))
) WITHOUT ROWID;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (org, endpoint, created_at);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (created_at) WHERE next_at IS NULL;
