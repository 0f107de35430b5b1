-- Storage. Times are micros since the Unix epoch (UTC). Every key begins with the organisation. Names are compared by
-- their bytes: SQLite does so by itself; PostgreSQL needs COLLATE "C" on `name`.

-- What names mean now.
CREATE TABLE storage_objects (
    org TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    store_key TEXT NOT NULL,
    size BIGINT NOT NULL CHECK (size BETWEEN 0 AND 9007199254740991),
    checksum TEXT NOT NULL,
    content_type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    -- When the last URL for its bytes has expired.
    urls_until BIGINT NOT NULL,
    PRIMARY KEY (org, id)
);

-- One object has a name at a time; statistics read the index with the size alone.
CREATE UNIQUE INDEX storage_objects_name ON storage_objects (org, name);
CREATE INDEX storage_objects_size ON storage_objects (org, size);

-- What is being stored, and what became of it until the sweeper forgets it.
CREATE TABLE storage_uploads (
    org TEXT NOT NULL,
    id TEXT NOT NULL,
    reservation TEXT NOT NULL,
    object TEXT NOT NULL,
    store_key TEXT NOT NULL,
    name TEXT NOT NULL,
    -- create, overwrite
    mode TEXT NOT NULL,
    content_type TEXT NOT NULL,
    -- streamed; whole: size, sha256; parts: size, part_size, and the store's name for it in `multipart`
    arrival TEXT NOT NULL,
    size BIGINT,
    sha256 TEXT,
    part_size BIGINT,
    multipart TEXT,
    created_by TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- open; completed: arrived_size, arrived_checksum, arrived_at; abandoned
    state TEXT NOT NULL,
    arrived_size BIGINT,
    arrived_checksum TEXT,
    arrived_at BIGINT,
    PRIMARY KEY (org, id)
);

-- Whoever gives an object's bytes back asks whether they were charged.
CREATE INDEX storage_uploads_object ON storage_uploads (org, object);
-- For the sweeper, which is of no one organisation.
CREATE INDEX storage_uploads_expiry ON storage_uploads (expires_at);

-- The parts for which URLs were made.
CREATE TABLE storage_parts (
    org TEXT NOT NULL,
    upload TEXT NOT NULL,
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (org, upload, number)
);

-- Bytes without a row, to be removed when the last URL for them has expired.
CREATE TABLE storage_garbage (
    org TEXT NOT NULL,
    object TEXT NOT NULL,
    store_key TEXT NOT NULL,
    multipart TEXT,
    size BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (org, object)
);

CREATE INDEX storage_garbage_due ON storage_garbage (due_at);
