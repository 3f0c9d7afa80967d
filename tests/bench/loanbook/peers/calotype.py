"""Calotype, one server process over TCP: an events context, open for import so that each commit brings its time.

Loads by Flight DoPut, one commit a put, durable on return. Points, histories and differences by gRPC; pulls by Flight
DoGet, uncompressed. Aggregates pull the two columns they need and add up in the client, until the server knows SQL.
The binary is named by CALOTYPE_BIN. Messages are generated from what the server's reflection tells.
"""
import json, os, signal
from decimal import Decimal
import grpc
import pyarrow as pa
import pyarrow.flight as flight
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from .base import *

DAY0 = dt.date(1970, 1, 1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
UTC = pa.timestamp("us", "UTC")


def instant_of_day(V):
    return "%sT00:00:00Z" % V.isoformat()


def instant(us):
    return iso(us).replace(" ", "T") + "Z"


def day_of(micros):
    return None if micros is None else DAY0 + dt.timedelta(microseconds=micros)


class Calotype(Peer):
    name = "calotype"

    def setup(self, workdir):
        self.work, port = workdir, free_port()
        self.log = open(os.path.join(workdir, "log"), "wb")
        self.process = subprocess.Popen(
            [os.environ["CALOTYPE_BIN"], "serve", "--store", os.path.join(workdir, "store"), "--listen", "127.0.0.1:%d" % port],
            stdout=self.log, stderr=self.log)
        self.address = "127.0.0.1:%d" % port
        wait_until(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close())
        self.flight = flight.connect("grpc://" + self.address)
        list(self.flight.do_action(("create_context", json.dumps(
            {"name": "loans", "key": ["loan_id"], "mode": "events", "import": True}).encode())))

    def load_day(self, t, commit):
        deleted = pc.equal(t["op"], "delete")
        day = lambda c: t[c].cast(pa.timestamp("us")).cast(UTC)
        rows = t.select(COLS).append_column("_op", pc.if_else(deleted, "retract", "assert"))
        rows = rows.append_column("_valid_from", day("valid_from")).append_column("_valid_to", day("valid_to"))
        command = {"context": "loans", "kind": "facts", "valid_to": "open", "recorded_at": instant(commit["recorded_us"])}
        writer, reader = self.flight.do_put(flight.FlightDescriptor.for_command(json.dumps(command)), rows.schema)
        writer.write_table(rows, max_chunksize=65_536)
        writer.done_writing()
        receipt = json.loads(reader.read().to_pybytes())
        writer.close()
        assert receipt["asserted"] + receipt["retracted"] == t.num_rows, receipt

    def prepare(self):
        self.channel = grpc.insecure_channel(self.address, [("grpc.max_receive_message_length", 64 << 20)])
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        self.calls = {}
        for name in ("GetEntity", "History", "Diff"):
            method = self.pool.FindServiceByName("calotype.v1.QueryService").FindMethodByName(name)
            request, response = map(message_factory.GetMessageClass, (method.input_type, method.output_type))
            make = self.channel.unary_stream if method.server_streaming else self.channel.unary_unary
            stub = make("/calotype.v1.QueryService/" + name, request.SerializeToString, response.FromString)
            self.calls[name] = (request, stub)

    @staticmethod
    def stamp(field, us):
        field.seconds, rest = divmod(us, 1_000_000)
        field.nanos = rest * 1000

    def place(self, point, V, S):
        self.stamp(point.valid_at, (V - DAY0).days * 86_400_000_000)
        self.stamp(point.known_at, S)

    def point_as_of(self, key, V, S):
        request, call = self.calls["GetEntity"]
        message = request(context="loans")
        message.key.columns["loan_id"].int_value = key
        self.place(message.point, V, S)
        answer = call(message)
        return tuple(map(self.plain, answer.row.values)) if answer.HasField("row") else None

    @staticmethod
    def plain(value):
        kind = value.WhichOneof("kind")
        if kind is None:
            return None
        found = getattr(value, kind)
        if kind == "decimal_value":
            return Decimal(found)
        if kind == "date_value":
            return DAY0 + dt.timedelta(days=found)
        if kind == "timestamp_value":
            return EPOCH + dt.timedelta(seconds=found.seconds, microseconds=found.nanos // 1000)
        return found

    def arrow(self, name, message):
        """A streamed answer in Arrow messages as a table."""
        stream, schema = pa.BufferOutputStream(), None
        for answer in self.calls[name][1](message):
            part = answer.part
            if part.WhichOneof("part") == "header":
                schema = part.header.arrow_schema
                self.frame(stream, schema, b"")
            elif part.WhichOneof("part") == "arrow":
                self.frame(stream, part.arrow.header, part.arrow.body)
        stream.write(b"\xff\xff\xff\xff\0\0\0\0")
        return pa.ipc.open_stream(stream.getvalue()).read_all()

    @staticmethod
    def frame(stream, header, body):
        header = header + b"\0" * (-len(header) % 8)
        stream.write(b"\xff\xff\xff\xff" + len(header).to_bytes(4, "little") + header + body)

    def history(self, key):
        message = self.calls["History"][0](context="loans", form=1, format=2)
        message.keys.add().columns["loan_id"].int_value = key
        table = self.arrow("History", message)
        micros = lambda c: table[c].cast(pa.int64()).to_pylist()
        times = zip(micros("_valid_from"), micros("_valid_to"), micros("_system_from"), table["_op"].to_pylist())
        return [dict(row, op="delete" if op == "retract" else "upsert", valid_from=day_of(a), valid_to=day_of(b), sys_from=s, sys_to=None)
                for row, (a, b, s, op) in zip(table.select(COLS).to_pylist(), times)]

    def ticket(self, V, S, **more):
        body = {"context": "loans", "valid_at": instant_of_day(V), "known_at": instant(S), **more}
        return flight.Ticket(json.dumps({"as_of": body}))

    def pull_as_of(self, V, S):
        table = self.flight.do_get(self.ticket(V, S)).read_all().replace_schema_metadata(None)
        return table if table.num_columns else COLUMNS.empty_table()

    def aggregate_as_of(self, V, S):
        table = self.flight.do_get(self.ticket(V, S, columns=["status", "balance"])).read_all()
        if not table.num_rows:
            return []
        sums = table.group_by("status").aggregate([([], "count_all"), ("balance", "sum")])
        rows = zip(*(sums[c].to_pylist() for c in ("status", "count_all", "balance_sum")))
        return sorted((s, n, b) for s, n, b in rows)

    def diff(self, p1, p2):
        message = self.calls["Diff"][0](context="loans", format=2)
        self.place(getattr(message, "from"), *p1)
        self.place(message.to, *p2)
        table = self.arrow("Diff", message)
        kind = pc.replace_substring(table["_change"], "changed_to", "changed")
        table = table.select(COLS).add_column(0, "kind", kind)
        return table.filter(pc.not_equal(kind, "changed_from"))

    def storage_bytes(self):
        return dir_bytes(os.path.join(self.work, "store"))

    def close(self):
        for close in ("channel", "flight"):
            if hasattr(self, close):
                getattr(self, close).close()
        if hasattr(self, "process"):
            stop(self.process, signal.SIGTERM)
            self.log.close()
