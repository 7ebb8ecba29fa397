"""Kindred's own interface for operators and probes, on a node on its own and on a cluster of one."""
from __future__ import annotations

import json
import unittest
from typing import Any, Dict, List, Optional, Tuple

import riak_http
from kindred_cluster import KindredCluster, etcd_binary
from node import NodeTest

PREFIX = "/kindred/v1/cluster"


class NodeOnItsOwn(NodeTest):
    def test_probes(self) -> None:
        for path in ("/livez", "/readyz"):
            self.assertEqual(self.assert_status(self.http.request("GET", path), 200).body, b"OK\n")

    def test_it_has_no_cluster_and_says_so(self) -> None:
        for method, path in (("GET", PREFIX), ("POST", PREFIX + "/create"), ("GET", PREFIX + "/plan")):
            with self.subTest(path=path):
                response = self.assert_status(self.http.request(method, path, body=b"{}"), 409)
                self.assertIn("--cluster", json.loads(response.body)["error"])


@unittest.skipUnless(etcd_binary(), "needs etcd")
class ClusterOfOne(unittest.TestCase):
    cluster: KindredCluster

    @classmethod
    def setUpClass(cls) -> None:
        cls.cluster = KindredCluster(1, replicas=1, partitions=4)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.start()

    def setUp(self) -> None:
        self.http = riak_http.Connection(self.cluster.nodes[0].http)
        self.addCleanup(self.http.close)

    def operate(
        self, method: str, path: str, body: Optional[bytes] = None, headers: Optional[Dict[str, str]] = None
    ) -> Tuple[int, Any]:
        response = self.http.request(method, PREFIX + path, headers or {}, body)
        return response.status, json.loads(response.body) if response.body else None

    def test_the_report(self) -> None:
        status, report = self.operate("GET", "")
        self.assertEqual(status, 200)
        self.assertTrue(report["isCreated"])
        self.assertEqual((report["partitions"], report["replicas"]), (4, 1))
        self.assertEqual([(node["name"], node["state"], node["replicas"]) for node in report["nodes"]], [("n1", "member", 4)])
        self.assertEqual(report["local"]["state"], "serving")
        self.assertEqual(self.http.request("GET", "/readyz").status, 200)

    def test_what_cannot_be_done_is_refused_in_words(self) -> None:
        wrong: List[Tuple[str, str, bytes, int, str]] = [
            ("POST", "/create", b"{}", 409, "created already"),
            ("POST", "/staged", b'{"change": "join", "node": "n1"}', 409, "member already"),
            ("POST", "/staged", b'{"change": "leave", "node": "n1"}', 409, "no node would be left"),
            ("POST", "/staged", b'{"change": "join", "node": "n9"}', 409, "no node 'n9'"),
            ("POST", "/staged", b'{"change": "dance", "node": "n1"}', 409, "join or leave"),
            ("POST", "/staged", b"nonsense", 400, "not what is expected"),
            ("POST", "/commit", b'{"membershipEpoch": 77}', 409, "make a new one"),
            ("POST", "/lost", b'{"node": "n1"}', 409, "no node would be left"),
            ("PUT", "/create", b"{}", 405, "method"),
            ("GET", "/nothing", b"", 404, "not found"),
        ]
        before = self.operate("GET", "")[1]
        for method, path, body, expected, text in wrong:
            with self.subTest(path=path, body=body):
                status, answer = self.operate(method, path, body or None)
                self.assertEqual(status, expected)
                self.assertIn(text, answer["error"])
        after = self.operate("GET", "")[1]
        for report in (before, after):
            del report["local"]
            for node in report["nodes"]:
                node.pop("roundTripMicroseconds", None)
        self.assertEqual(before, after)

    def test_pages_of_other_sites_do_not_operate_it(self) -> None:
        address = "%s:%d" % self.cluster.nodes[0].http
        for origin, expected in (("http://evil.example", 403), ("null", 403), (f"http://{address}", 204)):
            with self.subTest(origin=origin):
                headers = {"Origin": origin, "Host": address, "Content-Type": "text/plain"}
                self.assertEqual(self.operate("DELETE", "/staged", headers=headers)[0], expected)

    def test_a_named_write_that_comes_again_happens_once(self) -> None:
        path = "/types/siblings/buckets/named/keys/k"
        headers = {"Content-Type": "text/plain", "X-Kindred-Request-ID": "7:1"}
        for _ in range(2):
            self.assertEqual(self.http.request("PUT", path, headers, b"v").status, 204)
        self.assertEqual(self.http.request("GET", path).status, 200)
        headers["X-Kindred-Request-ID"] = "7:2"
        self.assertEqual(self.http.request("PUT", path, headers, b"v").status, 204)
        self.assertEqual(self.http.request("GET", path, {"Accept": "multipart/mixed"}).status, 300)
