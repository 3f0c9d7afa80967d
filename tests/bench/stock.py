#!/usr/bin/env python3
"""What stock pyarrow gets out of a server, and into it: a million rows of twelve columns.

    CALOTYPE_BIN=target/release/calotype python stock.py [--rows 1000000] [--runs 5]

Server and client share the machine. Each figure is the median of the runs, least and most in brackets.
"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "wire/python"))
from server import Server  # noqa: E402


def book(rows, seed=1):
    """The columns of the embedded measure, made by numpy."""
    rng = np.random.default_rng(seed)
    cents = lambda: pa.array(rng.integers(0, 50_000_000, rows), pa.int64())  # noqa: E731
    decimal = lambda: cents().cast(pa.decimal128(21, 2)).cast(pa.decimal128(18, 2), safe=False)  # noqa: E731
    words = lambda *words: pa.array(words).take(pa.array(rng.integers(0, len(words), rows)))  # noqa: E731
    return pa.table(
        {
            "loan_id": pa.array(np.arange(rows), pa.int64()),
            "customer_id": pa.array(rng.integers(0, 4_000_000, rows), pa.int64()),
            "branch": pa.array(rng.integers(0, 400, rows), pa.int16()),
            "term_months": pa.array(12 * rng.integers(1, 31, rows), pa.int32()),
            "principal": decimal(),
            "balance": decimal(),
            "rate": decimal(),
            "opened": pa.array(rng.integers(15_000, 20_000, rows), pa.int32()).cast(pa.date32()),
            "updated": pa.array(rng.integers(0, 2**50, rows), pa.timestamp("us", "UTC")),
            "status": words("current", "late30", "late60", "late90", "default", "closed"),
            "currency": words("EUR", "USD", "GBP", "CHF"),
            "product": words("mortgage", "consumer", "auto", "revolving", "bridge"),
        }
    )


def show(name, unit, figures):
    print(f"{name:<66} {statistics.median(figures):>14,.0f} {unit:<8} ({min(figures):,.0f} to {max(figures):,.0f})", flush=True)


def put(client, command, table, chunk=65_536):
    descriptor = flight.FlightDescriptor.for_command(json.dumps(command))
    begun = time.perf_counter()
    writer, reader = client.do_put(descriptor, table.schema)
    writer.write_table(table, max_chunksize=chunk)
    writer.done_writing()
    receipt = json.loads(reader.read().to_pybytes())
    writer.close()
    return time.perf_counter() - begun, receipt


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    rows, runs = arguments.rows, arguments.runs
    table = book(rows)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.join(folder, "store"), os.path.join(folder, "log"))
        client = flight.connect(server.location)
        act = lambda kind, body: list(client.do_action((kind, json.dumps(body).encode())))  # noqa: E731
        facts = table.append_column("_valid_from", pa.array(["2026-01-01T00:00:00Z"] * rows).cast(pa.timestamp("us", "UTC")))
        figures = []
        for run in range(runs):
            act("create_context", {"name": f"facts{run}", "key": ["loan_id"], "mode": "events"})
            seconds, receipt = put(client, {"context": f"facts{run}", "kind": "facts", "valid_to": "open"}, facts)
            assert receipt["asserted"] == rows
            figures.append(rows / seconds)
        show("DoPut of facts, durable", "rows/s", figures)
        act("create_context", {"name": "loans", "key": ["loan_id"], "mode": "state"})
        put(client, {"context": "loans", "kind": "full", "cutoff": "2026-01-01T00:00:00Z"}, table)
        for compression in ("none", "lz4", "zstd"):
            ticket = flight.Ticket(json.dumps({"as_of": {"context": "loans", "compression": compression}}))
            figures = []
            for run in range(runs + 1):
                begun = time.perf_counter()
                pulled = client.do_get(ticket).read_all()
                if run:
                    figures.append(rows / (time.perf_counter() - begun))
                assert pulled.num_rows == rows
            show(f"full as-of pull into pyarrow, compression {compression}", "rows/s", figures)
        # Keys come back as columns that are never null.
        assert all(pulled[name].equals(table[name]) for name in table.column_names)
        peak = next(
            int(line.split()[1]) // 1024
            for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii").splitlines()
            if line.startswith("VmHWM")
        )
        print(f"{'memory of the server, most at any time':<66} {peak:>14,} MiB")
        client.close()
        server.stop()


if __name__ == "__main__":
    main()
