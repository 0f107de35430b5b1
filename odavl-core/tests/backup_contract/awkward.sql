-- A database that is hard to back up: what people really have, and what only a test would.

CREATE SCHEMA "Odd schema; DROP";
CREATE TABLE "Odd schema; DROP"."select ""quoted"" 'name' $$ Ünïcode 名前" ("from" INT, "a b" TEXT, "ä""'\n" TEXT);
INSERT INTO "Odd schema; DROP"."select ""quoted"" 'name' $$ Ünïcode 名前" VALUES (1, E'tab\t newline\n back\\slash', '\N'), (2, NULL, '');

CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE empty (a INT PRIMARY KEY, b TEXT);
CREATE TABLE dropped (a INT, gone TEXT, b INT);
INSERT INTO dropped VALUES (1, 'x', 2);
ALTER TABLE dropped DROP COLUMN gone;

CREATE TYPE mood AS ENUM ('sad', 'so-so', 'ok');
CREATE TYPE pair AS (a INT, b TEXT);
CREATE DOMAIN positive AS INT CHECK (VALUE > 0);
CREATE TYPE span AS RANGE (subtype = FLOAT8);
CREATE TABLE typed (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, p pair, d positive, s span,
    f4 REAL, f8 DOUBLE PRECISION, n NUMERIC, m2 MONEY, i INTERVAL, t TIMESTAMPTZ, b BYTEA, j JSON, jb JSONB,
    a INT[], aa TEXT[][], u UUID, x XML, v BIT VARYING, pt POINT, r REGCLASS, ts TSVECTOR, inet INET);
INSERT INTO typed (m, p, d, s, f4, f8, n, m2, i, t, b, j, jb, a, aa, u, x, v, pt, r, ts, inet) VALUES
    ('so-so', '(1,"x,y")', 1, '[0.1,0.3)', 'NaN', '-Infinity', 'NaN', 1234.5, '1 year -2 days 3.000001 s', 'infinity',
        '\x00ff5c', '{"a":  1}', '{"b": [1, null]}', '{1,NULL}', '{{a,"b c"},{"\"",NULL}}',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '<a>1</a>', B'101', '(1,2)', 'empty', 'a:1 b:2', '::1/64'),
    (NULL, NULL, NULL, 'empty', '-0', 0.1::REAL, 1e-20, -0.01, '00:00:00.1', '4713-01-01 BC', '', 'null', 'null',
        '{}', '{}', NULL, NULL, B'', NULL, NULL, '', NULL);

CREATE TABLE parent (a INT, c TEXT DEFAULT 'x'::VARCHAR(5));
CREATE TABLE child (b INT) INHERITS (parent);
ALTER TABLE parent ADD COLUMN later INT;
INSERT INTO parent VALUES (1, 'p', 2);
INSERT INTO child (a, b, later) VALUES (3, 4, 5);

CREATE TABLE listed (id INT NOT NULL, region VARCHAR(10),
    CONSTRAINT known_region CHECK (region IN ('eu', 'us', 'x y'))) PARTITION BY LIST (region);
CREATE TABLE listed_eu PARTITION OF listed FOR VALUES IN ('eu') PARTITION BY HASH (id);
CREATE TABLE listed_eu_0 PARTITION OF listed_eu FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE listed_eu_1 PARTITION OF listed_eu FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE other_order (region VARCHAR(10), extra_gone INT, id INT NOT NULL,
    CONSTRAINT known_region CHECK (region IN ('eu', 'us', 'x y')));
ALTER TABLE other_order DROP COLUMN extra_gone;
ALTER TABLE listed ATTACH PARTITION other_order DEFAULT;
ALTER TABLE listed ADD UNIQUE (id, region);
INSERT INTO listed SELECT i, (ARRAY['eu', 'us', NULL])[1 + i % 3] FROM generate_series(1, 300) AS i;

CREATE TABLE base (id SERIAL PRIMARY KEY, w INT NOT NULL, h INT, area INT GENERATED ALWAYS AS (w * h) STORED,
    parent INT REFERENCES base ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, state TEXT COLLATE "C" DEFAULT 'new',
    EXCLUDE USING gist (int4range(w, h) WITH &&) WHERE (state::TEXT = ANY (ARRAY['a'::VARCHAR, 'b'])),
    CONSTRAINT later CHECK (w < 1000) NO INHERIT NOT VALID) WITH (fillfactor = 70);
CREATE INDEX "an index" ON base USING btree (lower(state) COLLATE "C" DESC NULLS LAST, w) INCLUDE (h) WHERE state IN ('a', 'b');
CREATE STATISTICS known (dependencies) ON w, h FROM base;
COMMENT ON COLUMN base.w IS 'it''s wide';

CREATE SEQUENCE untouched START 5 INCREMENT 3;
CREATE SEQUENCE falling INCREMENT -1 MINVALUE -100 MAXVALUE 10 CYCLE;
SELECT nextval('falling'), nextval('falling');

CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS a;
CREATE VIEW seen WITH (security_barrier) AS SELECT b.*, (SELECT count(*) FROM listed l WHERE l.region IN ('eu', b.state)) AS n
    FROM base b LEFT JOIN parent p ON p.a = b.id WHERE w BETWEEN 1 AND 5 OR state ~ '^(a|b)$';
CREATE MATERIALIZED VIEW full_one AS SELECT sum(id) AS sum FROM listed;
CREATE UNIQUE INDEX ON full_one (sum);
CREATE MATERIALIZED VIEW stale AS SELECT count(*) FROM unlogged;
INSERT INTO unlogged VALUES (2);
CREATE MATERIALIZED VIEW unpopulated AS SELECT 1 AS a WITH NO DATA;
CREATE RULE shadow AS ON DELETE TO empty DO INSTEAD NOTHING;

CREATE TABLE secret (owner TEXT, word TEXT);
INSERT INTO secret VALUES ('nobody', 'canary');
ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secret FOR SELECT USING (owner = current_user AND word <> ALL (ARRAY['x'::VARCHAR, 'y']));

CREATE FUNCTION touch() RETURNS TRIGGER LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
BEGIN
    NEW.state := '-- Name: no comment';
    RETURN NEW;
END $body$;
CREATE TRIGGER touched BEFORE UPDATE OF w ON base FOR EACH ROW WHEN (OLD.w <> NEW.w) EXECUTE FUNCTION touch();
ALTER TABLE base DISABLE TRIGGER touched;
CREATE FUNCTION twice(n INT, VARIADIC more INT[] DEFAULT '{1}') RETURNS INT LANGUAGE SQL IMMUTABLE STRICT COST 7
    BEGIN ATOMIC SELECT n * 2; END;
CREATE PROCEDURE act() LANGUAGE SQL AS 'SELECT 1';
CREATE AGGREGATE total (INT) (SFUNC = int4pl, STYPE = INT, INITCOND = '0');
CREATE FUNCTION watch() RETURNS EVENT_TRIGGER LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watched ON sql_drop EXECUTE FUNCTION watch();
CREATE OPERATOR === (LEFTARG = INT, RIGHTARG = INT, FUNCTION = int4eq, COMMUTATOR = ===);
CREATE CAST (mood AS INT) WITH INOUT;
CREATE COLLATION phone (provider = icu, locale = 'de-u-co-phonebk');
CREATE PUBLICATION news FOR TABLE base;

CREATE EXTENSION hstore;
CREATE EXTENSION postgres_fdw SCHEMA "Odd schema; DROP";
CREATE TABLE extended (h hstore);
INSERT INTO extended VALUES ('a=>1, b=>NULL');
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
CREATE FOREIGN TABLE foreign_one (a INT OPTIONS (column_name 'b')) SERVER elsewhere;

-- Empty, small, of several pages, with a hole, and larger than a piece that is read.
SELECT lo_create(70000);
SELECT lo_from_bytea(70001, '\x00ff'), lo_from_bytea(70002, convert_to(repeat('odavl', 5000), 'UTF8'));
SELECT lo_from_bytea(70003, 'start'), lo_put(70003, 100000, 'end');
SELECT lo_from_bytea(70004, convert_to(repeat('x', 1000000), 'UTF8'));

CREATE TABLE hollow (id INT, a TEXT, b INT, c NUMERIC, d TIMESTAMP, e JSONB, f BOOL);
INSERT INTO hollow SELECT i, CASE WHEN i % 50 = 0 THEN '' END FROM generate_series(1, 5000) AS i;

ALTER TYPE mood ADD VALUE 'between' BEFORE 'ok';
INSERT INTO base (w, h, parent) SELECT i, i * 2, NULLIF(i - 1, 0) FROM generate_series(1, 100) AS i;
