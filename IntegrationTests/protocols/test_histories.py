"""The five histories that the database must get right, over both protocols.

Each is told once, against a client that knows only four things: write (perhaps with a context), read, what was
answered, and whether it was refused.
"""
from __future__ import annotations

import base64
from typing import List, Optional, Tuple

import riak_http
import riak_pb
from node import NodeTest


class Refused(Exception):
    """The server did not accept the write."""


class Client:
    """A client with a connection of its own."""

    def read(self, key: str) -> Tuple[List[bytes], Optional[bytes]]:
        raise NotImplementedError

    def write(self, key: str, value: bytes, context: Optional[bytes] = None) -> Tuple[List[bytes], Optional[bytes]]:
        """Writes and returns what the answer shows: the values, and the context to go on with."""
        raise NotImplementedError


class PBClient(Client):
    def __init__(self, test: NodeTest, type: str) -> None:
        self.connection, self.bucket, self.type = test.new_pb(), test.bucket, type.encode()

    def read(self, key: str) -> Tuple[List[bytes], Optional[bytes]]:
        stored = self.connection.get(self.bucket, key.encode(), self.type)
        return stored.values, stored.context

    def write(self, key: str, value: bytes, context: Optional[bytes] = None) -> Tuple[List[bytes], Optional[bytes]]:
        try:
            stored = self.connection.put(self.bucket, key.encode(), value, self.type, context=context, return_body=True)
        except riak_pb.RiakError as error:
            raise Refused(error.text) from None
        return stored.values, stored.context


class HTTPClient(Client):
    def __init__(self, test: NodeTest, type: str) -> None:
        self.connection, self.test, self.type = test.new_http(), test, type

    @staticmethod
    def _shown(response: riak_http.Response) -> Tuple[List[bytes], Optional[bytes]]:
        return response.values, base64.b64decode(response.context or "") or None

    def read(self, key: str) -> Tuple[List[bytes], Optional[bytes]]:
        return self._shown(self.connection.get(self.test.path(key, self.type)))

    def write(self, key: str, value: bytes, context: Optional[bytes] = None) -> Tuple[List[bytes], Optional[bytes]]:
        headers = {"Content-Type": "text/plain", "Accept": "multipart/mixed, */*;q=0.5"}
        if context is not None:
            headers["X-Riak-Vclock"] = base64.b64encode(context).decode()
        response = self.connection.request("PUT", self.test.path(key, self.type, "returnbody=true"), headers, value)
        if response.status >= 400:
            raise Refused(f"{response.status} {response.body.decode(errors='replace')}")
        return self._shown(response)


class Histories(NodeTest):
    """Told by a client of either protocol."""

    def client(self, type: str) -> Client:
        raise NotImplementedError

    def test_last_write_wins(self) -> None:
        a, b = self.client("last_write_wins"), self.client("last_write_wins")
        a.write("X", b"apple")
        b.write("X", b"banana")
        self.assertEqual(a.read("X")[0], [b"banana"])
        self.assertEqual(b.read("X")[0], [b"banana"])

    def test_last_write_wins_with_an_old_context(self) -> None:
        a, b = self.client("last_write_wins"), self.client("last_write_wins")
        _, seen = a.write("X", b"apple")
        b.write("X", b"banana")
        a.write("X", b"cherry", seen)
        self.assertEqual(b.read("X")[0], [b"cherry"])

    def test_immutable_keys(self) -> None:
        a, b = self.client("immutable"), self.client("immutable")
        a.write("X", b"first")
        with self.assertRaises(Refused):
            b.write("X", b"second")
        self.assertEqual(b.read("X")[0], [b"first"])
        b.write("X", b"first")
        with self.assertRaises(Refused):
            b.write("X", b"third", b.read("X")[1])
        self.assertEqual(a.read("X")[0], [b"first"])

    def test_version_numbers(self) -> None:
        a, b = self.client("versioned"), self.client("versioned")
        a.write("cart", b"milk")
        (values, v1), (_, b1) = a.read("cart"), b.read("cart")
        self.assertEqual(values, [b"milk"])
        a.write("cart", b"milk, eggs", v1)
        self.assertEqual(a.read("cart")[0], [b"milk, eggs"])
        b.write("cart", b"milk, bread", b1)
        both, v3 = a.read("cart")
        self.assertEqual(both, [b"milk, bread", b"milk, eggs"])
        a.write("cart", b"milk, eggs, bread", v3)
        self.assertEqual(b.read("cart")[0], [b"milk, eggs, bread"])

    def test_version_vectors(self) -> None:
        a, b, c = self.client("siblings"), self.client("siblings"), self.client("siblings")
        _, a1 = a.write("X", b"1")
        _, b_seen = b.read("X")
        b.write("X", b"2", b_seen)
        values, c_seen = c.read("X")
        self.assertEqual(values, [b"2"])
        c.write("X", b"4", c_seen)
        a.write("X", b"3", a1)
        values, both = b.read("X")
        self.assertEqual(values, [b"3", b"4"])
        b.write("X", b"5", both)
        self.assertEqual(a.read("X")[0], [b"5"])

    def test_no_sibling_explosion(self) -> None:
        a, b = self.client("siblings"), self.client("siblings")
        a_knows: Optional[bytes] = None
        b_knows: Optional[bytes] = None
        for round in range(100):
            shown, a_knows = a.write("X", b"a%d" % round, a_knows)
            self.assertLessEqual(len(shown), 2)
            shown, b_knows = b.write("X", b"b%d" % round, b_knows)
            self.assertLessEqual(len(shown), 2)
        self.assertLessEqual(len(a.read("X")[0]), 2)

    def test_one_client_writing_on_with_its_own_answers_has_no_siblings(self) -> None:
        a = self.client("siblings")
        knows: Optional[bytes] = None
        for round in range(50):
            shown, knows = a.write("X", b"%d" % round, knows)
            self.assertEqual(shown, [b"%d" % round])


class OverProtocolBuffers(Histories):
    def client(self, type: str) -> Client:
        return PBClient(self, type)


class OverHTTP(Histories):
    def client(self, type: str) -> Client:
        return HTTPClient(self, type)

    def test_a_stale_version_number_with_if_match_is_refused_and_told_the_current_one(self) -> None:
        a, b = self.new_http(), self.new_http()
        path = self.path("cart", "versioned")
        self.assert_status(a.put(path, b"milk"), 204)
        read = b.get(path)
        tag = read.header("ETag") or ""
        self.assert_status(a.put(path, b"milk, eggs", a.get(path).context), 204)
        refused = b.put(path, b"milk, bread", read.context, {"If-Match": tag})
        self.assert_status(refused, 412)
        current = b.get(path)
        self.assertEqual(current.body, b"milk, eggs")
        self.assertNotEqual(current.header("ETag"), tag)
        told = " ".join(f"{name}: {value}" for name, value in refused.headers) + " " + refused.body.decode()
        self.assertIn((current.header("ETag") or "").strip('"'), told, "the refusal does not tell the current version")


# Only the two that know a protocol are to be run.
del Histories
