"""Several servers on one S3 bucket, and several on one folder: no lock, no lease, no lost commit."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import grpc_door
import pyarrow as pa
import pytest
from flight_door import Door
from server import Server, free_port

NODES, WRITERS, PUTS = 3, 6, 8


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A bucket on a test server; gives its URL and the environment that reaches it."""
    port = free_port()
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    process = subprocess.Popen(
        [pathlib.Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
    )
    endpoint = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/calotype-tests", method="PUT"), timeout=5).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "the bucket's server does not start"
            # polls: until the bucket is there
            time.sleep(0.1)
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }
    yield environment
    process.kill()
    process.wait()
    log.close()


@pytest.fixture(params=["folder", "bucket"])
def nodes(request, tmp_path):
    """Servers on one store, each with an index of its own."""
    environment, store = {}, str(tmp_path / "store")
    if request.param == "bucket":
        environment = request.getfixturevalue("bucket")
        store = f"s3://calotype-tests/{os.urandom(6).hex()}"
    servers = [
        Server(store, tmp_path / f"log{n}", "--state", str(tmp_path / f"state{n}"), environment=environment)
        for n in range(NODES)
    ]
    yield servers
    for server in servers:
        if server.alive():
            server.kill()


def test_many_writers_on_one_store(nodes):
    doors = [Door(server.location) for server in nodes]
    doors[0].act("create_context", {"name": "c", "key": ["id"], "mode": "events"})

    def write(writer):
        door, receipts = Door(nodes[writer % NODES].location), []
        for number in range(PUTS):
            table = pa.table({"id": [writer * 1_000 + number], "_valid_from": ["2026-01-01T00:00:00Z"]})
            command = {"context": "c", "kind": "facts", "valid_to": "open", "idempotency_key": f"{writer}-{number}"}
            while True:
                try:
                    receipts.append(door.put(command, table))
                    break
                except (pa.ArrowKeyError, pa.ArrowInvalid):
                    # Another node has created the context; this one has not heard of it yet.
                    if number:
                        raise
        door.close()
        return receipts

    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        receipts = [receipt for written in pool.map(write, range(WRITERS)) for receipt in written]
    places = {(receipt["commit"], receipt["entry"]) for receipt in receipts}
    assert len(places) == WRITERS * PUTS, "each put once, each at a place of its own"
    newest = max(receipt["commit"] for receipt in receipts)
    ticket = {"as_of": {"context": "c", "valid_at": "2026-01-02T00:00:00Z"}, "at_least": newest}
    answers = [door.get(ticket) for door in doors]
    expected = sorted(writer * 1_000 + number for writer in range(WRITERS) for number in range(PUTS))
    assert [answer.table["id"].to_pylist() for answer in answers] == [expected] * NODES
    assert len({answer.end["result_hash"] for answer in answers}) == 1
    assert len({answer.claim["record"]["hash"] for answer in answers}) == 1, "one log"
    # The same keys again, on another node each: answered with the first receipts.
    for writer in range(WRITERS):
        table = pa.table({"id": [writer * 1_000], "_valid_from": ["2026-01-01T00:00:00Z"]})
        command = {"context": "c", "kind": "facts", "valid_to": "open", "idempotency_key": f"{writer}-0"}
        again = doors[(writer + 1) % NODES].put(command, table)
        assert again["replayed"] and (again["commit"], again["entry"]) in places


def test_a_write_is_read_on_any_node_at_once(nodes):
    doors = [Door(server.location) for server in nodes]
    doors[0].act("create_context", {"name": "c", "key": ["id"], "mode": "state"})
    for number in range(15):
        table = pa.table({"id": [1], "v": [number]})
        command = {"context": "c", "kind": "full", "cutoff": "2026-01-01T00:00:00Z"}
        if number == 0:
            receipt = doors[0].put(command, table)
        else:
            receipt = doors[number % NODES].put({**command, "expected_commit": receipt["commit"]}, table)
        ticket = {"as_of": {"context": "c", "valid_at": "2026-01-02T00:00:00Z"}, "at_least": receipt["commit"]}
        for door in doors:
            assert door.get(ticket).table["v"].to_pylist() == [number]


def test_a_context_is_known_on_any_node_at_once(nodes):
    door, others = Door(nodes[0].location), [grpc_door.Door(server.address) for server in nodes[1:]]
    for number in range(5):
        door.act("create_context", {"name": f"c{number}", "key": ["id"], "mode": "state"})
        for other in others:
            assert other.call("ContextService.GetContext", name=f"c{number}").context.key == ["id"]


def test_followers_see_a_commit_within_a_second(nodes):
    doors = [Door(server.location) for server in nodes]
    doors[0].act("create_context", {"name": "c", "key": ["id"], "mode": "state"})
    ticket = {"as_of": {"context": "c", "valid_at": "2026-01-02T00:00:00Z"}}
    waits = []
    for number in range(5):
        command = {"context": "c", "kind": "full", "cutoff": "2026-01-01T00:00:00Z"}
        doors[0].put(command, pa.table({"id": [1], "v": [number]}))
        done = time.monotonic()
        for door in doors[1:]:
            while True:
                try:
                    if door.get(ticket).table["v"].to_pylist() == [number]:
                        break
                except (pa.ArrowKeyError, KeyError):
                    assert number == 0
                assert time.monotonic() - done < 10, "a follower lags behind"
                # polls: until the followers have it
                time.sleep(0.01)
        waits.append(time.monotonic() - done)
    assert sorted(waits)[len(waits) // 2] < 1, waits


def test_a_node_that_dies_takes_nothing_with_it(nodes):
    doors = [Door(server.location) for server in nodes]
    doors[0].act("create_context", {"name": "c", "key": ["id"], "mode": "events"})
    receipts = []
    for number in range(12):
        node = number % NODES
        if number == 6:
            nodes[1].kill()
        if not nodes[node].alive():
            node = 0
        table = pa.table({"id": [number], "_valid_from": ["2026-01-01T00:00:00Z"]})
        receipts.append(doors[node].put({"context": "c", "kind": "facts", "valid_to": "open"}, table))
    nodes[1].start()
    door = Door(nodes[1].location)
    ticket = {"as_of": {"context": "c", "valid_at": "2026-01-02T00:00:00Z"}, "at_least": receipts[-1]["commit"]}
    assert door.get(ticket).table["id"].to_pylist() == list(range(12))
