//! Every kind of large input before every kind of operator that keeps much of it.

/// Queries of many rows, with a number `n` and a text `t`.
const INPUTS: [(&str, &str); 5] = [
    ("a series", "SELECT value AS n, to_hex(value) AS t FROM generate_series(1, 50000000)"),
    ("a cross join", "SELECT a.id + b.id AS n, a.name || b.name AS t FROM big a, big b"),
    ("a join by a group", "SELECT a.id AS n, b.name AS t FROM big a JOIN big b ON a.part = b.part"),
    (
        "longer texts",
        "SELECT id AS n, concat(name, name, name, name, name, name, name, name) AS t FROM big, generate_series(1, 200)",
    ),
    (
        "lists taken apart",
        "SELECT id AS n, unnest(make_array(name, name || 'x', upper(name))) AS t FROM big, generate_series(1, 300)",
    ),
];

/// What is made of them, each as `INPUT`.
const OPERATORS: [(&str, &str); 13] = [
    ("sorted", "SELECT * FROM INPUT a ORDER BY t, n"),
    ("the last of the sorted", "SELECT n FROM INPUT a ORDER BY t DESC LIMIT 10 OFFSET 1000000"),
    ("in groups", "SELECT t, n % 1000 AS part, count(*), sum(n) FROM INPUT a GROUP BY 1, 2"),
    ("in sorted groups", "SELECT t, max(n) AS most FROM INPUT a GROUP BY t ORDER BY most"),
    ("without repetition", "SELECT DISTINCT t, n FROM INPUT a"),
    ("counted without repetition", "SELECT count(DISTINCT t), count(DISTINCT n) FROM INPUT a"),
    ("numbered", "SELECT max(place) FROM (SELECT row_number() OVER (ORDER BY t) AS place FROM INPUT a) x"),
    (
        "summed up",
        "SELECT max(total) FROM (SELECT sum(n) OVER (PARTITION BY n % 7 ORDER BY t) AS total FROM INPUT a) x",
    ),
    (
        "beside those before",
        "SELECT count(*) FROM (SELECT t, lag(t, 100000) OVER (ORDER BY n) AS old FROM INPUT a) x WHERE old = t",
    ),
    ("gathered in lists", "SELECT n % 10 AS part, array_agg(t) FROM INPUT a GROUP BY 1"),
    ("gathered in a text", "SELECT string_agg(t, ',' ORDER BY n) FROM INPUT a"),
    ("joined with itself", "SELECT count(*) FROM INPUT a JOIN INPUT b ON a.t = b.t"),
    ("taken away from", "SELECT t FROM INPUT a EXCEPT SELECT name FROM big"),
];

/// All statements.
pub(super) fn statements() -> Vec<(String, String)> {
    let crossed = |(input, rows): &(&str, &str)| {
        let rows = format!("({rows})");
        OPERATORS.map(|(operator, text)| (format!("{input}, {operator}"), text.replace("INPUT", &rows)))
    };
    INPUTS.iter().flat_map(crossed).collect()
}
