"""Frames of the protocol buffers port: what is well formed, what is not, and what becomes of the connection."""
from __future__ import annotations

import random
import socket
import struct
import time

import riak_pb
from node import NodeTest
from riak_pb import Connection, decode, field, first_bytes, frame


class Framing(NodeTest):
    def error_text(self, connection: Connection) -> str:
        code, body = connection.receive()
        self.assertEqual(code, riak_pb.ERROR, f"answered with message {code} instead of an error")
        fields = decode(body)
        self.assertIn(2, fields, "errcode is required")
        return (first_bytes(fields, 1) or b"").decode()

    def test_the_server_does_not_speak_first(self) -> None:
        self.pb.socket.settimeout(0.3)
        with self.assertRaises(socket.timeout):
            self.pb.socket.recv(1)

    def test_a_ping_is_five_bytes_each_way(self) -> None:
        self.pb.send(b"\x00\x00\x00\x01\x01")
        self.assertEqual(self.pb.socket.recv(100), b"\x00\x00\x00\x01\x02")

    def test_an_unknown_code_is_an_error_and_the_connection_stays(self) -> None:
        for code in (111, 150, 199, 252, 253):
            self.assert_refused(f"Unknown message code: {code}", code, b"")

    def test_every_message_left_out_is_an_error_and_the_connection_stays(self) -> None:
        # MapReduce, indexes, search, Riak CS, counters, Yokozuna, coverage, data types, time series, replication, AAE.
        for code in (23, 25, 27, 40, 50, 52, 54, 56, 58, 60, 70, 80, 82, 90, 100, 200, 202, 210, 220):
            with self.subTest(code=code):
                self.pb.send(frame(code, field(1, b"x") + field(2, b"y")))
                self.assertNotEqual(self.error_text(self.pb), "")
                self.pb.ping()

    def test_a_reply_sent_as_a_request_is_an_error(self) -> None:
        for code in (0, 2, 10, 12, 14, 16, 18, 20, 22, 30, 34):
            with self.subTest(code=code):
                self.pb.send(frame(code))
                self.assertNotEqual(self.error_text(self.pb), "")
                self.pb.ping()

    def test_starttls_is_refused_at_once(self) -> None:
        begun = time.monotonic()
        self.assert_refused("Security not enabled; STARTTLS not allowed.", riak_pb.START_TLS, b"")
        self.assertLess(time.monotonic() - begun, 2)

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        requests = []
        for number in range(500):
            value = b"%d" % number
            requests.append(frame(riak_pb.PUT, riak_pb.put_request(self.bucket, b"k", value)))
            requests.append(frame(riak_pb.GET, riak_pb.get_request(self.bucket, b"k")))
            requests.append(frame(riak_pb.PING))
        self.pb.send(b"".join(requests))
        for number in range(500):
            self.assertEqual(self.pb.receive(), (riak_pb.PUT_REPLY, b""))
            code, body = self.pb.receive()
            self.assertEqual(code, riak_pb.GET_REPLY)
            content = first_bytes(decode(body), 1)
            self.assertEqual(riak_pb.Content.decoded(content or b"").value, b"%d" % number)
            self.assertEqual(self.pb.receive(), (riak_pb.PONG, b""))

    def test_a_request_after_a_listing_is_answered_after_it_or_refused(self) -> None:
        # Riak drops a connection that does not wait for the end of a stream; answering it in turn is allowed, too.
        for number in range(50):
            self.pb.put(self.bucket, b"%d" % number, b"v")
        self.pb.send(frame(riak_pb.LIST_KEYS, field(1, self.bucket)) + frame(riak_pb.PING))
        keys, done = [], False
        while not done:
            code, body = self.pb.receive()
            if code == riak_pb.ERROR:
                self.assertIn("Cannot send another request while one is in progress", body.decode("latin-1"))
                self.assertTrue(self.pb.is_closed_by_server())
                return
            self.assertEqual(code, riak_pb.KEYS)
            fields = decode(body)
            keys += fields.get(1, [])
            done = bool(riak_pb.first(fields, 2))
        self.assertEqual(len(keys), 50)
        self.assertEqual(self.pb.receive(), (riak_pb.PONG, b""))

    def test_a_frame_without_a_code_ends_the_connection_with_an_error(self) -> None:
        self.pb.send(b"\x00\x00\x00\x00")
        self.assertTrue(self.error_text(self.pb).startswith("Invalid message packet, reason: "))
        self.assertTrue(self.pb.is_closed_by_server())

    def test_a_frame_that_is_too_long_ends_the_connection_with_an_error(self) -> None:
        for length in (65 * 1024 * 1024, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            with self.subTest(length=length):
                connection = self.new_pb()
                connection.send(struct.pack(">IB", length, riak_pb.PUT) + b"x" * 1000)
                self.assertTrue(self.error_text(connection).startswith("Invalid message packet, reason: "))
                self.assertTrue(connection.is_closed_by_server())

    def test_http_on_this_port_is_refused(self) -> None:
        self.pb.send(b"GET /buckets/b/keys/k HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(self.error_text(self.pb).startswith("Invalid message packet, reason: "))
        self.assertTrue(self.pb.is_closed_by_server())

    def test_a_body_that_is_no_message_ends_the_connection_with_an_error(self) -> None:
        bodies = [
            b"\xff\xff\xff",  # a field number that never ends
            b"\x0a\x7fab",  # a field of 127 bytes, of which two are there
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a field of 2^63-1 bytes
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a varint of eleven bytes
            b"\x08\x01\x12\x01k",  # a number where the bucket should be
            b"\x0f",  # wire type 7
        ]
        for body in bodies:
            for code in (riak_pb.GET, riak_pb.PUT, riak_pb.DELETE, riak_pb.LIST_KEYS, riak_pb.SET_BUCKET):
                with self.subTest(code=code, body=body):
                    connection = self.new_pb()
                    connection.send(frame(code, body))
                    self.assertTrue(self.error_text(connection).startswith("Error processing incoming message: "))
                    self.assertTrue(connection.is_closed_by_server())

    def test_a_message_without_a_required_field_is_an_error(self) -> None:
        for code, body in [
            (riak_pb.GET, field(2, b"k")), (riak_pb.GET, field(1, b"b")), (riak_pb.PUT, field(1, b"b") + field(2, b"k")),
            (riak_pb.DELETE, field(1, b"b")), (riak_pb.LIST_KEYS, b""), (riak_pb.GET_BUCKET, b""),
            (riak_pb.SET_BUCKET, field(1, b"b")), (riak_pb.GET_BUCKET_TYPE, b""), (riak_pb.SET_CLIENT_ID, b""),
            (riak_pb.PREFERENCE_LIST, field(1, b"b")),
        ]:
            with self.subTest(code=code, body=body):
                connection = self.new_pb()
                connection.send(frame(code, body))
                self.assertNotEqual(self.error_text(connection), "")

    def test_unknown_fields_are_ignored(self) -> None:
        self.pb.put(self.bucket, b"k", b"v")
        later = riak_pb.varint(200 << 3 | 2) + riak_pb.varint(3) + b"new" + riak_pb.varint(201 << 3) + riak_pb.varint(7)
        later += riak_pb.varint(202 << 3 | 5) + b"1234" + riak_pb.varint(203 << 3 | 1) + b"12345678"
        body = self.pb.call(riak_pb.GET, riak_pb.get_request(self.bucket, b"k") + later, riak_pb.GET_REPLY)
        self.assertEqual(riak_pb.Content.decoded(first_bytes(decode(body), 1) or b"").value, b"v")
        put = riak_pb.put_request(self.bucket, b"k2", b"w") + later
        self.pb.call(riak_pb.PUT, put, riak_pb.PUT_REPLY)
        self.assertEqual(self.pb.get(self.bucket, b"k2").values, [b"w"])

    def test_fields_in_another_order_mean_the_same(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", b"siblings")
        body = self.pb.call(
            riak_pb.GET, field(13, b"siblings") + field(2, b"k") + field(8, False) + field(1, self.bucket),
            riak_pb.GET_REPLY)
        self.assertEqual(riak_pb.Content.decoded(first_bytes(decode(body), 1) or b"").value, b"v")

    def test_random_bytes_neither_crash_nor_hang_the_server(self) -> None:
        seed = 20261123
        source = random.Random(seed)
        codes = list(range(0, 40)) + [50, 80, 82, 253, 255]
        for number in range(400):
            with self.subTest(seed=seed, number=number):
                connection = Connection(self.node.pb, 10)
                body = bytes(source.randrange(256) for _ in range(source.randrange(60)))
                if number % 2:
                    # Near to something real: a true request with a few bytes changed.
                    real = bytearray(riak_pb.put_request(self.bucket, b"k", b"v", b"siblings", context=b"\x01" * 9, w=2))
                    for _ in range(source.randrange(1, 5)):
                        real[source.randrange(len(real))] = source.randrange(256)
                    body = bytes(real)
                    code = source.choice([riak_pb.GET, riak_pb.PUT, riak_pb.DELETE])
                else:
                    code = source.choice(codes)
                connection.send(frame(code, body))
                # An answer or the end of the connection, but not silence.
                try:
                    connection.receive()
                except riak_pb.ConnectionEnded:
                    pass
                connection.close()
        self.new_pb().ping()


class ConnectionState(NodeTest):
    def test_the_client_id_is_zero_until_set_and_belongs_to_the_connection(self) -> None:
        def client_id(connection: Connection) -> bytes:
            return first_bytes(decode(connection.call(riak_pb.GET_CLIENT_ID, b"", riak_pb.CLIENT_ID)), 1) or b""

        self.assertEqual(client_id(self.pb), b"\0\0\0\0")
        self.assertEqual(self.pb.call(riak_pb.SET_CLIENT_ID, field(1, b"me!\xff"), riak_pb.CLIENT_ID_SET), b"")
        self.assertEqual(client_id(self.pb), b"me!\xff")
        self.assertEqual(client_id(self.new_pb()), b"\0\0\0\0")

    def test_the_server_names_its_node_and_a_version_of_three_numbers(self) -> None:
        info = decode(self.pb.call(riak_pb.GET_SERVER_INFO, b"", riak_pb.SERVER_INFO))
        self.assertEqual(first_bytes(info, 1), b"riak@127.0.0.1")
        numbers = (first_bytes(info, 2) or b"").decode().split(".")
        self.assertEqual(len(numbers), 3)
        # What makes Riak's clients use everything they know.
        self.assertGreaterEqual([int(number) for number in numbers], [2, 1, 2])
