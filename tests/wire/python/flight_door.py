"""Arrow Flight with pyarrow and nothing else: what a user would write."""

import json

import pyarrow as pa
import pyarrow.flight as flight


class Door:
    def __init__(self, location, principal=None):
        self.client = flight.connect(location)
        headers = [(b"calotype-principal", principal.encode())] if principal else []
        self.options = flight.FlightCallOptions(headers=headers)

    def close(self):
        self.client.close()

    def act(self, action, body):
        results = list(self.client.do_action((action, json.dumps(body).encode()), self.options))
        assert len(results) == 1, "an action answers one JSON object"
        return json.loads(results[0].body.to_pybytes())

    def put(self, command, table, batch_rows=None):
        """Puts a table; returns the receipt."""
        descriptor = flight.FlightDescriptor.for_command(json.dumps(command))
        writer, reader = self.client.do_put(descriptor, table.schema, self.options)
        try:
            writer.write_table(table, batch_rows) if batch_rows else writer.write_table(table)
            writer.done_writing()
            receipt = reader.read()
            assert reader.read() is None, "one receipt"
        finally:
            writer.close()
        assert receipt is not None, "a receipt"
        return json.loads(receipt.to_pybytes())

    def get(self, ticket):
        """Reads an answer: its table, claim and end."""
        raw = ticket if isinstance(ticket, bytes) else json.dumps(ticket).encode()
        return read(self.client.do_get(flight.Ticket(raw), self.options))

    def info(self, ticket):
        descriptor = flight.FlightDescriptor.for_command(json.dumps(ticket))
        return self.client.get_flight_info(descriptor, self.options)


def read(reader):
    """All of a stream, with what closes it."""
    claim = json.loads(reader.schema.metadata[b"calotype.claim"])
    batches, end = [], None
    while True:
        try:
            chunk = reader.read_chunk()
        except StopIteration:
            break
        assert end is None, "nothing comes after the end"
        if chunk.data is not None:
            batches.append(chunk.data)
        if chunk.app_metadata is not None:
            end = json.loads(chunk.app_metadata.to_pybytes())["calotype.end"]
    assert end is not None, "the answer was cut short"
    table = pa.Table.from_batches(batches, reader.schema.remove_metadata())
    table.validate(full=True)
    # Keys come as columns that are never null; what was put did not say so.
    table = table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))
    assert table.num_rows == end["rows"]
    return Answer(table, claim, end)


class Answer:
    def __init__(self, table, claim, end):
        self.table, self.claim, self.end = table, claim, end

    def rows(self):
        return self.table.to_pylist()
