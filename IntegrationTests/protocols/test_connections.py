"""Connections that are slow, cut, reset, or very many."""
from __future__ import annotations

import socket
import struct
import threading
import time
from typing import List

import riak_http
import riak_pb
from kindred_process import allow_many_descriptors
from node import NodeTest
from riak_pb import Connection, frame, get_request, put_request

IDLE_CONNECTIONS = 2000


class Slow(NodeTest):
    def test_one_byte_at_a_time_over_protocol_buffers(self) -> None:
        put = frame(riak_pb.PUT, put_request(self.bucket, b"k", b"slow")) + frame(riak_pb.PING)
        for number in range(len(put)):
            self.pb.send(put[number:number + 1])
        self.assertEqual(self.pb.receive(), (riak_pb.PUT_REPLY, b""))
        self.assertEqual(self.pb.receive(), (riak_pb.PONG, b""))
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b"slow"])

    def test_one_byte_at_a_time_over_http(self) -> None:
        request = b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nslow"
        request %= self.path("k").encode()
        for number in range(len(request)):
            self.http.send_raw(request[number:number + 1])
        self.assert_status(self.http.receive("PUT"), 204)
        self.assertEqual(self.http.get(self.path("k")).body, b"slow")

    def test_a_request_in_two_halves_with_others_between(self) -> None:
        request = frame(riak_pb.PUT, put_request(self.bucket, b"k", b"v" * 5000))
        self.pb.send(request[:2500])
        other = self.new_pb()
        for _ in range(20):
            other.ping()
        self.pb.send(request[2500:])
        self.assertEqual(self.pb.receive(), (riak_pb.PUT_REPLY, b""))


class Cut(NodeTest):
    def test_a_client_that_has_said_all_is_answered(self) -> None:
        self.pb.put(self.bucket, b"k", b"v")
        connection = self.new_pb()
        connection.send(frame(riak_pb.PING) + frame(riak_pb.GET, get_request(self.bucket, b"k")))
        connection.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(connection.receive(), (riak_pb.PONG, b""))
        self.assertEqual(connection.receive()[0], riak_pb.GET_REPLY)
        self.assertTrue(connection.is_closed_by_server())

    def test_half_a_frame_and_then_the_end(self) -> None:
        request = frame(riak_pb.PUT, put_request(self.bucket, b"half", b"v"))
        for length in range(1, len(request)):
            connection = Connection(self.node.pb)
            connection.send(request[:length])
            connection.close()
        connection = self.new_pb()
        connection.send(request[:-1])
        connection.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(connection.is_closed_by_server())
        self.assertEqual(self.new_pb().get(self.bucket, b"half").values, [])

    def test_half_a_request_over_http_and_then_the_end(self) -> None:
        request = b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf"
        request %= self.path("half").encode()
        for length in range(1, len(request) + 1, 3):
            connection = riak_http.Connection(self.node.http)
            connection.send_raw(request[:length])
            connection.close()
        self.assert_status(self.new_http().get(self.path("half")), 404)

    def test_resets_in_the_middle_of_answers(self) -> None:
        self.pb.put(self.bucket, b"k", b"v" * 100_000)
        for _ in range(200):
            connection = Connection(self.node.pb)
            connection.send(frame(riak_pb.GET, get_request(self.bucket, b"k")) * 20)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        self.assertEqual(self.new_pb().get(self.bucket, b"k").values, [b"v" * 100_000])

    def test_clients_that_leave_in_the_middle_of_a_listing(self) -> None:
        self.pb.send(b"".join(frame(riak_pb.PUT, put_request(self.bucket, b"%d" % n, b"v")) for n in range(2000)))
        for _ in range(2000):
            self.assertEqual(self.pb.receive()[0], riak_pb.PUT_REPLY)
        for _ in range(20):
            connection = Connection(self.node.pb)
            connection.send(frame(riak_pb.LIST_KEYS, riak_pb.field(1, self.bucket)))
            connection.close()
        for _ in range(20):
            web = riak_http.Connection(self.node.http)
            web.send("GET", f"/buckets/{self.name}/keys?keys=stream")
            web.close()
        self.assertEqual(len(self.new_pb().keys(self.bucket)), 2000)


class Many(NodeTest):
    def test_thousands_of_idle_connections(self) -> None:
        if allow_many_descriptors() < 2 * IDLE_CONNECTIONS + 200:
            self.skipTest("the limit of open files is too low for this here")
        before = self.node.resident_bytes()
        connections: List[Connection] = []
        try:
            for _ in range(IDLE_CONNECTIONS):
                connections.append(Connection(self.node.pb))
            begun = time.monotonic()
            self.new_pb().put(self.bucket, b"k", b"v")
            self.assertEqual(self.new_pb().get(self.bucket, b"k").values, [b"v"])
            self.assertLess(time.monotonic() - begun, 5)
            for connection in connections:
                connection.ping()
            # 64 KiB each, in a debug build.
            self.assertLess(self.node.resident_bytes() - before, IDLE_CONNECTIONS * 65536)
        finally:
            for connection in connections:
                connection.close()
        self.new_pb().ping()

    def test_a_burst_of_new_connections(self) -> None:
        # Riak's Python client opens one for each key it wants at once.
        connections = [Connection(self.node.pb) for _ in range(300)]
        try:
            for number, connection in enumerate(connections):
                connection.send(frame(riak_pb.PUT, put_request(self.bucket, b"%d" % number, b"v")))
            for connection in connections:
                self.assertEqual(connection.receive(), (riak_pb.PUT_REPLY, b""))
        finally:
            for connection in connections:
                connection.close()
        self.assertEqual(len(self.new_pb().keys(self.bucket)), 300)

    def test_many_clients_at_once_on_one_key(self) -> None:
        errors: List[BaseException] = []

        def work(number: int) -> None:
            try:
                with Connection(self.node.pb) as connection:
                    for turn in range(20):
                        context = connection.get(self.bucket, b"k", b"siblings").context
                        connection.put(self.bucket, b"k", b"%d-%d" % (number, turn), b"siblings", context=context)
            except BaseException as error:  # noqa: BLE001
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(errors, [])
        values = self.pb.get(self.bucket, b"k", b"siblings").values
        # As many as there were writers between two writes of one client, at most.
        self.assertTrue(1 <= len(values) <= 32, values)
        self.assertEqual(len(values), len(set(values)))
