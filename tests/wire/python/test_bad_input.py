"""Whatever a client could send: a clear error, nothing half applied, the others served."""

import contextlib
import json
import random
import socket
import threading
import time

import grpc
import pyarrow as pa
import pyarrow.flight as flight
import pytest
import raw
from flight_door import Door

CODE = grpc.StatusCode
PUT, GET, ACT = (raw.FLIGHT + name for name in ("DoPut", "DoGet", "DoAction"))
REFUSED = {CODE.INVALID_ARGUMENT, CODE.RESOURCE_EXHAUSTED, CODE.FAILED_PRECONDITION, CODE.NOT_FOUND, CODE.UNIMPLEMENTED}


@pytest.fixture
def wire(shared):
    wire = raw.Wire(shared.address)
    yield wire
    wire.close()


@pytest.fixture
def door(shared):
    door = Door(shared.location)
    yield door
    door.close()


def messages(table, compression=None):
    """A table as the Arrow messages of a put: (header, body) pairs, the schema first."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    return [(m.metadata.to_pybytes(), m.body.to_pybytes() if m.body else b"") for m in reader]


def stream(command, pairs):
    (header, body), *rest = pairs
    return [raw.flight_data(header, body, command), *(raw.flight_data(*pair) for pair in rest)]


def sample(rows=4):
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "text": pa.array([None if n == 1 else f"text {n}" for n in range(rows)], pa.string()),
            "at": pa.array([n * 1_000_000 for n in range(rows)], pa.timestamp("us", "UTC")),
            "flag": pa.array([n % 2 == 0 for n in range(rows)], pa.bool_()),
        }
    )


def create(door, context):
    door.act("create_context", {"name": context, "key": ["id"], "mode": "state"})
    return {"context": context, "kind": "full", "cutoff": "2026-01-01T00:00:00Z"}


def nothing_known(door, context):
    return door.get({"as_of": {"context": context}}).claim.get("record") is None


def test_mutated_arrow_is_refused_or_valid(shared, door, wire, context):
    command = create(door, context)
    pairs = messages(sample())
    seed = random.Random(5)
    taken = refused = 0
    for attempt in range(1_500):
        which = seed.randrange(len(pairs))
        header, body = (bytearray(part) for part in pairs[which])
        target = header if not body or seed.random() < 0.7 else body
        for _ in range(seed.choice([1, 1, 1, 3])):
            target[seed.randrange(len(target))] = seed.choice([0, 1, 2, 4, 8, 16, 64, 127, 128, 255, seed.randrange(256)])
        mutant = [*pairs[:which], (bytes(header), bytes(body)), *pairs[which + 1 :]]
        # Never committed: the count is wrong, whatever the rows are.
        code, message = raw.code(wire.send, PUT, stream({**command, "expected_rows": 777}, mutant), timeout=10)
        assert code in REFUSED, (attempt, code, message)
        assert message, "every refusal says why"
        taken += "expected_rows" in message
        refused += "expected_rows" not in message
    assert taken > 0 and refused > 100, (taken, refused)
    assert nothing_known(door, context)
    assert shared.alive()


def test_truncated_arrow_is_refused(door, wire, context):
    command = create(door, context)
    pairs = messages(sample())
    for which, (header, body) in enumerate(pairs):
        for length in range(0, len(header), 5):
            mutant = [*pairs[:which], (header[:length], body), *pairs[which + 1 :]]
            code, message = raw.code(wire.send, PUT, stream(command, mutant), timeout=10)
            assert code == CODE.INVALID_ARGUMENT, (which, length, code, message)
        for length in range(0, len(body), 7):
            mutant = [*pairs[:which], (header, body[:length]), *pairs[which + 1 :]]
            code, message = raw.code(wire.send, PUT, stream(command, mutant), timeout=10)
            assert code == CODE.INVALID_ARGUMENT, (which, length, code, message)
    assert nothing_known(door, context)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_bodies_are_refused_with_advice(door, wire, context, compression):
    command = create(door, context)
    code, message = raw.code(wire.send, PUT, stream(command, messages(sample(2_000), compression)))
    assert code == CODE.INVALID_ARGUMENT and "compress" in message
    assert nothing_known(door, context)


def test_bombs_do_not_grow_the_server(make_server):
    server = make_server(None, "--set", "limits.ipc_accept_compressed=true")
    door, wire = Door(server.location), raw.Wire(server.address)
    command = create(door, "c")
    pairs = messages(sample(50_000), "lz4")
    before = server.resident_bytes()
    for claim in (1 << 33, 1 << 40, (1 << 63) - 1, 100 << 20):
        header, body = pairs[1]
        bomb = claim.to_bytes(8, "little") + body[8:]
        code, message = raw.code(wire.send, PUT, stream(command, [pairs[0], (header, bomb)]))
        assert code in REFUSED, (claim, code, message)
    zeros = pa.table({"id": pa.array(range(900_000), pa.int64()), "v": pa.array([0] * 900_000, pa.int64())})
    raw.code(wire.send, PUT, stream({**command, "expected_rows": 1}, messages(zeros, "zstd")))
    wide = pa.schema([(f"c{n}", pa.int8()) for n in range(100_000)])
    header = wide.serialize().to_pybytes()[8:]
    code, message = raw.code(wire.send, PUT, [raw.flight_data(header, b"", command)])
    assert code in REFUSED, (code, message)
    deep = pa.int8()
    for _ in range(200):
        deep = pa.list_(deep)
    header = pa.schema([("id", deep)]).serialize().to_pybytes()[8:]
    code, message = raw.code(wire.send, PUT, [raw.flight_data(header, b"", command)])
    assert code in REFUSED, (code, message)
    assert server.alive() and server.resident_bytes() - before < 256 << 20
    assert nothing_known(door, "c")


@pytest.mark.parametrize(
    "ticket",
    [b"", b"\xff\xfe", b"null", b"[]", b"{}", b'{"as_of":{}}', b'{"as_of":null}', b'{"as_of":{"context":7}}',
     b'{"as_of":{"context":"c"},"snapshot":"x"}', b'{"unknown":1}', b'{"as_of":' * 500, b"[" * 100_000,
     b'{"as_of":{"context":"' + b"x" * 100_000 + b'"}}', b'{"as_of":{"context":"c","context":"d"}}',
     b'{"as_of":{"context":"c","key":{"id":1e400}}}', b'{"snapshot":"../../etc/passwd"}',
     b'{"as_of":{"context":"../x"}}', b'{"as_of":{"context":"c","columns":"id"}}', b'{"history":{"context":"c","form":"x"}}'],
)  # fmt: skip
def test_odd_tickets(shared, wire, ticket):
    for path, message in ((GET, raw.ticket(ticket)), (raw.FLIGHT + "GetFlightInfo", raw.descriptor(ticket))):
        code, text = raw.code(wire.read, path, message)
        assert code in REFUSED and text, (path, code, text)
        assert len(text) < 4_096
    assert shared.alive()


@pytest.mark.parametrize(
    ("kind", "body"),
    [("create_context", b"{"), ("create_context", b"{}"), ("create_context", {"name": "x", "key": []}),
     ("create_context", {"name": "x/y", "key": ["id"], "mode": "state"}),
     ("create_context", {"name": "x", "key": ["id"], "mode": "odd"}),
     ("create_context", {"name": "x", "key": ["id"], "mode": "state", "max_retracted": 7}),
     ("create_context", {"name": "x", "key": ["id"], "mode": "state", "columns": [{"name": "id", "type": "list"}]}),
     ("create_context", {"name": "x", "key": ["id"], "mode": "state", "columns": [{"name": "v", "type": "int64"}]}),
     ("withdraw_cutoff", {"context": "nope", "cutoff": "2026-01-01T00:00:00Z"}), ("go_live", {}), ("drop", {}), ("", b"")],
)  # fmt: skip
def test_odd_actions(wire, kind, body):
    code, text = raw.code(wire.read, ACT, raw.action(kind, body))
    assert code in REFUSED and text, (code, text)


def test_odd_streams(door, wire, context):
    command = create(door, context)
    pairs = messages(sample())
    good = stream(command, pairs)
    odd = {
        "nothing": [],
        "no descriptor": [raw.flight_data(*pair) for pair in pairs],
        "rows before the schema": stream(command, pairs[1:]),
        "the schema twice": [*good[:1], *good],
        "bytes that are no message": [b"\xff" * 64],
        "an empty message": [b""],
        "a header that is noise": [raw.flight_data(random.Random(1).randbytes(500), b"", command)],
        "another schema's rows": [good[0], raw.flight_data(*messages(sample().select(["id"]))[1])],
        "an unknown field": stream({**command, "unknown": 1}, pairs),
        "a path": [raw.field(1, raw.varint(1 << 3) + raw.varint(1) + raw.field(3, b"x")) + raw.field(2, pairs[0][0])],
    }
    for name, sent in odd.items():
        code, message = raw.code(wire.send, PUT, sent)
        assert code in REFUSED and message, (name, code, message)
    assert nothing_known(door, context)
    assert raw.code(wire.send, PUT, good)[0] == CODE.OK, "the same stream, untouched, is taken"


def test_messages_that_are_too_large(shared, door, wire, context):
    command = create(door, context)
    code, _ = raw.code(wire.read, GET, raw.ticket(b" " * (5 << 20)))
    assert code in {CODE.RESOURCE_EXHAUSTED, CODE.OUT_OF_RANGE, CODE.INVALID_ARGUMENT}
    code, message = raw.code(wire.send, PUT, [raw.flight_data(messages(sample())[0][0], b"x" * (20 << 20), command)])
    assert code in {CODE.RESOURCE_EXHAUSTED, CODE.OUT_OF_RANGE, CODE.INVALID_ARGUMENT}, message
    assert shared.alive() and nothing_known(door, context)


def test_streams_cut_half_way_commit_nothing(shared, door, context):
    command = create(door, context)
    good = stream(command, messages(sample()))
    for sent in range(1, len(good) + 1):
        wire = raw.Wire(shared.address)
        gone = threading.Event()

        def some(sent=sent, gone=gone):
            yield from good[:sent]
            gone.wait(30)

        call = wire.channel.stream_stream(PUT)(some(), timeout=30)
        reader = threading.Thread(target=lambda call=call: raw.code(list, call))
        reader.start()
        # The server has taken what was sent once a question on the same connection is answered.
        wire.read(raw.FLIGHT + "ListActions", b"")
        call.cancel()
        wire.close()
        gone.set()
        reader.join()
    assert nothing_known(door, context)


def test_deadlines_in_the_middle_of_a_put(shared, door, context):
    command = create(door, context)
    good = stream(command, messages(sample()))
    wire = raw.Wire(shared.address)

    def slow():
        yield good[0]
        # polls: not for the server, but past the deadline of the call
        time.sleep(1)
        yield from good[1:]

    with pytest.raises(grpc.RpcError) as caught:
        list(wire.channel.stream_stream(PUT)(slow(), timeout=0.3))
    assert caught.value.code() == CODE.DEADLINE_EXCEEDED
    wire.close()
    assert nothing_known(door, context)


def test_clients_that_never_read_harm_nobody(make_server):
    server = make_server(None, "--set", "limits.stall_time_max=2s")
    door = Door(server.location)
    command = create(door, "c")
    rows = 400_000
    table = pa.table({"id": pa.array(range(rows), pa.int64()), "v": pa.array([f"value {n}" for n in range(rows)])})
    door.put(command, table)
    ticket = flight.Ticket(json.dumps({"as_of": {"context": "c"}}))
    before = server.resident_bytes()
    # Their windows fill up, and nothing is read any more.
    idle = [raw.Wire(server.address, **{"grpc.use_local_subchannel_pool": 1}) for _ in range(6)]
    calls = [wire.channel.unary_stream(GET)(raw.ticket({"as_of": {"context": "c"}})) for wire in idle]
    for _ in range(3):
        assert door.client.do_get(ticket).read_all().num_rows == rows
    assert server.resident_bytes() - before < 400 << 20
    # Each is given up once it has not been read for long enough.
    deadline = time.monotonic() + 30
    while server.metric('calotype_refusals_total{limit="stall_time_max"}') < len(calls):
        assert time.monotonic() < deadline, "answers that nobody reads are given up"
        # polls: until the server has given them up
        time.sleep(0.1)
    for wire in idle:
        wire.close()
    assert server.alive()


def test_garbage_on_the_port(shared, door):
    seed = random.Random(3)
    for content in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + seed.randbytes(200), seed.randbytes(5_000),
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + seed.randbytes(5_000), b""):  # fmt: skip
        with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as connection:
            connection.sendall(content)
            # The server ends the connection, by whatever means.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4_096):
                    pass
    assert door.client.list_flights() is not None and shared.alive()


def test_fields_that_are_not_known(wire):
    get, many = (raw.varint(1 << 3) + b"\x01", raw.field(1, raw.field(1, raw.field(99, b"x"))))
    assert raw.code(wire.unary, "/calotype.v1.OperationService/ListOperations", get)[0] == CODE.OK
    code, text = raw.code(wire.unary, "/calotype.v1.LogService/GetHead", raw.field(99, b"x"))
    assert code == CODE.INVALID_ARGUMENT and "has no field 99" in text, (code, text)
    code, text = raw.code(wire.send, "/calotype.v1.IngestService/PutMany", [many])
    assert code == CODE.INVALID_ARGUMENT and "put.put.99" in text, (code, text)


def test_odd_headers(shared):
    wire = raw.Wire(shared.address)
    for metadata in ([("calotype-principal", "x" * 500)], [("calotype-principal", "")]):
        code, text = raw.code(wire.unary, "/calotype.v1.LogService/GetHead", b"", metadata=metadata)
        assert code == CODE.INVALID_ARGUMENT and "calotype-principal" in text, (code, text)
    code, _ = raw.code(wire.unary, "/calotype.v1.LogService/GetHead", b"", metadata=[("junk", "x" * 60_000)])
    assert code != CODE.OK
    assert raw.code(wire.unary, "/calotype.v1.LogService/GetHead", b"")[0] == CODE.OK
    wire.close()
