//! The statements, each with its name.

use std::fmt::Write as _;

/// Statements as they are written.
const WRITTEN: &[(&str, &str)] = &[
    ("cross join counted", "SELECT count(*) FROM big a, big b"),
    ("cross join of three", "SELECT count(*) FROM big a, big b, big c WHERE a.id + b.id = c.id"),
    ("cross join sorted", "SELECT a.name || b.name AS n FROM big a, big b ORDER BY n"),
    ("cross join distinct", "SELECT DISTINCT a.id, b.id FROM big a, big b"),
    ("nested loop", "SELECT count(*) FROM big a JOIN big b ON a.name < b.name"),
    ("nested loop, full", "SELECT count(*) FROM big a FULL JOIN big b ON a.name < b.name AND a.id > b.id"),
    (
        "join by a group",
        "SELECT a.name, b.name FROM big a JOIN big b ON a.part = b.part ORDER BY a.name, b.name",
    ),
    (
        "hash join built large",
        "SELECT count(*) FROM generate_series(1, 30000000) a JOIN generate_series(1, 30000000) b ON a.value = b.value",
    ),
    (
        "hash join of text",
        "SELECT count(*) FROM (SELECT value AS v, to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 5000000)) a JOIN (SELECT to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 5000000)) b ON a.t = b.t",
    ),
    ("sort of integers", "SELECT value FROM generate_series(1, 100000000) ORDER BY value DESC"),
    (
        "sort of text",
        "SELECT to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 100000000) ORDER BY t",
    ),
    (
        "sort by many columns",
        "SELECT value, value * 2 AS a, value * 3 AS b, value % 1000 AS c, to_hex(value * 48271 % 2147483647) AS d FROM generate_series(1, 100000000) ORDER BY c, d, a DESC, b",
    ),
    (
        "top of many",
        "SELECT to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 100000000) ORDER BY t LIMIT 5000000",
    ),
    ("a million groups", "SELECT value, count(*) FROM generate_series(1, 1000000) GROUP BY value"),
    (
        "many groups of text",
        "SELECT to_hex(value * 48271 % 2147483647) AS t, count(*), sum(value), min(value), max(value) FROM generate_series(1, 100000000) GROUP BY t",
    ),
    (
        "groups by many columns",
        "SELECT value % 1000003 AS a, value % 999983 AS b, value % 7 AS c, count(*) FROM generate_series(1, 100000000) GROUP BY 1, 2, 3",
    ),
    (
        "groups of averages",
        "SELECT value % 10000019 AS a, avg(value), stddev(value), corr(value, value + 1), median(value) FROM generate_series(1, 100000000) GROUP BY 1",
    ),
    ("distinct count", "SELECT count(DISTINCT value) FROM generate_series(1, 100000000)"),
    (
        "distinct count of text",
        "SELECT count(DISTINCT to_hex(value * 48271 % 2147483647)) FROM generate_series(1, 100000000)",
    ),
    (
        "distinct sums",
        "SELECT sum(DISTINCT value), avg(DISTINCT value), count(DISTINCT -value) FROM generate_series(1, 100000000)",
    ),
    ("distinct", "SELECT DISTINCT to_hex(value * 48271 % 2147483647) FROM generate_series(1, 100000000)"),
    (
        "distinct in groups",
        "SELECT value % 1000 AS g, count(DISTINCT value) FROM generate_series(1, 100000000) GROUP BY g",
    ),
    ("list of everything", "SELECT array_length(array_agg(value)) FROM generate_series(1, 100000000)"),
    (
        "list of all texts",
        "SELECT array_length(array_agg(to_hex(value * 48271 % 2147483647))) FROM generate_series(1, 100000000)",
    ),
    (
        "sorted list of everything",
        "SELECT array_length(array_agg(value ORDER BY -value)) FROM generate_series(1, 100000000)",
    ),
    ("distinct list", "SELECT array_length(array_agg(DISTINCT value)) FROM generate_series(1, 100000000)"),
    (
        "lists in groups",
        "SELECT g, array_length(array_agg(t)) FROM (SELECT value % 100000 AS g, to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 100000000)) x GROUP BY g",
    ),
    (
        "text of everything",
        "SELECT length(string_agg(to_hex(value * 48271 % 2147483647), ',')) FROM generate_series(1, 100000000)",
    ),
    (
        "text of everything with a long comma",
        "SELECT length(string_agg(value::text, 'a comma that is rather long for what it has to part, and so it goes on and on and on')) FROM generate_series(1, 100000000)",
    ),
    (
        "median",
        "SELECT median(value), percentile_cont(0.3) WITHIN GROUP (ORDER BY value) FROM generate_series(1, 100000000)",
    ),
    (
        "first and last",
        "SELECT g, first_value(t ORDER BY t), last_value(t ORDER BY t), nth_value(t, 3 ORDER BY t) FROM (SELECT value % 3000000 AS g, to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 100000000)) x GROUP BY g",
    ),
    (
        "window over everything",
        "SELECT value, sum(value) OVER (ORDER BY value DESC) FROM generate_series(1, 100000000)",
    ),
    (
        "window without order",
        "SELECT value, count(*) OVER (), max(to_hex(value * 48271 % 2147483647)) OVER () FROM generate_series(1, 100000000)",
    ),
    (
        "windows in parts",
        "SELECT lag(t, 100000) OVER (PARTITION BY g ORDER BY t), rank() OVER (PARTITION BY g ORDER BY t DESC) FROM (SELECT value % 3 AS g, to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 100000000)) x",
    ),
    (
        "window of sliding lists",
        "SELECT array_length(array_agg(value) OVER (ORDER BY value ROWS BETWEEN 100000 PRECEDING AND CURRENT ROW)) FROM generate_series(1, 1000000)",
    ),
    ("window of growing texts", "SELECT length(string_agg(name, ',') OVER (ORDER BY id)) FROM big"),
    (
        "recursion without end",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ),
    (
        "recursion that doubles",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT r.n + 1 FROM r CROSS JOIN (VALUES (1), (2)) v) SELECT count(*) FROM r",
    ),
    (
        "recursion that doubles text",
        "WITH RECURSIVE r AS (SELECT 'a' AS s UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r",
    ),
    (
        "recursion without repetition",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ),
    ("huge series", "SELECT sum(value) FROM generate_series(1, 9223372036854775807)"),
    ("huge series sent", "SELECT value FROM generate_series(1, 9223372036854775807)"),
    (
        "huge offset",
        "SELECT value FROM generate_series(1, 9223372036854775807) LIMIT 1 OFFSET 9223372036854775806",
    ),
    ("huge limit", "SELECT name FROM big ORDER BY name LIMIT 9223372036854775807 OFFSET 5"),
    ("overflow", "SELECT max(value * value * value) FROM generate_series(1, 100000000)"),
    (
        "overflow of decimals",
        "SELECT sum(99999999999999999999999999999999999999.0 * value) FROM generate_series(1, 100000000)",
    ),
    ("cast that fails", "SELECT max(name::int) FROM big"),
    ("division by zero", "SELECT max(1 / (value - 77)) FROM generate_series(1, 100000000)"),
    ("factorial", "SELECT sum(factorial(value)) FROM generate_series(1, 100)"),
    (
        "correlated",
        "SELECT count(*) FROM big a WHERE a.id > (SELECT avg(b.id) FROM big b WHERE b.name < a.name)",
    ),
    (
        "correlated exists",
        "SELECT count(*) FROM big a WHERE EXISTS (SELECT 1 FROM big b WHERE b.name > a.name AND b.id <> a.id)",
    ),
    ("lateral", "SELECT count(*) FROM big a, LATERAL (SELECT b.id FROM big b WHERE b.part = a.part) x"),
    (
        "not in",
        "SELECT count(*) FROM big WHERE name NOT IN (SELECT to_hex(value * 48271 % 2147483647) FROM generate_series(1, 100000000))",
    ),
    (
        "except",
        "SELECT to_hex(value * 48271 % 2147483647) FROM generate_series(1, 100000000) EXCEPT SELECT name FROM big",
    ),
    (
        "intersect",
        "SELECT to_hex(value * 48271 % 2147483647) FROM generate_series(1, 100000000) INTERSECT SELECT to_hex(value * 48271 % 2147483647) FROM generate_series(1, 100000000)",
    ),
    (
        "temporal join of all with all",
        "SELECT count(*) FROM temporal_join((SELECT 1 AS k, name, _valid_from, _valid_to FROM big FOR VALID_TIME ALL), (SELECT 1 AS k, id, _valid_from, _valid_to FROM big FOR VALID_TIME ALL), on => 'k')",
    ),
    (
        "temporal join of both times",
        "SELECT max(name || other) FROM temporal_join((SELECT part, name, _valid_from, _valid_to, _system_from, _system_to FROM big FOR VALID_TIME ALL FOR SYSTEM_TIME ALL), (SELECT part, name AS other, _valid_from, _valid_to, _system_from, _system_to FROM big FOR VALID_TIME ALL FOR SYSTEM_TIME ALL), on => 'part', period => 'both')",
    ),
    (
        "temporal left join",
        "SELECT count(*) FROM temporal_join((SELECT part, name, _valid_from, _valid_to FROM big FOR VALID_TIME ALL), (SELECT part, id, _valid_from, _valid_to FROM big FOR VALID_TIME ALL), on => 'part', kind => 'left')",
    ),
    (
        "temporal aggregate",
        "SELECT count(*) FROM temporal_aggregate((SELECT name, id, _valid_from, _valid_to FROM big FOR VALID_TIME ALL), top => max(name), low => min(id), total => sum(id))",
    ),
    (
        "temporal aggregate of millions",
        "SELECT count(*) FROM temporal_aggregate((SELECT value, to_timestamp(value) AS _valid_from, NULL::timestamp AS _valid_to FROM generate_series(1, 10000000)), top => max(value), n => count(*))",
    ),
    (
        "unnest of a list of all",
        "SELECT count(*) FROM (SELECT unnest(array_agg(value)) FROM generate_series(1, 100000000)) x",
    ),
    (
        "unnest in unnest",
        "SELECT count(*) FROM (SELECT unnest(l) FROM (SELECT array_agg(value) AS l FROM generate_series(1, 1000000)) a, generate_series(1, 100000)) x",
    ),
    (
        "lists that double",
        "SELECT sum(array_length(l)) FROM (SELECT array_concat(l, l) AS l FROM (SELECT array_concat(l, l) AS l FROM (SELECT array_concat(l, l) AS l FROM (SELECT array_concat(l, l) AS l FROM (SELECT array_agg(value) AS l FROM generate_series(1, 1000000))))))",
    ),
    (
        "lists of lists",
        "SELECT sum(array_length(flatten(make_array(l, l, l, l, l, l, l, l)))) FROM (SELECT array_agg(value) AS l FROM generate_series(1, 500000)) a, generate_series(1, 10000)",
    ),
    (
        "union of lists",
        "SELECT array_length(array_union(a, b)), array_length(array_intersect(a, b)), array_length(array_except(a, b)) FROM (SELECT array_agg(value) AS a, array_agg(-value) AS b FROM generate_series(1, 2000000))",
    ),
    (
        "text to lists",
        "SELECT sum(array_length(string_to_array(name, ''))) FROM big, generate_series(1, 1000)",
    ),
    (
        "lists to text",
        "SELECT sum(length(array_to_string(make_array(name, name, name, name), name))) FROM big, generate_series(1, 1000)",
    ),
    (
        "long list to text",
        "SELECT length(array_to_string(array_agg(value), 'a comma that is rather long for what it has to part, and so on and on')) FROM generate_series(1, 1000000)",
    ),
    (
        "replacing by much",
        "SELECT max(length(replace(replace(replace(replace(name, 'a', name), 'a', name), 'a', name), 'a', name))) FROM big",
    ),
    (
        "replacing by expressions",
        "SELECT max(length(regexp_replace(regexp_replace(regexp_replace(regexp_replace(name, '(.)', '\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1', 'g'), '(.)', '\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1', 'g'), '(.)', '\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1', 'g'), '(.*)', '\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1', 'g'))) FROM big",
    ),
    (
        "expression that backtracks",
        "SELECT count(*) FROM big WHERE regexp_like(name || 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '(a+)+$')",
    ),
    (
        "expression with counts",
        "SELECT count(*) FROM big WHERE regexp_like(name, '((((a{100}){100}){100}){100}){100}')",
    ),
    ("expression with large counts", "SELECT count(*) FROM big WHERE name ~ '(\\w{1,500}){1,20}x'"),
    (
        "expressions by row",
        "SELECT count(*) FROM big WHERE regexp_like(name, '(\\w{1,50}){1,' || (1 + id % 9)::text || '}' || substr(name, 1, 8))",
    ),
    (
        "like with many signs",
        "SELECT count(*) FROM big WHERE name LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b'",
    ),
    (
        "likes by row",
        "SELECT count(*) FROM big a, big b WHERE a.name LIKE '%' || substr(b.name, 3, 9) || '%_%'",
    ),
    (
        "distances",
        "SELECT max(levenshtein(a.name || a.name || a.name, b.name || b.name || b.name)) FROM big a, big b",
    ),
    (
        "cube of many",
        "SELECT count(*) FROM (SELECT id, name, part, count(*) FROM big GROUP BY CUBE (id, name, part, id + 1, id + 2, id + 3, id + 4, id + 5, id + 6, id + 7, id + 8, id + 9)) x",
    ),
    (
        "sets of groups",
        "SELECT count(*) FROM (SELECT id, name, part, count(*) FROM big GROUP BY GROUPING SETS ((id), (name), (part), (id, name), (id, part), (name, part), ())) x",
    ),
    ("pivot", "SELECT * FROM big PIVOT (sum(id) FOR part IN (1, 2, 3))"),
    ("formats", "SELECT max(length(to_char(_valid_from, name || name || name || name))) FROM big"),
    ("digits", "SELECT max(round(value::decimal(38, 10) * 1.1, 30)) FROM generate_series(1, 10000000)"),
    (
        "structs",
        "SELECT count(DISTINCT named_struct('a', name, 'b', id, 'c', make_array(name, name))) FROM big, generate_series(1, 100)",
    ),
];

/// A text over and over.
fn times(part: &str, count: usize) -> String {
    part.repeat(count)
}

/// Numbers with commas between.
fn list(count: usize) -> String {
    (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}

/// A chain of queries, each of which stands on the one before it.
fn chain(first: &str, next: &str, length: usize, last: &str) -> String {
    let mut text = format!("WITH q0 AS ({first})");
    for place in 1..=length {
        write!(text, ", q{place} AS ({})", next.replace("LAST", &format!("q{}", place - 1))).unwrap();
    }
    text + " " + &last.replace("LAST", &format!("q{length}"))
}

/// Statements with long texts, names and lists in them.
fn of_long_parts() -> Vec<(&'static str, String)> {
    let (long, half) = ("x".repeat(1_000_000), "x".repeat(500_000));
    vec![
        ("a long literal", format!("SELECT '{long}' AS s FROM big")),
        ("a long literal beside rows", format!("SELECT max(name || '{long}') FROM big")),
        (
            "a long literal in branches",
            format!(
                "SELECT max(CASE WHEN id > 1 THEN name ELSE '{half}' END), count(DISTINCT coalesce(NULLIF(name, name), '{half}')) FROM big"
            ),
        ),
        ("a long pattern", format!("SELECT count(*) FROM big WHERE name ~ '{}'", "(a|b)+".repeat(100_000))),
        ("a long LIKE", format!("SELECT count(*) FROM big WHERE name LIKE '{}'", "%a_".repeat(300_000))),
        ("a long name", format!("SELECT id AS \"{long}\" FROM big")),
        ("a long number", format!("SELECT {}", "9".repeat(1_000_000))),
        (
            "a long text to a list",
            format!("SELECT count(*) FROM big WHERE array_length(string_to_array('{long}', '')) > id"),
        ),
        ("a text over its size", format!("SELECT '{long}{long}'")),
        (
            "a long list",
            format!("SELECT count(*) FROM big WHERE array_has(make_array({}), id)", list(40_000)),
        ),
        (
            "a long list for each row",
            format!("SELECT max(array_length(make_array(id, {}))) FROM big", list(40_000)),
        ),
    ]
}

/// All statements.
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> =
        WRITTEN.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    let doubles = "SELECT s || s AS s FROM LAST";
    let columns = |count: usize, part: &str| {
        (0..count).map(|place| format!("{part} AS c{place}")).collect::<Vec<_>>().join(", ")
    };
    all.extend(of_long_parts());
    all.extend([
        ("text that doubles", chain("SELECT name AS s FROM big", doubles, 28, "SELECT max(length(s)) FROM LAST")),
        ("text that doubles, a constant", chain("SELECT 'abcdefgh' AS s", doubles, 30, "SELECT max(length(s)) FROM LAST")),
        ("text that doubles by function", chain("SELECT name AS s FROM big", "SELECT concat(s, upper(s), s) AS s FROM LAST", 20, "SELECT max(length(s)) FROM LAST")),
        ("text that doubles with commas", chain("SELECT name AS s FROM big", "SELECT concat_ws(s, s, s) AS s FROM LAST", 20, "SELECT max(length(s)) FROM LAST")),
        ("constants that are replaced", format!("SELECT length(replace('{0}', 'x', '{0}'))", "x".repeat(400_000))),
        ("rows that double", chain("SELECT id FROM big", "SELECT a.id FROM LAST a JOIN LAST b ON a.id = b.id UNION ALL SELECT id FROM LAST", 12, "SELECT count(*) FROM LAST")),
        ("rows that are squared", chain("SELECT value FROM generate_series(1, 10)", "SELECT a.value FROM LAST a CROSS JOIN LAST b", 6, "SELECT count(*) FROM LAST")),
        ("queries that double", chain("SELECT 1 AS n", "SELECT a.n FROM LAST a JOIN LAST b ON a.n = b.n", 20, "SELECT count(*) FROM LAST")),
        ("unions that double", chain("SELECT 1 AS n", "SELECT n FROM LAST UNION ALL SELECT n FROM LAST", 20, "SELECT count(*) FROM LAST")),
        ("expressions that double", chain("SELECT id AS n FROM big", "SELECT n + n AS n FROM LAST", 40, "SELECT sum(n) FROM LAST")),
        ("expressions of conditions that double", chain("SELECT id AS n FROM big", "SELECT CASE WHEN n > 3 THEN n + 1 ELSE n - 1 END AS n FROM LAST", 40, "SELECT sum(n) FROM LAST WHERE n > 7")),
        ("a long chain of queries", chain("SELECT id AS n FROM big", "SELECT n + 1 AS n FROM LAST WHERE n <> 5", 1_500, "SELECT sum(n) FROM LAST")),
        ("columns that double", chain("SELECT id AS a FROM big", "SELECT * FROM LAST JOIN (SELECT id AS b FROM big) x ON x.b = 1", 30, "SELECT count(*) FROM LAST")),
        ("a long IN", format!("SELECT count(*) FROM big WHERE id IN ({})", list(10_000))),
        ("a longer IN", format!("SELECT count(*) FROM big WHERE id IN ({})", list(10_001))),
        ("a long NOT IN of texts", format!("SELECT count(*) FROM big WHERE name NOT IN ('{}')", list(10_000).replace(", ", "', '"))),
        ("a long IN of expressions", format!("SELECT count(*) FROM big WHERE id IN ({})", list(10_000).replace(", ", " + part, "))),
        ("many INs", format!("SELECT count(*) FROM big WHERE id IN ({0}){1}", list(100), times(&format!(" AND id IN ({})", list(100)), 190))),
        ("parentheses", format!("SELECT {}1{}", times("(", 50_000), times(")", 50_000))),
        ("a sum of many", format!("SELECT 1{}", times(" + 1", 40_000))),
        ("a sum of columns", format!("SELECT sum(id{}) FROM big", times(" + id", 390))),
        ("a long AND", format!("SELECT count(*) FROM big WHERE id > 1{}", times(" AND id > 1", 40_000))),
        ("an OR of many", format!("SELECT count(*) FROM big WHERE id = 1{}", times(" OR part = id", 190))),
        ("an OR of ANDs", format!("SELECT count(*) FROM big a JOIN big b ON (a.id = 1 AND b.id = 2){}", times(" OR (a.id = b.id AND a.part = b.part)", 190))),
        ("NOT of NOT", format!("SELECT {}true", times("NOT ", 90_000))),
        ("many branches", format!("SELECT sum(CASE id{} ELSE 0 END) FROM big", times(" WHEN part THEN id", 10_000))),
        ("branches in branches", format!("SELECT sum({}id{}) FROM big", times("CASE WHEN part = 1 THEN 1 ELSE ", 50), times(" END", 50))),
        ("queries in queries", format!("SELECT * FROM {}big{}", times("(SELECT * FROM ", 2_000), times(") x", 2_000))),
        ("queries in queries, fewer", format!("SELECT count(*) FROM {}big{}", times("(SELECT * FROM ", 15), times(") x", 15))),
        ("queries in conditions", format!("SELECT id FROM big WHERE id IN {}(1){}", times("(SELECT id FROM big WHERE id IN ", 12), times(")", 12))),
        ("many joins", format!("SELECT count(*) FROM big{}", (0..1_000).fold(String::new(), |text, place| text + &format!(" JOIN big b{place} ON b{place}.id = big.id")))),
        ("joins by comma", format!("SELECT count(*) FROM big{}", (0..300).fold(String::new(), |text, place| text + &format!(", big b{place}")))),
        ("fewer joins by comma", format!("SELECT count(*) FROM big{}", (0..30).fold(String::new(), |text, place| text + &format!(", big b{place}")))),
        ("some joins", format!("SELECT count(*) FROM big{}", (0..40).fold(String::new(), |text, place| text + &format!(" JOIN big b{place} ON b{place}.id = big.id")))),
        ("many unions", format!("SELECT 1{}", times(" UNION ALL SELECT 1", 5_000))),
        ("some unions", format!("SELECT id FROM big{}", times(" UNION SELECT id + 1 FROM big", 190))),
        ("many columns", format!("SELECT {} FROM big", columns(10_000, "id"))),
        ("columns, as many as may be", format!("SELECT {} FROM big", columns(4_000, "id"))),
        ("many columns of text", format!("SELECT {} FROM big ORDER BY 1", columns(1_000, "name || name"))),
        ("many aggregates", format!("SELECT {} FROM big GROUP BY id", columns(1_000, "max(name)"))),
        ("many windows", format!("SELECT {} FROM big", (0..300).map(|place| format!("sum(id + {place}) OVER (PARTITION BY part ORDER BY id + {place}) AS c{place}")).collect::<Vec<_>>().join(", "))),
        ("many scalar queries", format!("SELECT {}", (0..1_000).map(|place| format!("(SELECT max(id) FROM big WHERE id < {place}) AS c{place}")).collect::<Vec<_>>().join(", "))),
        ("a cube of thirty", format!("SELECT count(*) FROM big GROUP BY CUBE ({})", (0..30).map(|place| format!("id + {place}")).collect::<Vec<_>>().join(", "))),
        ("sets of groups of thirty", format!("SELECT count(*) FROM big GROUP BY {}", (0..30).map(|place| format!("GROUPING SETS ((id + {place}), (part + {place}))")).collect::<Vec<_>>().join(", "))),
        ("a rollup of many", format!("SELECT count(*) FROM big GROUP BY ROLLUP ({})", (0..200).map(|place| format!("id + {place}")).collect::<Vec<_>>().join(", "))),
        ("many views", (0..500).fold(String::from("CREATE TEMPORARY VIEW v0 AS SELECT id FROM big; "), |text, place| text + &format!("CREATE TEMPORARY VIEW v{} AS SELECT id FROM v{place}; ", place + 1)) + "SELECT count(*) FROM v500"),
        ("views that double", (0..14).fold(String::from("CREATE TEMPORARY VIEW v0 AS SELECT id FROM big; "), |text, place| text + &format!("CREATE TEMPORARY VIEW v{} AS SELECT a.id FROM v{place} a JOIN v{place} b ON a.id = b.id; ", place + 1)) + "SELECT count(*) FROM v14"),
    ]);
    let mut values = String::from("SELECT count(*) FROM (VALUES (0)");
    for number in 1..20_000 {
        write!(values, ", ({number})").unwrap();
    }
    all.push(("many rows", values + ") AS t(a) JOIN big ON id < a"));
    all
}
