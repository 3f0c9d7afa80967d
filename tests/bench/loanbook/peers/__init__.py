"""Adapters by name. Imports are lazy, so a missing driver only hides its own peer."""
import importlib

PEERS = {  # name: (module, class)
    "postgres": ("postgres", "Postgres"), "postgres_facts": ("postgres", "PostgresFacts"),
    "mariadb": ("mariadb_", "MariaDB"),
    "duckdb": ("duckdb_", "DuckFacts"), "duckdb_rect": ("duckdb_", "DuckRect"),
    "delta": ("delta", "Delta"), "delta_facts": ("delta", "DeltaFacts"),
    "sqlite": ("sqlite_", "SQLite"),
    "parquet": ("parquet_per_day", "ParquetPerDay"),
    "xtdb": ("xtdb", "XTDB"),        # untested stub
    "calotype": ("calotype", "Calotype"),
}


def make(name):
    mod, cls = PEERS[name]
    return getattr(importlib.import_module("peers." + mod), cls)()
