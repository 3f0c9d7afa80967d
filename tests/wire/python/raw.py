"""gRPC with bytes: whatever a client could send, made by hand."""

import json

import grpc

FLIGHT = "/arrow.flight.protocol.FlightService/"


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """A length-delimited field of a protobuf message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def ticket(body):
    return field(1, body if isinstance(body, bytes) else json.dumps(body).encode())


def descriptor(command):
    command = command if isinstance(command, bytes) else json.dumps(command).encode()
    return varint(1 << 3) + varint(2) + field(2, command)


def action(kind, body):
    return field(1, kind.encode()) + field(2, body if isinstance(body, bytes) else json.dumps(body).encode())


def flight_data(header=b"", body=b"", command=None):
    """A FlightData message."""
    out = field(1, descriptor(command)) if command is not None else b""
    return out + field(2, header) + field(1000, body)


class Wire:
    """Calls by path, messages as bytes."""

    def __init__(self, address, **options):
        options = [("grpc.max_receive_message_length", 64 << 20), *options.items()]
        self.channel = grpc.insecure_channel(address, options)

    def close(self):
        self.channel.close()

    def unary(self, path, message, timeout=30, metadata=()):
        return self.channel.unary_unary(path)(message, timeout=timeout, metadata=metadata)

    def read(self, path, message, timeout=30, metadata=()):
        return list(self.channel.unary_stream(path)(message, timeout=timeout, metadata=metadata))

    def send(self, path, messages, timeout=30, metadata=()):
        return list(self.channel.stream_stream(path)(iter(messages), timeout=timeout, metadata=metadata))


def code(call, *arguments, **options):
    """The code and the message that a call fails with; OK where it does not."""
    try:
        call(*arguments, **options)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""
