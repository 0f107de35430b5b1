-- What a service does that decides each request in a transaction of its own: the counter below its limit, and a line in
-- the ledger. One organisation, as in the measurement beside it. Run by pgbench, prepared.
BEGIN;
UPDATE counter SET used = used + 1 WHERE org = 1 AND used + 1 <= 9000000000000 RETURNING used;
INSERT INTO ledger (org, at, subject, meter, units) VALUES (1, now(), 'key', 'calls', 1);
COMMIT;
