"""Arrow Flight for people with pyarrow and nothing else. Runs with both supported major versions of pyarrow."""

import datetime
import decimal
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.flight as flight
import pytest
from flight_door import Door

UTC = datetime.timezone.utc


@pytest.fixture
def door(shared):
    door = Door(shared.location)
    yield door
    door.close()


def loans(ids=(1, 2, 3), status="open"):
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "status": pa.array([status] * len(ids), pa.string()),
            "balance": pa.array([decimal.Decimal(i * 100) / 100 for i in ids], pa.decimal128(18, 2)),
        }
    )


def create(door, context, **more):
    return door.act("create_context", {"name": context, "key": ["id"], "mode": "state", **more})


def full(context, cutoff, **more):
    return {"context": context, "kind": "full", "cutoff": cutoff, **more}


def as_of(context, valid_at=None, **more):
    body = {"context": context, **({"valid_at": valid_at} if valid_at else {}), **more}
    return {"as_of": body}


def test_the_first_steps(door, context):
    assert create(door, context) == {"context": context, "schema_version": None, "created": True}
    assert create(door, context)["created"] is False
    receipt = door.put(full(context, "2026-03-31T00:00:00Z", expected_rows=3, totals={"balance": "6.00"}), loans())
    fields = {
        "commit", "entry", "record_hash", "system_time", "asserted", "retracted", "unchanged", "duplicates",
        "schema_version", "snapshot", "replayed",
    }  # fmt: skip
    assert set(receipt) == fields
    assert (receipt["asserted"], receipt["retracted"], receipt["schema_version"]) == (3, 0, 1)
    answer = door.get(as_of(context, "2026-04-01T00:00:00Z"))
    assert answer.table.equals(loans())
    assert answer.claim["completeness"] == {"status": "complete"}
    assert answer.claim["settled"] is True
    assert answer.claim["known_at"] == receipt["system_time"]
    assert answer.claim["record"] == {
        "commit": receipt["commit"], "entry": receipt["entry"], "hash": receipt["record_hash"]
    }  # fmt: skip
    assert door.get({"snapshot": receipt["snapshot"]}).table.equals(loans())
    before = door.get(as_of(context, "2026-03-30T23:59:59.999999Z"))
    assert before.table.num_rows == 0 and before.table.schema.names == ["id", "status", "balance"]


def test_corrections_only_add(door, context):
    create(door, context)
    first = door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    second = door.put(full(context, "2026-01-01T00:00:00Z", reason="ticket 7"), loans(status="closed"))
    at = "2026-01-02T00:00:00Z"
    then = door.get(as_of(context, at, known_at=first["system_time"]))
    now = door.get(as_of(context, at, known_at=second["system_time"]))
    assert then.table["status"].to_pylist() == ["open"] * 3
    assert now.table["status"].to_pylist() == ["closed"] * 3
    assert then.end["result_hash"] != now.end["result_hash"]
    points = [{"valid_at": at, "known_at": receipt["system_time"]} for receipt in (first, second)]
    diff = door.get({"diff": {"context": context, "from": points[0], "to": points[1]}})
    assert diff.table.schema.names[0] == "_change"
    assert diff.table["_change"].to_pylist() == ["changed_from", "changed_to"] * 3
    for form, count in (("facts", 2), ("rectangles", 2)):
        history = door.get({"history": {"context": context, "key": {"id": 2}, "form": form}})
        assert history.table.num_rows == count, history.rows()


def test_deltas_withdrawals_and_repetitions(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    ops = pa.table({"id": [1, 2], "status": ["late", None], "balance": pa.array([None, None], pa.decimal128(18, 2)),
                    "_op": ["assert", "retract"]})  # fmt: skip
    command = {"context": context, "kind": "delta", "cutoff": "2026-01-02T00:00:00Z", "idempotency_key": "d1"}
    receipt = door.put(command, ops)
    assert (receipt["asserted"], receipt["retracted"]) == (1, 1)
    again = door.put(command, ops)
    assert again == {**receipt, "replayed": True}
    with pytest.raises(pa.ArrowException, match="was used for another put"):
        door.put(command, ops.slice(0, 1))
    after = as_of(context, "2026-01-03T00:00:00Z")
    assert door.get(after).table["id"].to_pylist() == [1, 3]
    withdrawn = door.act("withdraw_cutoff", {"context": context, "cutoff": "2026-01-02T00:00:00Z"})
    assert withdrawn["replayed"] is False
    assert door.get(after).table.equals(loans())
    with pytest.raises(pa.ArrowException, match="nothing to withdraw"):
        door.act("withdraw_cutoff", {"context": context, "cutoff": "2026-01-02T00:00:00Z"})


def test_facts(door, context):
    create(door, context, mode="events")
    when = lambda day: datetime.datetime(2026, 1, day, tzinfo=UTC)  # noqa: E731
    facts = pa.table(
        {
            "id": [1, 1],
            "v": ["a", "b"],
            "_valid_from": pa.array([when(1), when(5)], pa.timestamp("us", "UTC")),
            "_valid_to": pa.array([when(9), None], pa.timestamp("us", "UTC")),
        }
    )
    put = {"context": context, "kind": "facts", "valid_to": "open", "watermark": "2026-02-01T00:00:00Z"}
    assert door.put(put, facts)["asserted"] == 2
    for day, expected in ((1, "a"), (5, "b"), (20, "b")):
        answer = door.get(as_of(context, f"2026-01-{day:02}T00:00:00Z"))
        assert answer.table["v"].to_pylist() == [expected]
        assert answer.claim["completeness"]["status"] == "complete"
    system = door.get(as_of(context, "2026-01-02T00:00:00Z", system_columns=True))
    assert system.table.schema.names[-4:] == ["_valid_from", "_valid_to", "_system_from", "_system_to"]
    assert system.rows()[0]["_valid_to"] == when(5)


def test_selection(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans(range(1, 51)))
    at = "2026-01-02T00:00:00Z"
    assert door.get(as_of(context, at, key={"id": 7}, columns=["status", "id"])).rows() == [{"status": "open", "id": 7}]
    assert door.get(as_of(context, at, key={"id": "7"})).table["id"].to_pylist() == [7]
    some = door.get(as_of(context, at, keys=[{"id": 9}, {"id": 3}, {"id": 999}, {"id": 3}]))
    assert some.table["id"].to_pylist() == [3, 9]
    for compression in ("none", "lz4", "zstd"):
        assert door.get(as_of(context, at, compression=compression)).table.equals(loans(range(1, 51)))


def test_every_type_comes_back(door, context):
    columns = {
        "id": pa.array([1, 2], pa.int64()),
        "i8": pa.array([-128, None], pa.int8()),
        "u64": pa.array([2**64 - 1, None], pa.uint64()),
        "f": pa.array([0.5, None], pa.float32()),
        "d": pa.array([1e300, None], pa.float64()),
        "b": pa.array([True, None], pa.bool_()),
        "s": pa.array(["gr\u00fc\u00df", None], pa.string()),
        "y": pa.array([b"\x00\xff", None], pa.binary()),
        "day": pa.array([datetime.date(1999, 12, 31), None], pa.date32()),
        "at": pa.array([datetime.datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "dec": pa.array([decimal.Decimal("-12345678901234567890.12"), None], pa.decimal128(38, 2)),
    }
    table = pa.table(columns)
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), table)
    answer = door.get(as_of(context, "2026-01-02T00:00:00Z"))
    assert answer.table.equals(table), answer.table
    assert [str(kind) for kind in answer.table.schema.types] == [str(kind) for kind in table.schema.types]


def test_columns_may_be_declared(door, context):
    columns = [
        {"name": "id", "type": "int64", "nullable": False},
        {"name": "v", "type": "decimal128(18, 2)", "class": "financial"},
        {"name": "w", "type": "utf8"},
        {"name": "x", "type": "float64"},
        {"name": "y", "type": "date32", "nullable": None},
    ]
    assert create(door, context, columns=columns)["schema_version"] == 1
    schema = door.get(as_of(context)).table.schema
    kinds = ["int64", "decimal128(18, 2)", "string", "double", "date32[day]"]
    assert [str(kind) for kind in schema.types] == kinds
    door.act("alter_context", {"context": context, "rename": {"from": "w", "to": "label"}})
    assert "label" in door.get(as_of(context)).table.schema.names


def test_import_and_going_live(door, context):
    create(door, context, **{"import": True})
    with pytest.raises(pa.ArrowException, match="open for import"):
        door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    door.put(full(context, "2020-01-01T00:00:00Z", recorded_at="2020-01-01T05:00:00Z"), loans())
    answer = door.get(as_of(context, "2020-01-02T00:00:00Z"))
    assert answer.claim["known_at"] == "2020-01-01T05:00:00.000000Z"
    door.act("go_live", {"context": context})
    with pytest.raises(pa.ArrowException, match="is live"):
        door.put(full(context, "2020-01-01T00:00:00Z", recorded_at="2020-01-01T06:00:00Z"), loans())
    with pytest.raises(pa.ArrowException, match="is live already"):
        door.act("go_live", {"context": context})


def test_an_empty_full_must_be_meant(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    empty = loans(())
    with pytest.raises(pa.ArrowInvalid, match="expected_rows 0"):
        door.put(full(context, "2026-01-02T00:00:00Z"), empty)
    assert door.put(full(context, "2026-01-02T00:00:00Z", expected_rows=0), empty)["retracted"] == 3


def test_schema_listing_and_info(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    ticket = as_of(context, "2026-01-02T00:00:00Z")
    descriptor = flight.FlightDescriptor.for_command(json.dumps(ticket))
    assert door.client.get_schema(descriptor).schema.names == loans().schema.names
    info = door.info(ticket)
    assert info.schema.types == loans().schema.types
    assert len(info.endpoints) == 1
    fixed = json.loads(info.endpoints[0].ticket.ticket)
    assert fixed["as_of"]["valid_at"] == "2026-01-02T00:00:00.000000Z" and "known_at" in fixed["as_of"]
    assert door.get(info.endpoints[0].ticket.ticket).table.equals(loans())
    listed = {info.descriptor.path[0].decode() for info in door.client.list_flights()}
    assert context in listed
    actions = {action.type for action in door.client.list_actions()}
    assert {"create_context", "alter_context", "go_live", "withdraw_cutoff"} <= actions


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contxt": "x"}, "contxt"),
        ({"valid_at": "2026-01-01"}, "valid_at"),
        ({"valid_at": "2026-01-01T00:00:00.1234567Z"}, "valid_at"),
        ({"known_at": 5}, "known_at"),
        ({"columns": ["nope"]}, "nope"),
        ({"key": {"id": 1, "other": 2}}, "other"),
        ({"key": {"id": "seven"}}, "id"),
        ({"key": {"id": 1}, "keys": [{"id": 1}]}, "keys"),
        ({"compression": "gzip"}, "compression"),
        ({"schema_version": 9}, "schema version"),
    ],
)
def test_wrong_tickets_are_refused_by_name(door, context, change, message):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    with pytest.raises(pa.ArrowException, match=message):
        door.get({"as_of": {"context": context, **change}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"knd": "full"}, "knd"),
        ({"kind": "fulll"}, "kind"),
        ({"cutoff": None}, "cutoff"),
        ({"totals": {"balance": "7.00"}}, "balance"),
        ({"totals": {"status": "7.00"}}, "status"),
        ({"expected_rows": 4}, "expected_rows"),
        ({"expected_commit": 999_999}, "expected_commit"),
        ({"valid_to": "open"}, "valid_to"),
        ({"parent": "xyz"}, "parent"),
        ({"on_duplicate": "middle"}, "on_duplicate"),
        ({"semantics": "odd"}, "semantics"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_wrong_puts_are_refused_by_name(door, context, change, message):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    with pytest.raises(pa.ArrowException, match=message):
        door.put({**full(context, "2026-01-02T00:00:00Z"), **change}, loans())
    assert door.get(as_of(context)).claim["snapshot"]["cutoff"] == "2026-01-01T00:00:00.000000Z"


def test_sql_is_answered_with_its_claim(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    text = f'SELECT status, sum(balance) AS total, count(*) AS n FROM "{context}" WHERE id >= $1 GROUP BY status'
    answer = door.get({"sql": text, "parameters": [2]})
    assert answer.table.to_pylist() == [{"status": "open", "total": decimal.Decimal("5.00"), "n": 2}]
    assert answer.claim["settled"] is True and answer.claim["reads"][0]["context"] == context
    assert answer.end["rows"] == 1
    named = {"sql": "SELECT $price AS price, $name AS name", "parameters": {"price": {"decimal": "12.30"}, "name": "a'b"}}
    assert door.get(named).table.to_pylist() == [{"price": decimal.Decimal("12.30"), "name": "a'b"}]
    # Before the first full nothing was open; the setting says when the statement stands.
    early = {"sql": f'SELECT * FROM "{context}"', "settings": {"calotype.valid_time": "2025-01-01T00:00:00Z"}}
    assert door.get(early).table.num_rows == 0


def test_a_described_statement_is_answered_as_described(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    ticket = {"sql": f'SELECT id FROM "{context}" ORDER BY id DESC'}
    info = door.info(ticket)
    door.put(full(context, "2026-01-02T00:00:00Z"), loans(ids=(1,)))
    assert len(info.endpoints) == 1
    assert door.get(info.endpoints[0].ticket.ticket).table.column("id").to_pylist() == [3, 2, 1]
    assert door.get(ticket).table.column("id").to_pylist() == [1]


def test_where_filters_a_state(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    answer = door.get(as_of(context, where="balance > 1.50 AND status = 'open'", columns=["id"]))
    assert answer.table.to_pylist() == [{"id": 2}, {"id": 3}]
    assert answer.claim["context"] == context


@pytest.mark.parametrize(
    "ticket, message",
    [
        ({"sql": "SELEC 1"}, "SELEC"),
        ({"sql": "DROP TABLE loans"}, "only read"),
        ({"sql": "SELECT $1"}, "has no value"),
        ({"sql": "SELECT 1", "parameters": [0.5]}, "decimal"),
        ({"sql": "SELECT 1", "setings": {}}, "settings"),
    ],
)
def test_wrong_statements_are_refused(door, ticket, message):
    with pytest.raises(pa.ArrowInvalid, match=message):
        door.get(ticket)


def test_a_predicate_is_nothing_else(door, context):
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    for predicate in ("true; SELECT 1", "true) OR (true", f'id IN (SELECT id FROM "{context}")', "id", "nought = 1"):
        with pytest.raises(pa.ArrowInvalid):
            door.get(as_of(context, where=predicate))


CUT_OFF = """
import sys
import pyarrow as pa
import pyarrow.flight as flight
client = flight.connect(sys.argv[1])
descriptor = flight.FlightDescriptor.for_command(sys.argv[2])
table = pa.table({"id": [1, 2, 3]})
writer, reader = client.do_put(descriptor, table.schema)
writer.write_table(table)
list(client.list_flights())  # On the same connection: the rows have arrived.
print("sent", flush=True)
sys.stdin.read()
"""


def test_a_client_that_dies_in_its_put_commits_nothing(shared, door, context):
    create(door, context)
    command = [sys.executable, "-c", CUT_OFF, shared.location, json.dumps(full(context, "2026-01-01T00:00:00Z"))]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdout.readline() == b"sent\n"
    client.kill()
    client.wait()
    assert door.get(as_of(context, "2026-01-02T00:00:00Z")).claim.get("record") is None, "nothing was committed"
    # And there is nothing left of it that would stand in the way.
    assert door.put(full(context, "2026-01-01T00:00:00Z"), loans())["asserted"] == 3


def test_dictionaries_are_taken_or_refused_clearly(door, context):
    create(door, context)
    table = loans().set_column(1, "status", loans()["status"].dictionary_encode())
    try:
        door.put(full(context, "2026-01-01T00:00:00Z"), table)
    except pa.ArrowInvalid as error:
        assert "status" in str(error) or "dictionar" in str(error)
    else:
        assert door.get(as_of(context, "2026-01-02T00:00:00Z")).table.equals(loans())


def test_many_small_batches_and_large_ones(door, context):
    create(door, context)
    table = loans(range(1, 20_001))
    door.put(full(context, "2026-01-01T00:00:00Z"), table, batch_rows=7)
    assert door.get(as_of(context, "2026-01-02T00:00:00Z")).table.equals(table)


def test_answers_in_frames(door, context):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    create(door, context)
    door.put(full(context, "2026-01-01T00:00:00Z"), loans())
    ticket = flight.Ticket(json.dumps(as_of(context, "2026-01-02T00:00:00Z")))
    frame = door.client.do_get(ticket).read_pandas()
    assert isinstance(frame, pandas.DataFrame) and frame["id"].tolist() == [1, 2, 3]
    frame = polars.from_arrow(door.client.do_get(ticket).read_all())
    assert frame["status"].to_list() == ["open"] * 3
    reader = door.client.do_get(ticket).to_reader()
    assert sum(batch.num_rows for batch in reader) == 3
