"""A client of Riak's protocol buffers that hides nothing: frames, messages and fields as they are on the wire.

It is written from the published field numbers and shares no code with the server, so that a mistake cannot be made on
both sides at once.
"""
from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field as dataclass_field
from typing import Dict, Iterator, List, Optional, Tuple, Union

from kindred_process import Address

# Message codes.
ERROR = 0
PING, PONG = 1, 2
GET_CLIENT_ID, CLIENT_ID = 3, 4
SET_CLIENT_ID, CLIENT_ID_SET = 5, 6
GET_SERVER_INFO, SERVER_INFO = 7, 8
GET, GET_REPLY = 9, 10
PUT, PUT_REPLY = 11, 12
DELETE, DELETE_REPLY = 13, 14
LIST_BUCKETS, BUCKETS = 15, 16
LIST_KEYS, KEYS = 17, 18
GET_BUCKET, BUCKET = 19, 20
SET_BUCKET, BUCKET_SET = 21, 22
MAP_REDUCE = 23
INDEX = 25
RESET_BUCKET, BUCKET_RESET = 29, 30
GET_BUCKET_TYPE = 31
SET_BUCKET_TYPE = 32
PREFERENCE_LIST, PREFERENCE_LIST_REPLY = 33, 34
START_TLS = 255

# Quorums that are words.
ONE, QUORUM, ALL, DEFAULT = 4294967294, 4294967293, 4294967292, 4294967291

Value = Union[int, bytes]
Fields = Dict[int, List[Value]]


class ConnectionEnded(Exception):
    """The server closed the connection, or broke it."""


class RiakError(Exception):
    """The server answered with an error message."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


# Protocol buffers, as much as is needed


def varint(number: int) -> bytes:
    if number < 0:
        number += 1 << 64
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def field(number: int, value: Union[int, bytes, str, None]) -> bytes:
    """One field; nothing at all for None."""
    if value is None:
        return b""
    if isinstance(value, int):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def decode(message: bytes) -> Fields:
    """Every field of a message, by number, in order; fails on anything that is not a message."""
    fields: Fields = {}
    position = 0

    def read_varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7

    while position < len(message):
        key = read_varint()
        if key & 7 == 0:
            value: Value = read_varint()
        elif key & 7 == 2:
            length = read_varint()
            value = message[position:position + length]
            assert len(value) == length, "a field is cut off"
            position += length
        else:
            raise AssertionError(f"wire type {key & 7} is in none of Riak's messages")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def first(fields: Fields, number: int) -> Optional[Value]:
    values = fields.get(number)
    return values[-1] if values else None


def first_bytes(fields: Fields, number: int) -> Optional[bytes]:
    value = first(fields, number)
    assert value is None or isinstance(value, bytes), f"field {number} is not bytes"
    return value


# Messages


@dataclass
class Content:
    """One sibling."""

    value: bytes
    content_type: Optional[bytes] = None
    charset: Optional[bytes] = None
    content_encoding: Optional[bytes] = None
    vtag: Optional[bytes] = None
    last_modified: Optional[int] = None
    deleted: bool = False
    user_metadata: Dict[bytes, bytes] = dataclass_field(default_factory=dict)
    links: List[Tuple[bytes, bytes, bytes]] = dataclass_field(default_factory=list)
    indexes: List[Tuple[bytes, bytes]] = dataclass_field(default_factory=list)

    def encoded(self) -> bytes:
        out = field(1, self.value) + field(2, self.content_type) + field(3, self.charset)
        out += field(4, self.content_encoding)
        for bucket, key, tag in self.links:
            out += field(6, field(1, bucket) + field(2, key) + field(3, tag))
        for name, value in self.user_metadata.items():
            out += field(9, field(1, name) + field(2, value))
        for name, value in self.indexes:
            out += field(10, field(1, name) + field(2, value))
        return out

    @staticmethod
    def decoded(message: bytes) -> "Content":
        fields = decode(message)
        value = first_bytes(fields, 1)
        assert value is not None, "the value of a content is required"

        def pairs(number: int) -> List[Tuple[bytes, bytes]]:
            inner = [decode(entry) for entry in fields.get(number, []) if isinstance(entry, bytes)]
            return [(first_bytes(pair, 1) or b"", first_bytes(pair, 2) or b"") for pair in inner]

        links = [decode(entry) for entry in fields.get(6, []) if isinstance(entry, bytes)]
        seconds = first(fields, 7)
        return Content(
            value=value, content_type=first_bytes(fields, 2), charset=first_bytes(fields, 3),
            content_encoding=first_bytes(fields, 4), vtag=first_bytes(fields, 5),
            last_modified=seconds if isinstance(seconds, int) else None, deleted=bool(first(fields, 11)),
            user_metadata=dict(pairs(9)), indexes=pairs(10),
            links=[(first_bytes(x, 1) or b"", first_bytes(x, 2) or b"", first_bytes(x, 3) or b"") for x in links])


@dataclass
class Stored:
    """What a get or a put with a body answers."""

    contents: List[Content]
    context: Optional[bytes]
    unchanged: bool = False
    key: Optional[bytes] = None

    @property
    def values(self) -> List[bytes]:
        """The values of the siblings, sorted, without tombstones."""
        return sorted(content.value for content in self.contents if not content.deleted)


def get_request(
    bucket: bytes, key: bytes, type: Optional[bytes] = None, *, r: Optional[int] = None, pr: Optional[int] = None,
    basic_quorum: Optional[bool] = None, notfound_ok: Optional[bool] = None, if_modified: Optional[bytes] = None,
    head: Optional[bool] = None, deleted_context: Optional[bool] = None, timeout: Optional[int] = None,
    n_val: Optional[int] = None,
) -> bytes:
    return (
        field(1, bucket) + field(2, key) + field(3, r) + field(4, pr) + field(5, basic_quorum) + field(6, notfound_ok)
        + field(7, if_modified) + field(8, head) + field(9, deleted_context) + field(10, timeout) + field(12, n_val)
        + field(13, type))


def put_request(
    bucket: bytes, key: Optional[bytes], content: Union[bytes, Content], type: Optional[bytes] = None, *,
    context: Optional[bytes] = None, w: Optional[int] = None, dw: Optional[int] = None, pw: Optional[int] = None,
    return_body: Optional[bool] = None, return_head: Optional[bool] = None, if_not_modified: Optional[bool] = None,
    if_none_match: Optional[bool] = None, timeout: Optional[int] = None,
) -> bytes:
    if isinstance(content, bytes):
        content = Content(content, b"text/plain")
    return (
        field(1, bucket) + field(2, key) + field(3, context) + field(4, content.encoded()) + field(5, w) + field(6, dw)
        + field(7, return_body) + field(8, pw) + field(9, if_not_modified) + field(10, if_none_match)
        + field(11, return_head) + field(12, timeout) + field(16, type))


def delete_request(
    bucket: bytes, key: bytes, type: Optional[bytes] = None, *, context: Optional[bytes] = None,
    rw: Optional[int] = None,
) -> bytes:
    return field(1, bucket) + field(2, key) + field(3, rw) + field(4, context) + field(13, type)


def frame(code: int, body: bytes = b"") -> bytes:
    return struct.pack(">IB", len(body) + 1, code) + body


class Connection:
    """One socket. Sends and receives frames; the conveniences below raise RiakError for an error message."""

    def __init__(self, address: Address, seconds: float = 20) -> None:
        self.socket = socket.create_connection(address, seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Bytes and frames

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ConnectionEnded(str(error)) from error

    def _receive(self, count: int) -> bytes:
        while len(self._buffer) < count:
            try:
                data = self.socket.recv(65536)
            except ConnectionError as error:
                raise ConnectionEnded(str(error)) from error
            if not data:
                raise ConnectionEnded("closed by the server")
            self._buffer += data
        out = bytes(self._buffer[:count])
        del self._buffer[:count]
        return out

    def receive(self) -> Tuple[int, bytes]:
        """The next frame: its code and its body."""
        length = struct.unpack(">I", self._receive(4))[0]
        assert 1 <= length <= 64 * 1024 * 1024, f"the server sent a frame of {length} bytes"
        data = self._receive(length)
        return data[0], data[1:]

    def is_closed_by_server(self, seconds: float = 10) -> bool:
        """Waits for the server to close; False if it stays or sends something."""
        self.socket.settimeout(seconds)
        try:
            return not self._buffer and self.socket.recv(1) == b""
        except socket.timeout:
            return False
        except ConnectionError:
            return True

    def exchange(self, code: int, body: bytes = b"") -> Tuple[int, bytes]:
        self.send(frame(code, body))
        return self.receive()

    def call(self, code: int, body: bytes, reply: int) -> bytes:
        """Sends a request, insists on a reply of the right code and returns its body."""
        self.send(frame(code, body))
        return self._expect(reply)

    def _expect(self, reply: int) -> bytes:
        code, answer = self.receive()
        if code == ERROR:
            fields = decode(answer)
            error_code = first(fields, 2)
            assert isinstance(error_code, int), "errcode is required"
            raise RiakError((first_bytes(fields, 1) or b"").decode("utf-8", "replace"), error_code)
        assert code == reply, f"answered with message {code}, not {reply}"
        return answer

    # Requests

    def ping(self) -> None:
        assert self.call(PING, b"", PONG) == b""

    def get(self, bucket: bytes, key: bytes, type: Optional[bytes] = None, **options: object) -> Stored:
        fields = decode(self.call(GET, get_request(bucket, key, type, **options), GET_REPLY))  # type: ignore[arg-type]
        contents = [Content.decoded(entry) for entry in fields.get(1, []) if isinstance(entry, bytes)]
        return Stored(contents, first_bytes(fields, 2), bool(first(fields, 3)))

    def put(
        self, bucket: bytes, key: Optional[bytes], content: Union[bytes, Content], type: Optional[bytes] = None,
        **options: object,
    ) -> Stored:
        request = put_request(bucket, key, content, type, **options)  # type: ignore[arg-type]
        fields = decode(self.call(PUT, request, PUT_REPLY))
        contents = [Content.decoded(entry) for entry in fields.get(1, []) if isinstance(entry, bytes)]
        return Stored(contents, first_bytes(fields, 2), key=first_bytes(fields, 3))

    def delete(self, bucket: bytes, key: bytes, type: Optional[bytes] = None, **options: object) -> None:
        assert self.call(DELETE, delete_request(bucket, key, type, **options), DELETE_REPLY) == b""  # type: ignore[arg-type]

    def _stream(self, code: int, body: bytes, reply: int) -> Iterator[Fields]:
        self.send(frame(code, body))
        while True:
            fields = decode(self._expect(reply))
            yield fields
            if first(fields, 2):
                return

    def key_chunks(
        self, bucket: bytes, type: Optional[bytes] = None, timeout: Optional[int] = None,
    ) -> List[List[bytes]]:
        """The keys as they came, one list for each message but the last if that is empty."""
        chunks: List[List[bytes]] = []
        for fields in self._stream(LIST_KEYS, field(1, bucket) + field(2, timeout) + field(3, type), KEYS):
            keys = [key for key in fields.get(1, []) if isinstance(key, bytes)]
            if keys or not first(fields, 2):
                chunks.append(keys)
        return chunks

    def keys(self, bucket: bytes, type: Optional[bytes] = None) -> List[bytes]:
        return [key for chunk in self.key_chunks(bucket, type) for key in chunk]

    def buckets(self, type: Optional[bytes] = None) -> List[bytes]:
        """In one message, which has no `done`."""
        fields = decode(self.call(LIST_BUCKETS, field(3, type), BUCKETS))
        assert 2 not in fields, "an unstreamed list of buckets has no `done`"
        return [name for name in fields.get(1, []) if isinstance(name, bytes)]

    def streamed_buckets(self, type: Optional[bytes] = None) -> List[bytes]:
        names: List[bytes] = []
        for fields in self._stream(LIST_BUCKETS, field(2, True) + field(3, type), BUCKETS):
            names += [name for name in fields.get(1, []) if isinstance(name, bytes)]
        return names

    def properties(self, bucket: bytes, type: Optional[bytes] = None) -> Fields:
        return decode(first_bytes(decode(self.call(GET_BUCKET, field(1, bucket) + field(2, type), BUCKET)), 1) or b"")

    def set_properties(self, bucket: bytes, properties: bytes, type: Optional[bytes] = None) -> None:
        self.call(SET_BUCKET, field(1, bucket) + field(2, properties) + field(3, type), BUCKET_SET)

    def reset_properties(self, bucket: bytes, type: Optional[bytes] = None) -> None:
        self.call(RESET_BUCKET, field(1, bucket) + field(2, type), BUCKET_RESET)

    def type_properties(self, type: bytes) -> Fields:
        # Answered with the message of bucket properties.
        return decode(first_bytes(decode(self.call(GET_BUCKET_TYPE, field(1, type), BUCKET)), 1) or b"")

    def set_type_properties(self, type: bytes, properties: bytes) -> None:
        self.call(SET_BUCKET_TYPE, field(1, type) + field(2, properties), BUCKET_SET)
