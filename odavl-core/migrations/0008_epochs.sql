-- Where in the order of changes an organisation's epoch was raised last, so that one question finds all that were raised
-- since another. The engine says so by itself, whatever raises the epoch.

ALTER TABLE organizations ADD COLUMN bumped BIGINT NOT NULL DEFAULT 0;

CREATE INDEX organizations_bumped ON organizations (bumped);
