"""gRPC without generated code: what the server's reflection tells is all there is."""

import datetime

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Door:
    def __init__(self, address, principal=None):
        self.channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", 32 << 20)])
        self.reflected = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.reflected)
        self.metadata = [("calotype-principal", principal)] if principal else []

    def close(self):
        self.channel.close()

    def message(self, name, **fields):
        full_name = name if "." in name else f"calotype.v1.{name}"
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full_name))(**fields)

    def call(self, method, timeout=30, metadata=(), **fields):
        """Calls `Service.Method`; a list of messages where the answer is a stream."""
        service_name, method_name = method.split(".")
        service = self.pool.FindServiceByName(f"calotype.v1.{service_name}")
        descriptor = service.FindMethodByName(method_name)
        request = message_factory.GetMessageClass(descriptor.input_type)(**fields)
        response = message_factory.GetMessageClass(descriptor.output_type)
        path = f"/{service.full_name}/{method_name}"
        make = self.channel.unary_stream if descriptor.server_streaming else self.channel.unary_unary
        stub = make(path, lambda message: message.SerializeToString(), response.FromString)
        answer = stub(request, timeout=timeout, metadata=[*self.metadata, *metadata])
        return list(answer) if descriptor.server_streaming else answer

    def value(self, value):
        kinds = {bool: "bool_value", int: "int_value", str: "string_value", bytes: "bytes_value"}
        return self.message("Value", **{kinds[type(value)]: value})

    def point(self, valid_at=None, known_at=None):
        point = self.message("Point")
        for name, micros in (("valid_at", valid_at), ("known_at", known_at)):
            if micros is not None:
                field = getattr(point, name)
                field.seconds, rest = divmod(micros, 1_000_000)
                field.nanos = rest * 1000
        return point


def rows(parts):
    """The rows of a streamed answer in values, as dictionaries, and its end."""
    parts = [message.part for message in parts]
    assert parts[0].WhichOneof("part") == "header", "the header comes first"
    assert parts[-1].WhichOneof("part") == "end", "the answer was cut short"
    names = [column.name for column in parts[0].header.columns]
    found = []
    for part in parts[1:-1]:
        for row in part.rows.rows:
            assert len(row.values) == len(names)
            found.append(dict(zip(names, map(plain, row.values))))
    assert len(found) == parts[-1].end.rows
    return found, parts[0].header, parts[-1].end


def plain(value):
    kind = value.WhichOneof("kind")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "timestamp_value":
        return EPOCH + datetime.timedelta(seconds=found.seconds, microseconds=found.nanos // 1000)
    return found


def error_info(error):
    """The one ErrorInfo of a failed call, and the names of all details."""
    packed = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    assert len(packed) == 1, f"no details: {error}"
    details = status_pb2.Status.FromString(packed[0]).details
    infos = [detail for detail in details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    assert len(infos) == 1, "exactly one ErrorInfo"
    info = error_details_pb2.ErrorInfo()
    infos[0].Unpack(info)
    assert info.domain == "calotype"
    return info, [detail.TypeName() for detail in details]
