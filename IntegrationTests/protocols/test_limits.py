"""Every bound at its edge: what is within is served, what is beyond is refused, and refusing costs no memory."""
from __future__ import annotations

import struct
from urllib.parse import quote

import riak_http
import riak_pb
from kindred_process import KindredProcess
from node import NodeTest
from riak_pb import Connection, Content, RiakError, first_bytes

MIB = 1 << 20
LONGEST_KEY = 4096
LARGEST_VALUE = 50 * MIB
MOST_SIBLINGS = 100
SIBLINGS_WORTH_A_WARNING = 25


class Sizes(NodeTest):
    def test_large_values_over_both_protocols(self) -> None:
        value = bytes(range(256)) * (5 * 4096)
        self.pb.put(self.bucket, b"k", value)
        self.assertEqual(self.http.get(self.path("k")).body, value)
        self.assertEqual(self.http.put(self.path("k2"), value).status, 204)
        self.assertEqual(self.pb.get(self.bucket, b"k2").values, [value])

    def test_a_value_beyond_the_limit_is_refused_with_its_size(self) -> None:
        request = riak_pb.put_request(self.bucket, b"k", bytes(LARGEST_VALUE + 1))
        with self.assertRaises(RiakError) as caught:
            self.pb.call(riak_pb.PUT, request, riak_pb.PUT_REPLY)
        self.assertRegex(caught.exception.text, r"^\{too_large,\d+\}$")
        self.pb.ping()
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [])

    def test_a_value_beyond_the_limit_over_http(self) -> None:
        connection = self.new_http()
        try:
            response = connection.put(self.path("k"), bytes(LARGEST_VALUE + 1))
            self.assertEqual(response.status, 413)
        except riak_http.ConnectionEnded:
            # Refused by the length alone: the answer may be lost while the body is still being sent.
            pass
        self.assertEqual(self.new_http().get(self.path("k")).status, 404)

    def test_the_longest_key_and_one_longer(self) -> None:
        longest, longer = b"k" * LONGEST_KEY, b"k" * (LONGEST_KEY + 1)
        self.pb.put(self.bucket, longest, b"v", b"siblings")
        self.assertEqual(self.pb.get(self.bucket, longest, b"siblings").values, [b"v"])
        for request in (
            lambda: self.pb.put(self.bucket, longer, b"v", b"siblings"),
            lambda: self.pb.get(self.bucket, longer, b"siblings"),
            lambda: self.pb.delete(self.bucket, longer, b"siblings"),
            lambda: self.pb.put(longer, b"k", b"v", b"siblings"),
        ):
            with self.assertRaises(RiakError):
                request()
            self.pb.ping()
        self.assertEqual(self.http.get(self.path(longest.decode(), "siblings")).body, b"v")
        response = self.new_http().put(self.path(longer.decode(), "siblings"), b"v")
        self.assertIn(response.status, (400, 413, 414))

    def test_too_many_metadata_entries_are_refused(self) -> None:
        links = [(b"b", b"k%d" % number, b"t") for number in range(10_001)]
        with self.assertRaises(RiakError):
            self.pb.put(self.bucket, b"k", Content(b"v", links=links))
        self.pb.ping()


class Siblings(NodeTest):
    def fill(self, key: bytes, count: int) -> None:
        request = [riak_pb.frame(riak_pb.PUT, riak_pb.put_request(self.bucket, key, b"%03d" % number, b"siblings"))
                   for number in range(count)]
        self.pb.send(b"".join(request))
        for _ in range(count):
            self.assertEqual(self.pb.receive()[0], riak_pb.PUT_REPLY)

    def test_the_put_that_would_make_one_too_many_is_refused(self) -> None:
        self.pb.put(self.bucket, b"k", b"first", b"siblings")
        first = self.pb.get(self.bucket, b"k", b"siblings").context
        self.fill(b"k", MOST_SIBLINGS - 1)
        full = self.pb.get(self.bucket, b"k", b"siblings")
        self.assertEqual(len(full.contents), MOST_SIBLINGS)

        refused = "{too_many_siblings,%d}" % (MOST_SIBLINGS + 1)
        with self.assertRaises(RiakError) as caught:
            self.pb.put(self.bucket, b"k", b"one more", b"siblings")
        self.assertTrue(caught.exception.text.startswith(refused), caught.exception.text)
        self.pb.ping()
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, full.values)

        # A put that replaces one adds none.
        self.pb.put(self.bucket, b"k", b"instead of the first", b"siblings", context=first)
        swapped = self.pb.get(self.bucket, b"k", b"siblings")
        self.assertEqual(len(swapped.contents), MOST_SIBLINGS)
        self.assertIn(b"instead of the first", swapped.values)
        self.assertNotIn(b"first", swapped.values)

        # And all of them can always be resolved.
        self.pb.put(self.bucket, b"k", b"resolved", b"siblings", context=swapped.context)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"resolved"])

    def test_over_http_the_refusal_brings_the_context_to_resolve_with(self) -> None:
        self.fill(b"k", MOST_SIBLINGS)
        path = self.path("k", "siblings")
        refused = self.http.put(path, b"one more")
        self.assertGreaterEqual(refused.status, 400)
        self.assertLess(refused.status, 500)
        self.assertIn(b"sibling", refused.body)
        self.assertTrue(refused.context)
        self.assert_status(self.http.put(path, b"resolved", refused.context), 204)
        self.assertEqual(self.http.get(path).body, b"resolved")

    def test_many_siblings_are_warned_of_in_the_log(self) -> None:
        with KindredProcess() as node, Connection(node.pb) as connection:
            for number in range(SIBLINGS_WORTH_A_WARNING + 2):
                connection.put(b"warned", b"key-to-warn-of", b"%d" % number, b"siblings")
            warnings = [line for line in node.log_text().splitlines() if "warning" in line.lower() and "sibling" in line]
            self.assertTrue(warnings, node.log_tail())
            node.stop()


class Memory(NodeTest):
    """On a node of their own, because its memory is watched."""

    def choose_node(self) -> KindredProcess:
        node = KindredProcess().start()
        self.addCleanup(node.close)
        return node

    def test_announced_lengths_cost_nothing(self) -> None:
        Connection(self.node.pb).ping()
        before = self.node.resident_bytes()
        connections = []
        for _ in range(200):
            connection = self.new_pb()
            # Within the limit, so the server waits for the rest; it must not take memory for it yet.
            connection.send(struct.pack(">IB", 60 * MIB, riak_pb.PUT) + b"x" * 1024)
            connections.append(connection)
        self.new_pb().ping()
        self.assertLess(self.node.resident_bytes() - before, 48 * MIB)

    def test_lengths_inside_a_message_cost_nothing(self) -> None:
        self.new_pb().ping()
        before = self.node.resident_bytes()
        for _ in range(200):
            connection = self.new_pb()
            # A field of a gigabyte in a message of ten bytes.
            connection.send(riak_pb.frame(riak_pb.GET, b"\x0a" + riak_pb.varint(1 << 30) + b"abc"))
            self.assertEqual(connection.receive()[0], riak_pb.ERROR)
        self.assertLess(self.node.resident_bytes() - before, 32 * MIB)

    def test_frames_beyond_the_limit_cost_nothing(self) -> None:
        self.new_pb().ping()
        before = self.node.resident_bytes()
        for _ in range(100):
            connection = self.new_pb()
            try:
                connection.send(struct.pack(">IB", 1 << 30, riak_pb.PUT))
                for _ in range(8):
                    connection.send(bytes(MIB))
            except riak_pb.ConnectionEnded:
                pass
            connection.close()
        self.assertLess(self.node.resident_bytes() - before, 48 * MIB)

    def test_a_client_that_does_not_read_costs_little_and_hinders_nobody(self) -> None:
        value, count = b"v" * 32768, 4000
        connection = self.new_pb()
        connection.put(self.bucket, b"k", value)
        before = self.node.resident_bytes()
        # Answers of 125 MiB altogether.
        connection.send(riak_pb.frame(riak_pb.GET, riak_pb.get_request(self.bucket, b"k")) * count)
        other = self.new_pb()
        for _ in range(200):
            self.assertEqual(other.get(self.bucket, b"k").values, [value])
        self.assertLess(self.node.resident_bytes() - before, 48 * MIB)
        for _ in range(count):
            code, body = connection.receive()
            self.assertEqual(code, riak_pb.GET_REPLY)
        self.assertEqual(Content.decoded(first_bytes(riak_pb.decode(body), 1) or b"").value, value)

    def test_requests_for_keys_of_any_name_leave_nothing_behind(self) -> None:
        connection = self.new_http()
        connection.request("GET", "/ping")
        before = self.node.resident_bytes()
        for number in range(3000):
            connection.request("GET", f"/buckets/{quote('b' * 500)}{number}/keys/{'k' * 500}{number}")
        self.assertLess(self.node.resident_bytes() - before, 48 * MIB)
