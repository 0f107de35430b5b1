-- After a crash the server empties it, and may give the numbers of transactions a second time that it had not yet written
-- down; no snapshot from before says anything then.
ALTER TABLE lives SET UNLOGGED;
