"""A second opinion on plain SQL: the state as of two points, exported over Flight into DuckDB, is asked the same
queries there as here, where the same points stand in AS OF clauses."""

import datetime
import decimal
import random

import duckdb
import pyarrow as pa
import pytest
from flight_door import Door

FIRST, SECOND = "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"
# Queries with a predicate by lot, over those below.
RANDOM = 80

# {a} and {b} are the context at two points. What DuckDB answers as a float, or orders otherwise where nothing is said,
# is left out.
QUERIES = [
    "SELECT * FROM {a} AS a",
    "SELECT a.* FROM {b} AS a WHERE a.region IS NULL OR a.balance < 0",
    "SELECT id, balance * 1.5 AS x, -balance AS y, balance + n AS z, balance - 0.01 AS u FROM {a} AS a WHERE balance IS NOT NULL",
    "SELECT id, n % 7 AS m, abs(n) AS p, n * n - id AS q FROM {a} AS a",
    "SELECT id, coalesce(region, 'none') AS r, nullif(region, 'north') AS s, CASE WHEN n > 3 THEN 'many' WHEN n IS NULL THEN 'unknown' END AS c FROM {a} AS a",
    "SELECT id, upper(region) AS u, length(region) AS l, substr(region, 2, 3) AS s, region || '!' AS x, trim(' ' || region) AS t FROM {a} AS a",
    "SELECT DISTINCT region, active FROM {a} AS a",
    "SELECT DISTINCT n % 3 AS m FROM {b} AS a",
    "SELECT count(*) AS c, count(n) AS n, count(DISTINCT region) AS r, sum(balance) AS s, min(opened) AS f, max(opened) AS l FROM {a} AS a",
    "SELECT count(*) AS c, sum(balance) AS s, min(region) AS m FROM {a} AS a WHERE false",
    "SELECT region, count(*) AS c, sum(balance) AS s, sum(n) AS n, min(balance) AS low, max(balance) AS high FROM {a} AS a GROUP BY region",
    "SELECT region, active, count(*) AS c FROM {b} AS a GROUP BY region, active HAVING count(*) > 3",
    "SELECT region, count(*) FILTER (WHERE active) AS yes, count(*) FILTER (WHERE NOT active) AS no, count(*) FILTER (WHERE active IS NULL) AS unknown FROM {a} AS a GROUP BY region",
    "SELECT region, active, sum(balance) AS s FROM {a} AS a GROUP BY ROLLUP (region, active)",
    "SELECT region, active, count(*) AS c FROM {a} AS a GROUP BY GROUPING SETS ((region), (active), ())",
    "SELECT bool_and(active) AS x, bool_or(active) AS y, region FROM {a} AS a GROUP BY region",
    "SELECT region, string_agg(status, ',' ORDER BY id) AS x FROM {a} AS a WHERE id < 60 GROUP BY region",
    "SELECT CAST(date_trunc('month', opened) AS DATE) AS m, count(*) AS c FROM {a} AS a GROUP BY 1",
    "SELECT id, extract(year FROM opened) AS y, extract(month FROM opened) AS m, extract(day FROM opened) AS d FROM {a} AS a",
    "SELECT id, CAST(opened + INTERVAL '1 month' AS DATE) AS x, CAST(opened - INTERVAL '10 days' AS DATE) AS y FROM {a} AS a",
    "SELECT a.id, a.balance AS was, b.balance AS became FROM {a} AS a JOIN {b} AS b ON a.id = b.id WHERE a.balance IS DISTINCT FROM b.balance AND a.id > 5",
    "SELECT a.id, b.id AS other FROM {a} AS a FULL JOIN {b} AS b ON a.id = b.id WHERE a.id IS NULL OR b.id IS NULL",
    "SELECT a.id, b.status FROM {a} AS a LEFT JOIN {b} AS b ON a.id = b.id AND a.status = b.status",
    "SELECT a.region, count(b.id) AS c FROM {a} AS a LEFT JOIN {b} AS b ON a.region = b.region AND a.n = b.n GROUP BY a.region",
    "SELECT a.id FROM {a} AS a WHERE EXISTS (SELECT 1 FROM {b} AS b WHERE b.id = a.id AND b.balance > a.balance)",
    "SELECT a.id FROM {a} AS a WHERE NOT EXISTS (SELECT 1 FROM {b} AS b WHERE b.n = a.n AND b.region = a.region)",
    "SELECT id FROM {a} AS a WHERE n IN (SELECT n FROM {b} AS b WHERE region = 'south')",
    "SELECT id FROM {a} AS a WHERE n NOT IN (SELECT n FROM {b} AS b WHERE n > 3)",
    "SELECT id FROM {a} AS a WHERE n NOT IN (SELECT n FROM {b} AS b)",
    "SELECT id, (SELECT max(balance) FROM {b} AS b WHERE b.region = a.region) AS x FROM {a} AS a",
    "SELECT id FROM {a} AS a EXCEPT SELECT id FROM {b} AS b",
    "SELECT region, n FROM {a} AS a INTERSECT SELECT region, n FROM {b} AS b",
    "SELECT region FROM {a} AS a UNION SELECT status FROM {b} AS b",
    "SELECT region FROM {a} AS a UNION ALL SELECT region FROM {b} AS b",
    "SELECT id, row_number() OVER (PARTITION BY region ORDER BY balance DESC NULLS LAST, id) AS x FROM {a} AS a",
    "SELECT id, rank() OVER (ORDER BY n NULLS FIRST) AS x, dense_rank() OVER (ORDER BY n NULLS FIRST) AS y FROM {a} AS a",
    "SELECT id, lag(balance) OVER (PARTITION BY region ORDER BY id) AS x, lead(n, 2, -1) OVER (ORDER BY id) AS y FROM {a} AS a",
    "SELECT id, sum(balance) OVER (PARTITION BY region ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS x FROM {a} AS a",
    "SELECT id, sum(n) OVER (PARTITION BY status ORDER BY opened NULLS LAST) AS x, count(*) OVER (PARTITION BY status) AS y FROM {a} AS a",
    "SELECT id, first_value(status) OVER (PARTITION BY region ORDER BY id) AS x, ntile(4) OVER (ORDER BY id) AS y FROM {a} AS a",
    "WITH w AS (SELECT region, sum(balance) AS s FROM {a} AS a GROUP BY region) SELECT a.id, w.s FROM {b} AS a JOIN w ON a.region = w.region WHERE a.balance > w.s / 20.0",
    "SELECT id FROM {a} AS a ORDER BY balance DESC NULLS LAST, id LIMIT 7 OFFSET 3",
    "SELECT id FROM {a} AS a WHERE status LIKE 'o%n' OR status LIKE '_late%' OR region NOT LIKE '%th'",
    "SELECT id FROM {a} AS a WHERE (region, status) IN (('north', 'open'), ('south', 'late'))",
]


def loans(lot, count, drop=0):
    """Rows by lot, nulls among them."""

    def some(values, null=15):
        return [None if lot.randrange(100) < null else lot.choice(values) for _ in range(count)]

    cents = [lot.randrange(-50_000, 5_000_000) for _ in range(count)] + [0, 1, -1, 99_999_999_99]
    days = [datetime.date(2024, 2, 28) + datetime.timedelta(days=lot.randrange(400)) for _ in range(60)]
    table = {
        "id": pa.array(range(count), pa.int64()),
        "region": pa.array(some(["north", "south", "east", "", "N'orth"]), pa.string()),
        "status": pa.array(some(["open", "late", "closed", "open late"]), pa.string()),
        "balance": pa.array([c and decimal.Decimal(c) / 100 for c in some(cents)], pa.decimal128(12, 2)),
        "opened": pa.array(some(days), pa.date32()),
        "n": pa.array(some(range(-3, 9)), pa.int32()),
        "active": pa.array(some([True, False]), pa.bool_()),
    }
    kept = pa.array(sorted(lot.sample(range(count), count - drop)))
    return pa.table(table).take(kept)


def predicate(lot, depth=2):
    """A predicate by lot."""
    if depth and lot.randrange(100) < 65:
        left, right = predicate(lot, depth - 1), predicate(lot, depth - 1)
        return lot.choice([f"({left} AND {right})", f"({left} OR {right})", f"NOT ({left})", f"({left} AND {right})"])
    operator = lot.choice(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"])
    number, cents = lot.randrange(-3, 9), lot.randrange(-50_000, 5_000_000)
    day = datetime.date(2024, 3, 1) + datetime.timedelta(days=lot.randrange(400))
    return lot.choice(
        [
            f"id {operator} {lot.randrange(300)}",
            f"id IN ({', '.join(str(lot.randrange(300)) for _ in range(lot.randrange(1, 9)))})",
            f"id BETWEEN {lot.randrange(150)} AND {lot.randrange(300)}",
            f"n {operator} {number}",
            f"n NOT IN ({number}, {number + 2}, NULL)" if lot.randrange(9) == 0 else f"n IN ({number}, {number + 1})",
            f"balance {operator} {cents / 100:.2f}",
            f"balance {operator} n * 1000",
            f"region {operator} '{lot.choice(['north', 'south', 'nor', ''])}'",
            f"status {operator} region",
            f"opened {operator} DATE '{day}'",
            f"active {operator} {lot.choice(['true', 'false'])}",
            f"{lot.choice(['region', 'n', 'opened', 'balance', 'active'])} IS {lot.choice(['', 'NOT '])}NULL",
            "active",
        ]
    )


def rows(table):
    """Rows in one order, numbers by their value."""

    def plain(value):
        if isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool):
            return decimal.Decimal(value).normalize() + 0
        assert not isinstance(value, float), "floats are not compared"
        return value

    def order(row):
        return [(value is None, str(type(value)), value) if value is not None else (True, "", 0) for value in row]

    values = zip(*[column.to_pylist() for column in table.columns], strict=True)
    return sorted((tuple(plain(value) for value in row) for row in values), key=order)


@pytest.fixture(scope="module")
def asked(shared):
    """A context of two cutoffs, the first corrected; DuckDB with its state at two points; and how statements name these."""
    lot, name = random.Random(11), "second_opinion"
    door = Door(shared.location)
    door.act("create_context", {"name": name, "key": ["id"], "mode": "state"})
    first = door.put({"context": name, "kind": "full", "cutoff": FIRST}, loans(lot, 280, drop=9))
    door.put({"context": name, "kind": "full", "cutoff": SECOND}, loans(lot, 300, drop=20))
    last = door.put({"context": name, "kind": "full", "cutoff": FIRST}, loans(lot, 290, drop=5))
    points = {"a": (FIRST, first["system_time"]), "b": (SECOND, last["system_time"])}
    other = duckdb.connect()
    names = {}
    for letter, (valid, known) in points.items():
        state = door.get({"as_of": {"context": name, "valid_at": valid, "known_at": known}})
        assert state.table.num_rows > 250
        other.register(f"state_{letter}", state.table)
        names[letter] = f"{name} FOR VALID_TIME AS OF '{valid}' FOR SYSTEM_TIME AS OF '{known}'"
    yield door, other, names
    door.close()


def compare(asked, query):
    door, other, names = asked
    ours = door.get({"sql": query.format(**names)})
    theirs = other.sql(query.format(a="state_a", b="state_b")).to_arrow_table()
    found, expected = rows(ours.table), rows(theirs)
    assert found == expected, f"{query}\nhere: {found[:9]}\nDuckDB: {expected[:9]}"
    return len(found)


@pytest.mark.parametrize("query", QUERIES)
def test_plain_sql_is_answered_as_by_duckdb(asked, query):
    compare(asked, query)


def test_predicates_by_lot_are_answered_as_by_duckdb(asked):
    lot, found = random.Random(12), 0
    for _ in range(RANDOM):
        wanted = predicate(lot)
        found += compare(asked, f"SELECT id FROM {{a}} AS a WHERE {wanted}") > 0
        compare(asked, f"SELECT ({wanted}) AS x, count(*) AS c, sum(balance) AS s FROM {{b}} AS a GROUP BY 1")
    assert found > RANDOM // 2
