"""The bulletins over the wire: put by pyarrow, asked over Flight and gRPC, equal to a naive reader."""

import concurrent.futures
import random

import grpc_door
import pyarrow as pa
import pyarrow.flight as flight
import pytest
from flight_door import Door, read
from naive import DAY, KEYS, publications, state, text_of

POINTS = 1_000


def table_of(publication):
    columns = [
        pa.array([record[place] or None for record in publication.records], pa.string())
        for place in range(len(publication.header))
    ]
    return pa.Table.from_arrays(columns, publication.header)


def load(door, feed):
    """Puts all publications; returns what was refused."""
    for name, key in KEYS.items():
        body = {"name": name, "key": key, "mode": "state", "import": True}
        assert door.act("create_context", body)["created"] is True
    refused = []
    for publication in feed:
        common = {"context": publication.context, "cutoff": text_of(publication.cutoff)}
        common["recorded_at"] = text_of(publication.recorded_at)
        if publication.withdrawn:
            door.act("withdraw_cutoff", common)
        elif publication.header is not None:
            try:
                door.put({**common, "kind": "full", "evolve": True}, table_of(publication))
                assert publication.fits, publication.file
            except pa.ArrowInvalid as error:
                assert not publication.fits, (publication.file, error)
                refused.append((publication.file, str(error)))
    return refused


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("bulletins")
    server = Server(folder / "store", folder / "log")
    feed = publications()
    assert len(feed) == 4_022
    door = Door(server.location)
    refused = load(door, feed)
    assert len(refused) == 5, refused
    assert "come more than once" in refused[2][1], refused[2]
    yield server, door, feed
    door.close()
    assert server.stop() == 0


@pytest.fixture(scope="module")
def points(loaded):
    _, _, feed = loaded
    seed = random.Random(1_000)
    times = [publication.recorded_at for publication in feed]
    first = min(publication.cutoff for publication in feed)
    drawn = [
        (
            seed.choice(list(KEYS)),
            first - 3 * DAY + seed.randrange(690 * 24) * (DAY // 24),
            seed.choice(times) + seed.choice([0, -1, DAY // 6]),
        )
        for _ in range(POINTS)
    ]
    expected = [state(feed, *point) for point in drawn]
    assert len({repr(sorted(rows.items())) for rows in expected}) > 400, "the points differ"
    return list(zip(drawn, expected))


def keyed(rows, context):
    rows = [{name: value for name, value in row.items() if value is not None} for row in rows]
    found = {tuple(row[name] for name in KEYS[context]): row for row in rows}
    assert len(found) == len(rows), "each key once"
    return found


def ticket_of(context, valid_at, known_at):
    return {"as_of": {"context": context, "valid_at": text_of(valid_at), "known_at": text_of(known_at)}}


def test_a_thousand_points_over_flight(loaded, points):
    _, door, _ = loaded
    for (context, valid_at, known_at), expected in points:
        answer = door.get(ticket_of(context, valid_at, known_at))
        assert keyed(answer.rows(), context) == expected, (context, valid_at, known_at)
        assert answer.claim["valid_at"] == text_of(valid_at)
        assert answer.claim["known_at"] == text_of(known_at)
        order = [tuple(row[name].encode() for name in KEYS[context]) for row in answer.rows()]
        assert order == sorted(order), "sorted by key"


def test_a_thousand_points_over_grpc(loaded, points):
    server, flight_door, _ = loaded
    door = grpc_door.Door(server.address)
    for (context, valid_at, known_at), expected in points:
        parts = door.call("QueryService.AsOf", context=context, point=door.point(valid_at, known_at))
        rows, header, end = grpc_door.rows(parts)
        assert keyed(rows, context) == expected, (context, valid_at, known_at)
        assert header.claim.context == context
    # The last one by both doors: one result hash.
    assert flight_door.get(ticket_of(context, valid_at, known_at)).end["result_hash"] == end.result_hash
    door.close()


def test_single_entities_over_grpc(loaded, points):
    server, _, _ = loaded
    door = grpc_door.Door(server.address)
    seed = random.Random(7)
    for (context, valid_at, known_at), expected in points[:300]:
        if not expected:
            continue
        key = seed.choice(list(expected))
        columns = {name: door.value(value) for name, value in zip(KEYS[context], key)}
        answer = door.call(
            "QueryService.GetEntity",
            context=context,
            key=door.message("Key", columns=columns),
            point=door.point(valid_at, known_at),
        )
        names = [column.name for column in answer.columns]
        row = dict(zip(names, map(grpc_door.plain, answer.row.values)))
        assert {name: value for name, value in row.items() if value is not None} == expected[key]
    door.close()


def test_settled_answers_survive_a_kill(loaded, points):
    server, door, _ = loaded
    chosen = points[:40]
    before = [door.get(ticket_of(*point)).end["result_hash"] for point, _ in chosen]
    server.kill()
    server.start()
    again = Door(server.location)
    assert [again.get(ticket_of(*point)).end["result_hash"] for point, _ in chosen] == before
    again.close()


def test_parallel_pulls_of_endpoints_give_one_answer(make_server, tmp_path):
    server = make_server(None, "--set", "limits.endpoint_rows=1000")
    door = Door(server.location)
    door.act("create_context", {"name": "wide", "key": ["id"], "mode": "state"})
    rows = 60_000
    table = pa.table({"id": pa.array(range(rows), pa.int64()), "v": pa.array([i * 7 % 1013 for i in range(rows)])})
    door.put({"context": "wide", "kind": "full", "cutoff": "2026-01-01T00:00:00Z"}, table)
    change = table.slice(1_000, 3_000).set_column(1, "v", pa.array([-1] * 3_000, pa.int64()))
    door.put({"context": "wide", "kind": "delta", "cutoff": "2026-01-02T00:00:00Z"}, change)
    ticket = {"as_of": {"context": "wide", "valid_at": "2026-01-03T00:00:00Z"}}
    info = door.info(ticket)
    assert len(info.endpoints) > 2, "several endpoints"
    # What is committed in between is not part of the answer: both times are fixed.
    door.put({"context": "wide", "kind": "delta", "cutoff": "2026-01-02T12:00:00Z"}, table.slice(0, 5))

    def pull(endpoint):
        client = flight.connect(server.location)
        answer = read(client.do_get(endpoint.ticket))
        client.close()
        return answer

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(pull, info.endpoints))
    assert len({(part.claim["valid_at"], part.claim["known_at"]) for part in parts}) == 1
    known_at = parts[0].claim["known_at"]
    ticket["as_of"]["known_at"] = known_at
    whole = door.get(ticket)
    assert pa.concat_tables(part.table for part in parts).equals(whole.table)
    assert whole.table.num_rows == rows
    door.close()
