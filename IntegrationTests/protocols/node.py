"""The node that the tests of this folder share, and what every test starts from."""
from __future__ import annotations

import itertools
import os
import sys
import unittest
from typing import Iterator, List, Optional, Tuple
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

import riak_http  # noqa: E402
import riak_pb  # noqa: E402
from kindred_process import KindredProcess  # noqa: E402

_shared: Optional[KindredProcess] = None
_numbers: Iterator[int] = itertools.count(1)


def shared_node() -> KindredProcess:
    """One node for all tests that don't need one of their own: started by the first."""
    global _shared
    if _shared is None:
        _shared = KindredProcess().start()
    return _shared


def stop_shared_node() -> None:
    """Stops it in the orderly way; fails if it had crashed or does not end by itself."""
    global _shared
    node, _shared = _shared, None
    if node is not None:
        try:
            node.stop()
        finally:
            node.close()


class NodeTest(unittest.TestCase):
    """A test with a bucket of its own, a connection of each protocol, and a node that must survive it."""

    maxDiff = None

    def setUp(self) -> None:
        self.node = self.choose_node()
        self.name = f"b{next(_numbers)}"
        self.bucket = self.name.encode()
        self._pb: Optional[riak_pb.Connection] = None
        self._http: Optional[riak_http.Connection] = None
        self.addCleanup(self._end)

    def choose_node(self) -> KindredProcess:
        """Overridden where a test needs a node to itself."""
        return shared_node()

    def _end(self) -> None:
        for connection in (self._pb, self._http):
            if connection is not None:
                connection.close()
        self.node.assert_alive()

    @property
    def pb(self) -> riak_pb.Connection:
        if self._pb is None:
            self._pb = riak_pb.Connection(self.node.pb)
        return self._pb

    @property
    def http(self) -> riak_http.Connection:
        if self._http is None:
            self._http = riak_http.Connection(self.node.http)
        return self._http

    def new_pb(self) -> riak_pb.Connection:
        connection = riak_pb.Connection(self.node.pb)
        self.addCleanup(connection.close)
        return connection

    def new_http(self) -> riak_http.Connection:
        connection = riak_http.Connection(self.node.http)
        self.addCleanup(connection.close)
        return connection

    def path(self, key: str, type: Optional[str] = None, query: str = "") -> str:
        """The HTTP path of an object in this test's bucket."""
        prefix = f"/types/{type}" if type else ""
        return f"{prefix}/buckets/{self.name}/keys/{quote(key, safe='')}{'?' + query if query else ''}"

    def assert_refused(self, text: str, code: int, body: bytes, connection: Optional[riak_pb.Connection] = None) -> None:
        """The request is answered with exactly this error, and the connection stays."""
        connection = connection or self.pb
        with self.assertRaises(riak_pb.RiakError) as caught:
            connection.call(code, body, -1)
        self.assertEqual(caught.exception.text, text)
        connection.ping()

    def assert_status(self, response: riak_http.Response, status: int) -> riak_http.Response:
        self.assertEqual(response.status, status, f"{response.headers} {response.body[:300]!r}")
        return response


def sorted_values(contents: List[riak_pb.Content]) -> List[Tuple[bytes, Optional[bytes]]]:
    return sorted((content.value, content.content_type) for content in contents)
