-- Reservations that ended are found by their time, to be removed.
CREATE INDEX reservations_ended ON reservations (expires_at) WHERE state <> 'open';
