#!/usr/bin/env python3
"""Point as-of by several clients over gRPC, and PostgreSQL by its own C client, in one run over one loan book.

    CALOTYPE_BIN=.. CALOTYPE_BENCH=target/release/calotype-bench python points.py --data DIR [--clients 16] [--seconds 8]

The clients of Calotype are those of `calotype-bench points`; PostgreSQL's are pgbench's, with prepared statements.
"""
import argparse, json, os, re, subprocess, sys, tempfile
from oracle import Dataset
from peers import make


def calotype(ds, clients, seconds, rounds):
    with tempfile.TemporaryDirectory() as work:
        peer = make("calotype")
        try:
            peer.setup(work)
            for c in ds.commits:
                peer.load_day(ds.table(c), c)
            peer.finish_load()
            ids = sorted({i for c in ds.commits for i in ds.table(c)["loan_id"].to_pylist()})
            midnight = 86_400_000_000 * (ds.base - __import__("datetime").date(1970, 1, 1)).days
            spec = {"ids": ids, "valid": [midnight + 86_400_000_000 * d for d in range(ds.days)],
                    "known": [c["recorded_us"] for c in ds.commits]}
            path = os.path.join(work, "points.json")
            json.dump(spec, open(path, "w"))
            for connections in (clients, 1):
                subprocess.run([os.environ["CALOTYPE_BENCH"], "points", "--address", peer.address, "--points", path, "--clients", str(clients),
                                "--connections", str(connections), "--seconds", str(seconds), "--runs", str(rounds)], check=True)
        finally:
            peer.close()


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--data", required=True)
    a.add_argument("--clients", type=int, default=16)
    a.add_argument("--seconds", type=int, default=8)
    a.add_argument("--rounds", type=int, default=3)
    a = a.parse_args()
    calotype(Dataset(a.data), a.clients, a.seconds, a.rounds)
    here = os.path.dirname(os.path.abspath(__file__))
    for _ in range(a.rounds):
        sys.stdout.flush()
        subprocess.run([sys.executable, os.path.join(here, "pgbench_points.py"), "--data", a.data, "--clients", "1,%d" % a.clients,
                        "--seconds", str(a.seconds)], check=True)


if __name__ == "__main__":
    main()
