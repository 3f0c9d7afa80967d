#!/usr/bin/env python3
"""Statements over a million rows: an as-of aggregate beside DuckDB over a Parquet file of that state, and the temporal operators.

    CALOTYPE_BIN=target/release/calotype python sql.py [--rows 1000000] [--runs 5]

needs pyarrow, numpy and duckdb (loanbook/requirements.txt). Server and client share the machine; DuckDB runs with as many threads as it
takes by itself, and with one. Answers are compared before times count. Each figure is the median of the runs, least and most in
brackets.
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from stock import Server, book, put, show  # noqa: E402

CUTOFF = "2026-03-31T00:00:00Z"
AT = f"book FOR VALID_TIME AS OF '{CUTOFF}'"
AGGREGATES = {
    "by status": "SELECT status, count(*) AS loans, sum(balance) AS balance FROM {book} GROUP BY status ORDER BY status",
    "by branch and product": "SELECT branch, product, count(*) AS loans, sum(principal) AS principal, max(rate) AS rate FROM {book} "
    "GROUP BY branch, product ORDER BY branch, product",
    "filtered total": "SELECT count(*) AS loans, sum(balance) AS balance FROM {book} WHERE status = 'default' AND term_months > 120",
}
DAY = 86_400_000_000
START = 1_704_067_200_000_000


def facts(rows, keys, seed):
    """Facts of `keys` keys whose periods follow each other: `rows` in all."""
    rng = np.random.default_rng(seed)
    each = rows // keys
    key = np.repeat(np.arange(keys), each)
    begin = START + (np.tile(np.arange(each), keys) * 30 + rng.integers(0, 15, keys * each)) * DAY
    end = begin + rng.integers(1, 15, keys * each) * DAY
    instant = lambda values: pa.array(values, pa.timestamp("us", "UTC"))  # noqa: E731
    return pa.table(
        {
            "id": pa.array(key, pa.int64()),
            "region": pa.array(key % 50, pa.int64()),
            "amount": pa.array(rng.integers(0, 1_000_000, keys * each), pa.int64()).cast(pa.decimal128(21, 2)).cast(pa.decimal128(18, 2), safe=False),
            "_valid_from": instant(begin),
            "_valid_to": instant(end),
        }
    )


def act(client, name, body):
    list(client.do_action((name, json.dumps(body).encode())))


def ask(client, sql):
    return client.do_get(flight.Ticket(json.dumps({"sql": sql}))).read_all()


def timed(runs, work):
    times = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        answer = work()
        times.append((time.perf_counter() - begun) * 1e3)
    return times[1:], answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(pathlib.Path(folder) / "store", f"{folder}/log")
        try:
            measure(options, folder, server)
        finally:
            server.kill()


def measure(options, folder, server):
    runs = options.runs
    with flight.connect(server.location) as client:
        table = book(options.rows)
        act(client, "create_context", {"name": "book", "key": ["loan_id"], "mode": "state"})
        put(client, {"context": "book", "kind": "full", "cutoff": CUTOFF}, table)
        parquet = f"{folder}/book.parquet"
        pq.write_table(table, parquet)
        for name, sql in AGGREGATES.items():
            ours, answer = timed(runs, lambda: ask(client, sql.format(book=AT)))
            show(f"as-of aggregate, {name}", "ms", ours)
            for threads in (os.cpu_count(), 1):
                duck = duckdb.connect(config={"threads": threads})
                theirs, expected = timed(runs, lambda: duck.execute(sql.format(book=f"'{parquet}'")).to_arrow_table())
                assert [list(map(str, row.values())) for row in answer.to_pylist()] == [list(map(str, row.values())) for row in expected.to_pylist()], name
                show(f"the same by DuckDB over Parquet, threads: {threads}", "ms", theirs)
        point = f"SELECT * FROM {AT} WHERE loan_id = 4711"
        times, _ = timed(200, lambda: ask(client, point))
        show("one key in SQL, over Flight", "us", [1e3 * value for value in times])
        ticket = flight.Ticket(json.dumps({"as_of": {"context": "book", "valid_at": CUTOFF, "key": {"loan_id": 4711}}}))
        times, _ = timed(200, lambda: client.do_get(ticket).read_all())
        show("one key by an as_of ticket", "us", [1e3 * value for value in times])
        for name, seed in (("left_side", 1), ("right_side", 2)):
            act(client, "create_context", {"name": name, "key": ["id"], "mode": "events"})
            put(client, {"context": name, "kind": "facts"}, facts(options.rows, options.rows // 10, seed))
        source = lambda name, amount: f"(SELECT id, amount AS {amount}, _valid_from, _valid_to FROM {name} FOR VALID_TIME ALL)"  # noqa: E731
        join = f"SELECT count(*) AS pairs, sum(a + b) AS total FROM temporal_join({source('left_side', 'a')}, {source('right_side', 'b')}, on => 'id')"
        times, _ = timed(runs, lambda: ask(client, join))
        show("temporal_join of a million facts with a million", "ms", times)
        history = (
            "SELECT count(*) AS periods, max(total) AS most FROM temporal_aggregate((SELECT region, amount, _valid_from, _valid_to FROM "
            "left_side FOR VALID_TIME ALL), by => 'region', facts => count(*), total => sum(amount))"
        )
        times, _ = timed(runs, lambda: ask(client, history))
        show("temporal_aggregate of a million facts in 50 groups", "ms", times)
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        show("memory of the server, most at any time", "MiB", [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")])


if __name__ == "__main__":
    main()
