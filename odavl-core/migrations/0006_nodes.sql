-- What nodes on one database need of each other. Times are micros since the Unix epoch (UTC).

-- Work that one node does at a time: who, and until when nobody else takes it. The fence rises with each who takes over.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL CHECK (fence >= 1),
    until BIGINT NOT NULL
) WITHOUT ROWID;

-- At most one: what the master key of all nodes is known by.
CREATE TABLE master_key_checks (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) WITHOUT ROWID;
