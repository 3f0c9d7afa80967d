"""gRPC by reflection: lists, watches, operations, details of errors, every code."""

import json
import pathlib
import threading

import flight_door
import grpc
import pyarrow as pa
import pytest
import raw
from grpc_door import Door, error_info, rows

CODE = grpc.StatusCode


@pytest.fixture
def door(shared):
    door = Door(shared.address)
    yield door
    door.close()


def instant(door, text):
    stamp = door.message("google.protobuf.Timestamp")
    stamp.FromJsonString(text)
    return stamp


def create(door, name, mode="CAPTURE_MODE_STATE", **more):
    return door.call("ContextService.CreateContext", name=name, key=["id"], mode=mode, **more)


def put(door, name, cutoff, values, **more):
    """Puts a full of rows (id, v)."""
    header = door.message(
        "PutHeader", context=name, kind="PUT_KIND_FULL", cutoff=instant(door, cutoff), **more
    )
    row = lambda pair: door.message("Row", values=[door.value(value) for value in pair])  # noqa: E731
    batch = door.message("RowBatch", columns=["id", "v"], rows=[row(pair) for pair in values])
    return door.call("IngestService.Put", put=header, rows=batch).receipt


def failure(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **options)
    return caught.value


def test_reflection_and_health(shared, door):
    services = set(door.reflected.get_services())
    ours = {f"calotype.v1.{name}Service" for name in ("Context", "Ingest", "Query", "Snapshot", "Log", "Operation")}
    assert ours <= services, services
    wire = raw.Wire(shared.address)
    for service in ["", *sorted(ours), "arrow.flight.protocol.FlightService"]:
        answer = wire.unary("/grpc.health.v1.Health/Check", raw.field(1, service.encode()))
        assert answer == b"\x08\x01", f"{service} is not serving"
    wire.close()


def test_put_and_ask(door, context):
    assert create(door, context).created
    assert not create(door, context).created
    receipt = put(door, context, "2026-01-01T00:00:00Z", [(1, "a"), (2, "b")])
    assert (receipt.asserted, receipt.schema_version) == (2, 1)
    point = door.message("Point", valid_at=instant(door, "2026-01-02T00:00:00Z"))
    found, header, end = rows(door.call("QueryService.AsOf", context=context, point=point))
    assert found == [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}]
    assert [column.type for column in header.columns] == ["int64", "string"]
    assert header.claim.record.hash == receipt.record_hash and len(end.result_hash) == 64
    one = door.call(
        "QueryService.GetEntity",
        context=context,
        key=door.message("Key", columns={"id": door.value(2)}),
        point=point,
        at_least=receipt.commit,
    )
    assert [value.string_value for value in one.row.values] == ["", "b"]
    none = door.call(
        "QueryService.GetEntity", context=context, key=door.message("Key", columns={"id": door.value(3)}), point=point
    )
    assert not none.HasField("row") and none.end.rows == 0


def test_pages(door, context):
    create(door, context)
    receipts = [put(door, context, f"2026-01-{day:02}T00:00:00Z", [(1, f"v{day}")]) for day in range(1, 12)]
    for method, field, count in (
        ("SnapshotService.ListSnapshots", "snapshots", 11),
        ("LogService.ListRecords", "records", 12),
    ):
        found, token, calls = [], "", 0
        while True:
            page = door.call(method, context=context, page_size=4, page_token=token)
            assert len(getattr(page, field)) <= 4
            found += getattr(page, field)
            token, calls = page.next_page_token, calls + 1
            if not token:
                break
        assert (len(found), calls) == (count, 3), method
        page = door.call(method, context=context, page_size=4)
        forged = page.next_page_token[:-2] + ("AA" if not page.next_page_token.endswith("AA") else "BB")
        for token in (forged, "nonsense", page.next_page_token[:10]):
            error = failure(door.call, method, context=context, page_size=4, page_token=token)
            assert error.code() == CODE.INVALID_ARGUMENT and "page_token" in error.details()
        error = failure(door.call, method, context="other", page_token=page.next_page_token)
        assert error.code() in (CODE.INVALID_ARGUMENT, CODE.NOT_FOUND)
        assert failure(door.call, method, context=context, page_size=-1).code() == CODE.INVALID_ARGUMENT
        assert len(getattr(door.call(method, context=context, page_size=10**9), field)) == count
    listed = door.call("SnapshotService.ListSnapshots", context=context).snapshots
    assert [snapshot.id for snapshot in listed] == [receipt.snapshot for receipt in receipts]
    assert door.call("SnapshotService.GetSnapshot", id=receipts[3].snapshot).snapshot.commit == receipts[3].commit
    found, _, _ = rows(door.call("SnapshotService.ReadSnapshot", id=receipts[3].snapshot))
    assert found == [{"id": 1, "v": "v4"}]


def test_record_bytes_hash_to_their_leaf(door, context):
    import hashlib

    create(door, context)
    page = door.call("LogService.ListRecords", context=context, with_bytes=True)
    for record in page.records:
        assert hashlib.sha256(b"\0" + record.bytes).hexdigest() == record.hash


def test_a_watch_tells_each_change_once_and_resumes(door, context):
    first = create(door, context)
    assert first.created
    receipts = [put(door, context, f"2026-01-{day:02}T00:00:00Z", [(1, f"v{day}")]) for day in range(1, 4)]
    service = door.pool.FindServiceByName("calotype.v1.LogService")
    method = service.FindMethodByName("WatchContext")
    from google.protobuf import message_factory

    request = message_factory.GetMessageClass(method.input_type)
    response = message_factory.GetMessageClass(method.output_type)
    stub = door.channel.unary_stream(
        "/calotype.v1.LogService/WatchContext", lambda message: message.SerializeToString(), response.FromString
    )

    def entries(count, **since):
        found, token = [], None
        call = stub(request(context=context, **since), timeout=30)
        for message in call:
            if message.HasField("entry"):
                found.append(message.entry.commit)
                token = message.resume_token
            if len(found) == count:
                call.cancel()
                break
        return found, token

    expected = [receipt.commit for receipt in receipts]
    found, token = entries(2, after_commit=expected[0] - 1)
    assert found == expected[:2]
    late = threading.Thread(target=put, args=(door, context, "2026-01-09T00:00:00Z", [(1, "late")]))
    late.start()
    found, _ = entries(2, resume_token=token)
    late.join()
    assert found[0] == expected[2] and found[1] > expected[2]
    assert failure(lambda: list(stub(request(context=context, resume_token="made-up")))).code() == CODE.INVALID_ARGUMENT


def test_verification_is_an_operation(door, context):
    create(door, context)
    put(door, context, "2026-01-01T00:00:00Z", [(1, "a")])
    started = door.call("SnapshotService.VerifyStore", level=4).operation
    *_, last = door.call("OperationService.WatchOperation", id=started.id)
    assert last.operation.state == 2, last
    assert last.operation.verify_report.findings_total == 0 and last.operation.verify_report.records > 1
    assert started.id in {operation.id for operation in door.call("OperationService.ListOperations").operations}
    after = door.call("OperationService.CancelOperation", id=started.id).operation
    assert after.state == 2, "what is done stays done"
    assert failure(door.call, "OperationService.GetOperation", id="none").code() == CODE.NOT_FOUND
    assert failure(door.call, "SnapshotService.VerifyStore", level=9).code() == CODE.INVALID_ARGUMENT


def test_errors_carry_one_error_info(door, context):
    error = failure(door.call, "QueryService.AsOf", context=context)
    assert error.code() == CODE.NOT_FOUND
    info, _ = error_info(error)
    assert info.reason == "NO_CONTEXT" and context in info.metadata.values(), info
    create(door, context)
    error = failure(put, door, context, "2026-01-01T00:00:00Z", [(1, "a"), (1, "b")])
    info, _ = error_info(error)
    assert error.code() == CODE.INVALID_ARGUMENT and info.reason == "DUPLICATE_KEYS", info
    error = failure(door.call, "ContextService.CreateContext", name="bad name!\x1b[31m", key=["id"])
    assert error.code() == CODE.INVALID_ARGUMENT and "\x1b" not in error.details()


def test_the_request_id_comes_back(shared, door):
    method = door.channel.unary_unary("/calotype.v1.LogService/GetHead")
    _, call = method.with_call(b"", metadata=[("calotype-request-id", "my-own-7")])
    assert ("calotype-request-id", "my-own-7") in list(call.initial_metadata()) + list(call.trailing_metadata())


# Each code of the interface over both doors. ABORTED takes two servers that race: it is reached in the tests in Rust.
def test_every_code_over_both_doors(make_server, tmp_path):
    server = make_server()
    door, wire, flights = Door(server.address), raw.Wire(server.address), flight_door.Door(server.location)
    create(door, "c")
    receipt = put(door, "c", "2026-01-01T00:00:00Z", [(1, "a")])
    create(door, "damaged")
    before = set((tmp_path / "store/packs").rglob("*"))
    put(door, "damaged", "2026-01-01T00:00:00Z", [(n, f"value {n}") for n in range(500)])
    [pack] = [path for path in set((tmp_path / "store/packs").rglob("*")) - before if path.is_file()]
    server.kill()
    damage(pack)
    server.start()
    get, act, put_path = (raw.FLIGHT + name for name in ("DoGet", "DoAction", "DoPut"))
    future = {"seconds": 32_503_680_000}
    point = door.message("Point", known_at=future)
    as_of = lambda body, **more: raw.ticket({"as_of": body, **more})  # noqa: E731

    def grpc_code(method, **fields):
        return raw.code(door.call, method, **fields)

    big = {"context": "c", "keys": [door.message("Key", columns={"id": door.value(n)}) for n in range(10_001)]}
    cases = {
        CODE.INVALID_ARGUMENT: (
            grpc_code("QueryService.AsOf", context="c", columns=["nope"]),
            raw.code(wire.read, get, as_of({"context": "c", "columns": ["nope"]})),
        ),
        CODE.NOT_FOUND: (
            grpc_code("SnapshotService.GetSnapshot", id="0" * 64),
            raw.code(wire.read, get, raw.ticket({"snapshot": "0" * 64})),
        ),
        CODE.ALREADY_EXISTS: (
            grpc_code("ContextService.CreateContext", name="c", key=["other"], mode="CAPTURE_MODE_STATE"),
            raw.code(wire.read, act, raw.action("create_context", {"name": "c", "key": ["x"], "mode": "state"})),
        ),
        CODE.FAILED_PRECONDITION: (
            grpc_code("ContextService.GoLive", name="c"),
            raw.code(wire.read, act, raw.action("go_live", {"context": "c"})),
        ),
        CODE.OUT_OF_RANGE: (
            grpc_code("QueryService.AsOf", context="c", point=point),
            raw.code(wire.read, get, as_of({"context": "c", "known_at": "3000-01-01T00:00:00Z"})),
        ),
        CODE.RESOURCE_EXHAUSTED: (
            grpc_code("QueryService.AsOf", **big),
            raw.code(wire.read, get, as_of({"context": "c", "keys": [{"id": n} for n in range(10_001)]})),
        ),
        CODE.UNIMPLEMENTED: (
            raw.code(wire.unary, "/calotype.v1.QueryService/Nothing", b""),
            raw.code(wire.send, "/arrow.flight.protocol.FlightService/DoExchange", []),
        ),
        CODE.DATA_LOSS: (
            grpc_code("QueryService.AsOf", context="damaged"),
            raw.code(wire.read, get, as_of({"context": "damaged"})),
        ),
        CODE.UNAVAILABLE: (
            grpc_code("QueryService.AsOf", context="c", at_least=receipt.commit + 1_000),
            raw.code(wire.read, get, as_of({"context": "c"}, at_least=receipt.commit + 1_000)),
        ),
    }
    for code, found in cases.items():
        for door_name, (found_code, message) in zip(("gRPC", "Flight"), found):
            assert found_code == code, f"{door_name}: expected {code}, found {found_code}: {message}"
            assert message, "every refusal says why"
    # A descriptor that is none, over the third way in.
    assert raw.code(wire.send, put_path, [raw.flight_data(command={"context": "c"})])[0] == CODE.INVALID_ARGUMENT
    with pytest.raises(pa.ArrowKeyError):
        flights.get({"snapshot": "0" * 64})
    # What is damaged harms nobody else.
    assert rows(door.call("QueryService.AsOf", context="c"))[0] == [{"id": 1, "v": "a"}]
    for each in (door, wire, flights):
        each.close()


def damage(pack: pathlib.Path):
    content = bytearray(pack.read_bytes())
    for place in range(64, len(content) // 3, 7):
        content[place] ^= 0x40
    pack.chmod(0o644)
    pack.write_bytes(content)


def test_metrics_are_there_on_their_own_port(shared, door):
    import urllib.request

    door.call("LogService.GetHead")
    with urllib.request.urlopen(f"http://127.0.0.1:{shared.metrics_port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    for name in ("calotype_requests", "calotype_refusals", "calotype_connections"):
        assert name in text, text[:2_000]
    assert text.rstrip().endswith("# EOF")


def test_claims_are_alike_over_both_doors(shared, door, context):
    create(door, context)
    put(door, context, "2026-01-01T00:00:00Z", [(1, "a")])
    flights = flight_door.Door(shared.location)
    claim = flights.get({"as_of": {"context": context}}).claim
    _, header, _ = rows(door.call("QueryService.AsOf", context=context))
    typed = header.claim
    assert typed.store == claim["store"] and typed.schema_version == claim["schema_version"]
    assert json.loads(json.dumps(claim))["snapshot"]["id"] == typed.snapshot.id
    assert typed.completeness.status == claim["completeness"]["status"]
    assert typed.completeness.reason == claim["completeness"].get("reason", "")
    flights.close()
