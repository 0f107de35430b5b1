//! What is declared in a database, told so that it is the same once it was restored: with other OIDs, in another order,
//! by another owner, and on a newer server.

use std::collections::BTreeMap;

use super::session::{Session, text};
use crate::{backup::Tally, error::Result};

/// In a schema that lasts and is not the system's.
const LASTING: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Foreign keys that partitions have from their parents are not dumped, and get other names when they are made again. Names
/// of NOT NULL constraints are a newer server's.
///
/// Each answers a kind, what must be the same on any server, and a definition in the server's own words.
const KINDS: [(&str, &str); 12] = [
    (
        "schema",
        "SELECT nspname::TEXT, NULL FROM pg_catalog.pg_namespace x WHERE nspname !~ '^pg_' AND $OURS(pg_namespace, x.oid)",
    ),
    (
        "relation",
        r#"SELECT concat_ws(' ', x.relkind, $NAME, x.relpersistence, x.relispopulated, x.relrowsecurity,
            x.relforcerowsecurity, x.relreplident, m.amname, format_type(NULLIF(x.reloftype, 0), NULL),
            (SELECT string_agg(option, ' ' ORDER BY option COLLATE "C") FROM unnest(x.reloptions) AS option),
            (SELECT string_agg(i.inhparent::regclass::TEXT, ' ' ORDER BY i.inhseqno)
                FROM pg_catalog.pg_inherits i WHERE i.inhrelid = x.oid)),
            concat_ws(' ', pg_get_partkeydef(x.oid), pg_get_expr(x.relpartbound, x.oid),
                CASE WHEN x.relkind IN ('v', 'm') THEN pg_get_viewdef(x.oid) END)
        FROM $RELATION LEFT JOIN pg_catalog.pg_am m ON m.oid = x.relam AND x.relkind <> 'i'
        WHERE x.relkind IN ('r', 'p', 'v', 'm', 'f', 'c', 'S') AND $LASTING AND $OURS(pg_class, x.oid)"#,
    ),
    (
        "column",
        r"SELECT concat_ws(' ', $NAME, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attnotnull,
            NULLIF(a.attidentity, ''), NULLIF(a.attgenerated, ''), a.atthasdef,
            CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::TEXT END,
            CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END, NULLIF(a.attcompression, '')),
            pg_get_expr(d.adbin, d.adrelid)
        FROM $RELATION JOIN pg_catalog.pg_attribute a ON a.attrelid = x.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE x.relkind IN ('r', 'p', 'f', 'c', 'v', 'm') AND $LASTING AND $OURS(pg_class, x.oid)",
    ),
    (
        "constraint",
        r#"SELECT concat_ws(' ', COALESCE(NULLIF(x.conrelid, 0)::regclass::TEXT, format_type(x.contypid, NULL)),
            quote_ident(x.conname), x.contype, x.condeferrable, x.condeferred, x.convalidated,
            CASE WHEN x.contype = 'c' THEN x.connoinherit END,
            (SELECT string_agg(quote_ident(a.attname), ' ' ORDER BY a.attname COLLATE "C")
                FROM pg_catalog.pg_attribute a WHERE a.attrelid = x.conrelid AND a.attnum = ANY (x.conkey)),
            NULLIF(x.confrelid, 0)::regclass, NULLIF(x.confupdtype, ''), NULLIF(x.confdeltype, ''),
            NULLIF(x.confmatchtype, '')),
            pg_get_constraintdef(x.oid)
        FROM pg_catalog.pg_constraint x JOIN pg_catalog.pg_namespace n ON n.oid = x.connamespace
        WHERE x.contype <> 'n' AND NOT (x.contype = 'f' AND x.conparentid <> 0) AND $LASTING AND $OURS(pg_class, x.conrelid) AND $OURS(pg_type, x.contypid)"#,
    ),
    (
        "index",
        r"SELECT concat_ws(' ', $NAME, i.indrelid::regclass, m.amname, i.indisunique, i.indisprimary,
            i.indisexclusion, i.indimmediate, i.indisclustered, i.indisreplident, i.indnkeyatts, i.indnatts),
            pg_get_indexdef(x.oid)
        FROM $RELATION JOIN pg_catalog.pg_index i ON i.indexrelid = x.oid JOIN pg_catalog.pg_am m ON m.oid = x.relam
        JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
        WHERE (i.indisvalid OR t.relkind = 'p') AND i.indisready AND $LASTING AND $OURS(pg_class, i.indrelid)",
    ),
    (
        "function",
        r#"SELECT concat_ws(' ', x.prokind, x.oid::regprocedure, pg_get_function_result(x.oid), l.lanname, x.provolatile,
            x.proisstrict, x.prosecdef, x.proleakproof, x.proparallel, x.proretset, x.procost, x.prorows,
            md5(x.prosrc), x.probin, (SELECT string_agg(set, ' ' ORDER BY set COLLATE "C")
                FROM unnest(x.proconfig) AS set)),
            pg_get_function_arguments(x.oid)
        FROM pg_catalog.pg_proc x JOIN pg_catalog.pg_namespace n ON n.oid = x.pronamespace
        JOIN pg_catalog.pg_language l ON l.oid = x.prolang WHERE $LASTING AND $OURS(pg_proc, x.oid)"#,
    ),
    (
        "type",
        r"SELECT concat_ws(' ', x.typtype, format_type(x.oid, NULL), x.typlen, x.typalign, x.typstorage, x.typnotnull,
            format_type(NULLIF(x.typbasetype, 0), x.typtypmod),
            (SELECT string_agg(quote_literal(e.enumlabel), ' ' ORDER BY e.enumsortorder)
                FROM pg_catalog.pg_enum e WHERE e.enumtypid = x.oid),
            (SELECT format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r WHERE r.rngtypid = x.oid)),
            x.typdefault
        FROM pg_catalog.pg_type x JOIN pg_catalog.pg_namespace n ON n.oid = x.typnamespace
        WHERE x.typtype IN ('b', 'd', 'e', 'r', 'm') AND x.typcategory <> 'A' AND $LASTING AND $OURS(pg_type, x.oid)",
    ),
    (
        "trigger",
        r"SELECT concat_ws(' ', x.tgrelid::regclass, quote_ident(x.tgname), x.tgenabled, x.tgtype, x.tgdeferrable,
            x.tginitdeferred, x.tgfoid::regproc, encode(x.tgargs, 'hex')),
            pg_get_triggerdef(x.oid)
        FROM pg_catalog.pg_trigger x WHERE NOT x.tgisinternal AND $OURS(pg_trigger, x.oid) AND $OURS(pg_class, x.tgrelid)",
    ),
    (
        "rule",
        r"SELECT concat_ws(' ', x.ev_class::regclass, quote_ident(x.rulename), x.ev_type, x.ev_enabled, x.is_instead),
            pg_get_ruledef(x.oid)
        FROM pg_catalog.pg_rewrite x WHERE x.rulename <> '_RETURN' AND x.oid >= 16384 AND $OURS(pg_rewrite, x.oid)",
    ),
    (
        "policy",
        r"SELECT concat_ws(' ', x.polrelid::regclass, quote_ident(x.polname), x.polcmd, x.polpermissive),
            concat_ws(' ', pg_get_expr(x.polqual, x.polrelid), pg_get_expr(x.polwithcheck, x.polrelid))
        FROM pg_catalog.pg_policy x WHERE $OURS(pg_policy, x.oid)",
    ),
    ("comment", COMMENTS),
    ("object", OBJECTS),
];

/// What was said about an object. An extension's own is its own, and those in the system's schemas come with the server, as
/// `public` does, whoever has made it anew. `pg_dump` keeps nothing that was said of what it makes with something else.
const COMMENTS: &str = r"SELECT concat_ws(' ', i.type, i.identity, md5(x.description)), NULL
    FROM pg_catalog.pg_description x, pg_catalog.pg_identify_object(x.classoid, x.objoid, x.objsubid) AS i
    WHERE x.objoid >= 16384 AND x.classoid NOT IN
            ('pg_catalog.pg_extension'::regclass, 'pg_catalog.pg_subscription'::regclass)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
            WHERE e.classid = x.classoid AND e.objid = x.objoid AND e.deptype = 'e')
        AND (x.classoid, x.objoid) NOT IN (
            SELECT tableoid, oid FROM pg_catalog.pg_namespace WHERE nspname = 'public' UNION ALL
            SELECT tableoid, oid FROM pg_catalog.pg_constraint
                WHERE contype = 'c' AND NOT conislocal OR contype = 'f' AND conparentid <> 0 UNION ALL
            SELECT tableoid, oid FROM pg_catalog.pg_trigger WHERE tgparentid <> 0 UNION ALL
            SELECT tableoid, oid FROM pg_catalog.pg_rewrite WHERE rulename = '_RETURN' UNION ALL
            SELECT tableoid, oid FROM pg_catalog.pg_type
                WHERE typtype = 'm' OR oid IN (SELECT typarray FROM pg_catalog.pg_type)
                    OR typrelid IN (SELECT oid FROM pg_catalog.pg_class WHERE relkind <> 'c'))";

/// That there is one of that name: of what is rare. An operator that others only speak of is not dumped.
const OBJECTS: &str = r"SELECT concat_ws(' ', i.type, i.identity), NULL
    FROM (SELECT tableoid, oid FROM pg_catalog.pg_am UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_cast UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_collation UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_conversion UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_event_trigger UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_foreign_data_wrapper UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_foreign_server UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_language UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_opclass UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_operator WHERE oprcode <> 0 UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_opfamily UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_publication UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_statistic_ext UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_transform UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_ts_config UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_ts_dict UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_ts_parser UNION ALL
        SELECT tableoid, oid FROM pg_catalog.pg_ts_template) AS x,
        pg_catalog.pg_identify_object(x.tableoid, x.oid, 0) AS i
    WHERE x.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
        WHERE e.classid = x.tableoid AND e.objid = x.oid AND e.deptype = 'e')";

type Kinds = BTreeMap<String, Tally>;

/// What is declared by kind, and the definitions by kind.
pub(super) async fn read(session: &Session) -> Result<(Kinds, Kinds)> {
    let (mut schema, mut definitions) = (Kinds::new(), Kinds::new());
    for (kind, sql) in KINDS {
        for row in session.rows(&written(sql)).await? {
            let (declared, definition): (&str, Option<&str>) = (text(&row, 0)?, text(&row, 1)?);
            schema.entry(kind.to_owned()).or_default().add(declared.as_bytes());
            if let Some(definition) = definition.filter(|definition| !definition.is_empty()) {
                let definition = format!("{declared}\n{}", loosened(definition));
                definitions.entry(kind.to_owned()).or_default().add(definition.as_bytes());
            }
        }
    }
    Ok((schema, definitions))
}

/// The statement with what it says in short.
fn written(sql: &str) -> String {
    let mut sql = sql
        .replace(
            "$RELATION",
            "pg_catalog.pg_class x JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace",
        )
        .replace("$NAME", "quote_ident(n.nspname) || '.' || quote_ident(x.relname)")
        .replace("$LASTING", LASTING);
    while let Some((before, rest)) = sql.split_once("$OURS(") {
        let (what, after) = rest.split_once(')').unwrap_or((rest, ""));
        let (class, oid) = what.split_once(", ").unwrap_or((what, ""));
        // What an extension brings is restored by its name.
        sql = format!(
            "{before}NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.{class}'::regclass \
             AND e.objid = {oid} AND e.deptype = 'e'){after}"
        );
    }
    sql
}

/// What a definition says, without what the server adds when it reads its own words again: `a IN ('x')` of a VARCHAR comes
/// back with its casts elsewhere. So casts, brackets and space are left out.
fn loosened(definition: &str) -> String {
    let (mut loose, mut rest) = (String::with_capacity(definition.len()), definition);
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '\'' | '"' => {
                let end = rest.get(1..).and_then(|inside| inside.find(first)).map_or(rest.len(), |at| at + 2);
                loose.push_str(rest.get(..end).unwrap_or_default());
                end
            }
            ':' if rest.starts_with("::") => 2 + type_length(rest.get(2..).unwrap_or_default()),
            '(' | ')' | '[' | ']' => 1,
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                loose.push(first);
                first.len_utf8()
            }
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    loose
}

/// How many bytes of `text` are the name of a type.
fn type_length(text: &str) -> usize {
    const WORDS: [&str; 6] =
        ["character varying", "double precision", "bit varying", "timestamp", "time", "interval"];
    let known = WORDS.into_iter().find(|word| text.starts_with(word)).map(str::len);
    let mut at = known.unwrap_or_else(|| name_length(text));
    let rest = |at: usize| text.get(at..).unwrap_or_default();
    if rest(at).starts_with('(') {
        at += rest(at).find(')').map_or(0, |end| end + 1);
    }
    for zone in [" with time zone", " without time zone"] {
        at += if rest(at).starts_with(zone) { zone.len() } else { 0 };
    }
    while rest(at).starts_with("[]") {
        at += 2;
    }
    at
}

/// How many bytes are a name that may be quoted and qualified.
fn name_length(text: &str) -> usize {
    let mut quoted = false;
    let ends = |(_, c): &(usize, char)| {
        quoted ^= *c == '"';
        !(quoted || *c == '"' || *c == '.' || *c == '_' || *c == '$' || c.is_alphanumeric())
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::loosened;

    #[test]
    fn a_definition_is_the_same_where_the_server_has_moved_its_casts_and_tells_every_other_change() {
        let before =
            "CHECK (((a)::text = ANY ((ARRAY['x y'::character varying, '('::character varying])::text[])))";
        let after = "CHECK (((a)::text = ANY (ARRAY[('x y'::character varying)::text, ('('::character varying)::text])))";
        assert_eq!(loosened(before), loosened(after));
        assert_eq!(loosened(before), "CHECKa=ANYARRAY'x y','('");
        assert_eq!(
            loosened(
                "at > '2026-01-01'::timestamp(3) without time zone AND n::numeric(10,2) > 1 OR z::\"My s\".\"T\"[] IS NULL"
            ),
            "at>'2026-01-01'ANDn>1ORzISNULL"
        );
        for other in [
            "CHECK (a = 'x')",
            "CHECK (a = 'y')",
            "CHECK (a > 'x')",
            "CHECK (\"A\" = 'x')",
            "CHECK (a = 'x ')",
        ] {
            assert_eq!(
                loosened(other) == loosened("CHECK (a = 'x'::text)"),
                other == "CHECK (a = 'x')",
                "{other}"
            );
        }
    }
}
