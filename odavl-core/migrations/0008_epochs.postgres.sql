-- There are many writers, which commit in any order: the transaction's own number, of which every snapshot knows whether
-- it was over. Whoever listens is told when it commits; the channel is that of the schema.
CREATE FUNCTION odavl_bumped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.bumped := CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT);
    PERFORM pg_notify('odavl_' || to_hex(hashtextextended(TG_TABLE_SCHEMA, 0)), '');
    RETURN NEW;
END
$$;

CREATE TRIGGER organizations_bumped BEFORE UPDATE OF epoch ON organizations
    FOR EACH ROW WHEN (NEW.epoch <> OLD.epoch) EXECUTE FUNCTION odavl_bumped();
