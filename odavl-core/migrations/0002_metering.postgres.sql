-- Rows that nearly every batch changes: with room left in their pages, a change stays in its page and touches no index.
ALTER TABLE metering_orgs SET (fillfactor = 50);
ALTER TABLE counters SET (fillfactor = 50);
ALTER TABLE rollups SET (fillfactor = 70);
