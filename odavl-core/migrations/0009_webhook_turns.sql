-- Which endpoints have something on its way, each found by one look past the one before, and what of it is due.

CREATE INDEX webhook_deliveries_turns ON webhook_deliveries (endpoint, next_at, org) WHERE next_at IS NOT NULL;
