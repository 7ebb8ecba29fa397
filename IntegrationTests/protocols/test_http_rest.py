"""HTTP apart from objects: ping, statistics, the resource map, listings, properties, and bad requests."""
from __future__ import annotations

import json
import socket
from typing import Any, List

import riak_http
from node import NodeTest


def json_objects(body: bytes) -> List[Any]:
    """The JSON objects of a streamed listing, which stand one after the other."""
    decoder, text, out = json.JSONDecoder(), body.decode(), []
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        out.append(value)
        text = text.lstrip()[end:]
    return out


class Node(NodeTest):
    def test_ping(self) -> None:
        response = self.assert_status(self.http.request("GET", "/ping"), 200)
        self.assertEqual(response.body, b"OK")

    def test_statistics(self) -> None:
        stats = json.loads(self.assert_status(self.http.request("GET", "/stats", {"Accept": "application/json"}), 200).body)
        self.assertGreaterEqual([int(part) for part in stats["riak_kv_version"].split(".")], [2, 1, 2])

    def test_the_resource_map_names_what_clients_look_for(self) -> None:
        response = self.assert_status(self.http.request("GET", "/", {"Accept": "application/json"}), 200)
        resources = json.loads(response.body)
        for name in ("riak_kv_wm_buckets", "riak_kv_wm_bucket_type", "riak_kv_wm_counter", "riak_kv_wm_preflist",
                     "riak_kv_wm_ping", "riak_kv_wm_stats", "riak_kv_wm_object", "riak_kv_wm_props", "riak_kv_wm_keylist"):
            self.assertIn(name, resources)

    def test_the_resource_map_for_people(self) -> None:
        response = self.assert_status(self.http.request("GET", "/", {"Accept": "text/html"}), 200)
        self.assertTrue((response.header("Content-Type") or "").startswith("text/html"))

    def test_an_unknown_path_is_404(self) -> None:
        for path in ("/nothing", "/buckets", "/types/siblings", "/buckets/b/keys/k/what/is/this"):
            with self.subTest(path=path):
                self.assertIn(self.http.request("GET", path).status, (400, 404))

    def test_what_is_left_out_is_refused_clearly_and_the_connection_stays(self) -> None:
        job = b'{"inputs":"b","query":[]}'
        requests = [("POST", "/mapred", job), ("GET", f"/buckets/{self.name}/index/f_bin/v", None),
                    ("GET", f"/types/siblings/buckets/{self.name}/datatypes/k", None), ("GET", "/search/query/x", None)]
        for method, path, body in requests:
            with self.subTest(path=path):
                response = self.http.request(method, path, {"Content-Type": "application/json"}, body)
                self.assertIn(response.status, (404, 405, 501))
                self.assertNotEqual(response.body, b"")
                self.assert_status(self.http.request("GET", "/ping"), 200)


class Listing(NodeTest):
    def test_keys(self) -> None:
        for key in ("a", "b}c", "d/e"):
            self.http.put(self.path(key), b"v")
        for query in ("keys=true", "keys=true&props=false"):
            response = self.assert_status(self.http.request("GET", f"/buckets/{self.name}/keys?{query}"), 200)
            listing = json.loads(response.body)
            self.assertEqual(sorted(listing["keys"]), ["a", "b}c", "d/e"])
            # Riak's Python client cuts the stream of objects at the first closing brace.
            self.assertEqual(response.body.count(b"}"), 1)
        self.assertTrue((response.header("Content-Type") or "").startswith("application/json"))

    def test_keys_of_a_type(self) -> None:
        self.http.put(self.path("k", "siblings"), b"v")
        listing = json.loads(self.http.request("GET", f"/types/siblings/buckets/{self.name}/keys?keys=true").body)
        self.assertEqual(listing, {"keys": ["k"]})
        self.assertEqual(json.loads(self.http.request("GET", f"/buckets/{self.name}/keys?keys=true").body), {"keys": []})

    def test_streamed_keys_end_with_an_empty_list(self) -> None:
        expected = sorted(f"key{number}" for number in range(1100))
        for key in expected:
            self.http.put(self.path(key), b"v")
        response = self.assert_status(self.http.request("GET", f"/buckets/{self.name}/keys?keys=stream"), 200)
        chunks = json_objects(response.body)
        self.assertGreater(len(chunks), 2)
        self.assertEqual(chunks[-1], {"keys": []})
        self.assertEqual(sorted(key for chunk in chunks for key in chunk["keys"]), expected)

    def test_buckets(self) -> None:
        self.http.put(self.path("k", "siblings"), b"v")
        listing = json.loads(self.http.request("GET", "/types/siblings/buckets?buckets=true").body)
        self.assertIn(self.name, listing["buckets"])
        chunks = json_objects(self.http.request("GET", "/types/siblings/buckets?buckets=stream").body)
        self.assertEqual(chunks[-1], {"buckets": []})
        self.assertEqual(
            sorted(name for chunk in chunks for name in chunk["buckets"]), sorted(listing["buckets"]))
        self.assertNotIn(self.name, json.loads(self.http.request("GET", "/buckets?buckets=true").body)["buckets"])


class Properties(NodeTest):
    def properties(self, path: str) -> Any:
        return json.loads(self.assert_status(self.http.request("GET", path), 200).body)["props"]

    def put_properties(self, path: str, properties: Any) -> riak_http.Response:
        body = json.dumps({"props": properties}).encode()
        return self.http.request("PUT", path, {"Content-Type": "application/json"}, body)

    def test_defaults_set_and_reset(self) -> None:
        path = f"/buckets/{self.name}/props"
        before = self.properties(path)
        expected = {"n_val": 3, "allow_mult": False, "last_write_wins": False, "r": "quorum", "w": "quorum", "dw": "quorum",
                    "rw": "quorum", "pr": 0, "pw": 0, "notfound_ok": True, "basic_quorum": False}
        self.assertEqual({name: before.get(name) for name in expected}, expected)
        self.assert_status(self.put_properties(path, {"n_val": 2, "r": 1, "w": "one"}), 204)
        changed = self.properties(path)
        self.assertEqual((changed["n_val"], changed["r"], changed["w"]), (2, 1, "one"))
        self.assert_status(self.http.request("DELETE", path), 204)
        self.assertEqual(self.properties(path), before)

    def test_type_properties_and_writing_them_back(self) -> None:
        for type in ("siblings", "last_write_wins", "immutable", "versioned"):
            with self.subTest(type=type):
                properties = self.properties(f"/types/{type}/props")
                self.assertTrue(properties["active"])
                properties.pop("claimant", None)
                self.assert_status(self.put_properties(f"/types/{type}/props", properties), 204)
                after = self.properties(f"/types/{type}/props")
                after.pop("claimant", None)
                self.assertEqual(after, properties)

    def test_an_unknown_type_is_404(self) -> None:
        self.assert_status(self.http.request("GET", "/types/nope/props"), 404)
        self.assert_status(self.put_properties("/types/nope/props", {"n_val": 1}), 404)

    def test_invalid_properties_are_400_with_details(self) -> None:
        path = f"/buckets/{self.name}/props"
        for properties in ({"n_val": 0}, {"n_val": "three"}, {"r": "several"}, {"allow_mult": "maybe"},
                           {"allow_mult": True, "last_write_wins": True}):
            with self.subTest(properties=properties):
                response = self.assert_status(self.put_properties(path, properties), 400)
                self.assertNotEqual(response.body, b"")
        for body in (b"{", b"[]", b'{"n_val":1}', b"", b"\xff"):
            with self.subTest(body=body):
                self.assert_status(self.http.request("PUT", path, {"Content-Type": "application/json"}, body), 400)
        self.assertEqual(self.properties(path)["n_val"], 3)

    def test_the_preference_list(self) -> None:
        for prefix in ("", "/types/siblings"):
            response = self.http.request("GET", f"{prefix}/buckets/{self.name}/keys/k/preflist")
            items = json.loads(self.assert_status(response, 200).body)["preflist"]
            self.assertEqual([(item["node"], item["primary"]) for item in items], [("riak@127.0.0.1", True)] * 3)
            self.assertTrue(all(item["partition"] in range(64) for item in items))


class BadRequests(NodeTest):
    def test_garbage_is_answered_or_closed_and_nothing_breaks(self) -> None:
        for garbage in (
            b"\x00\x01\x02\x03\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"\x00\x00\x00\x01\x01" * 20,
            b"POST /buckets/b/keys HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ):
            with self.subTest(garbage=garbage):
                connection = self.new_http()
                connection.send_raw(garbage)
                # So that the server need not wait for more of it.
                connection.socket.shutdown(socket.SHUT_WR)
                try:
                    self.assertGreaterEqual(connection.receive().status, 400)
                except riak_http.ConnectionEnded:
                    pass
        self.assert_status(self.new_http().request("GET", "/ping"), 200)

    def test_header_lines_without_end_are_refused(self) -> None:
        connection = self.new_http()
        before = self.node.resident_bytes()
        try:
            connection.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
            for _ in range(64):
                connection.send_raw(b"x" * (1 << 20))
            self.assertGreaterEqual(connection.receive().status, 400)
        except (riak_http.ConnectionEnded, OSError):
            pass
        self.assertLess(self.node.resident_bytes() - before, 48 << 20)

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        for number in range(20):
            self.http.send("PUT", self.path("k"), {"Content-Type": "text/plain"}, b"%d" % number)
            self.http.send("GET", self.path("k"))
        for number in range(20):
            self.assert_status(self.http.receive("PUT"), 204)
            self.assertEqual(self.http.receive("GET").body, b"%d" % number)

    def test_expect_100_continue_is_answered(self) -> None:
        connection = self.new_http()
        connection.send_raw(
            b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
            % self.path("k").encode())
        # curl sends the body after a second even if nothing comes; a server must cope with both.
        connection.send_raw(b"value")
        response = connection.receive("PUT")
        if response.status == 100:
            response = connection.receive("PUT")
        self.assert_status(response, 204)

    def test_a_chunked_body_is_stored_whole(self) -> None:
        connection = self.new_http()
        connection.send_raw(
            b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" % self.path("k").encode())
        self.assert_status(connection.receive("PUT"), 204)
        self.assertEqual(self.http.get(self.path("k")).body, b"abcde")

    def test_a_method_that_makes_no_sense_is_405(self) -> None:
        for method, path in (("PATCH", self.path("k")), ("DELETE", "/ping"), ("PUT", "/stats")):
            with self.subTest(method=method, path=path):
                self.assertIn(self.http.request(method, path, {"Content-Type": "text/plain"}, b"v").status, (404, 405, 501))
