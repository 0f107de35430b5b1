-- There is one writer: the next number is of what commits next.
CREATE TRIGGER organizations_bumped AFTER UPDATE OF epoch ON organizations WHEN NEW.epoch <> OLD.epoch
BEGIN
    UPDATE organizations SET bumped = (SELECT MAX(bumped) + 1 FROM organizations) WHERE id = NEW.id;
END;
