"""Objects over HTTP: statuses, headers, and multipart bodies to the byte."""
from __future__ import annotations

import base64
import email.utils
import gzip
import time
from urllib.parse import quote

from node import NodeTest


class Get(NodeTest):
    def test_one_value_with_its_headers(self) -> None:
        value = bytes(range(256))
        self.assert_status(self.http.request("PUT", self.path("k"), {
            "Content-Type": "application/x-thing; charset=latin-9", "X-Riak-Meta-Owner": "me",
            "X-Riak-Index-city_bin": "berlin"}, value), 204)
        response = self.assert_status(self.http.get(self.path("k")), 200)
        self.assertEqual(response.body, value)
        self.assertEqual(response.header("Content-Type"), "application/x-thing; charset=latin-9")
        self.assertEqual(response.header("X-Riak-Meta-Owner"), "me")
        self.assertEqual(response.header("X-Riak-Index-city_bin"), "berlin")
        self.assertEqual(response.all("Link")[0].split(",")[0], f'</buckets/{self.name}>; rel="up"')
        self.assertTrue(base64.b64decode(response.context or "", validate=True))
        tag = response.header("ETag") or ""
        self.assertTrue(len(tag) > 2 and tag[0] == tag[-1] == '"', tag)
        modified = email.utils.parsedate_to_datetime(response.header("Last-Modified") or "")
        self.assertLess(abs(modified.timestamp() - time.time()), 60)

    def test_head_is_get_without_the_body(self) -> None:
        self.http.put(self.path("k"), b"value")
        get, head = self.http.get(self.path("k")), self.http.request("HEAD", self.path("k"))
        self.assert_status(head, 200)
        for name in ("Content-Type", "ETag", "X-Riak-Vclock", "Last-Modified", "Content-Length"):
            self.assertEqual(head.header(name), get.header(name), name)
        # The connection is still in step.
        self.assert_status(self.http.get("/ping"), 200)

    def test_nothing_is_404_in_plain_text(self) -> None:
        response = self.assert_status(self.http.get(self.path("no")), 404)
        self.assertEqual(response.body, b"not found\n")
        self.assertTrue((response.header("Content-Type") or "").startswith("text/plain"))

    def test_an_empty_value_is_a_value(self) -> None:
        self.assert_status(self.http.put(self.path("k"), b""), 204)
        response = self.assert_status(self.http.get(self.path("k")), 200)
        self.assertEqual(response.body, b"")

    def test_names_are_decoded_and_a_plus_is_a_space(self) -> None:
        self.assert_status(self.http.put(f"/buckets/{self.name}/keys/a+b%2Fc%20%C3%A9", b"v"), 204)
        self.assertEqual(self.pb.get(self.bucket, "a b/c é".encode()).values, [b"v"])
        self.assertEqual(self.http.get(f"/buckets/{self.name}/keys/a%20b%2fc%20%c3%a9").body, b"v")
        link = self.http.get(f"/buckets/{self.name}/keys/a+b%2Fc+%C3%A9").all("Link")[0]
        self.assertTrue(link.startswith(f'</buckets/{self.name}>; rel="up"'), link)

    def test_the_old_path_is_the_same_object(self) -> None:
        self.assert_status(self.http.put(f"/riak/{self.name}/k", b"v"), 204)
        self.assertEqual(self.http.get(self.path("k")).body, b"v")
        self.assertEqual(self.http.get(f"/riak/{self.name}/k").body, b"v")

    def test_not_modified(self) -> None:
        self.http.put(self.path("k"), b"v")
        tag = self.http.get(self.path("k")).header("ETag") or ""
        hit = self.assert_status(self.http.get(self.path("k"), {"If-None-Match": tag}), 304)
        self.assertEqual(hit.header("ETag"), tag)
        self.assert_status(self.http.get(self.path("k"), {"If-None-Match": '"something-else"'}), 200)
        later = email.utils.formatdate(time.time() + 3600, usegmt=True)
        earlier = email.utils.formatdate(time.time() - 3600, usegmt=True)
        self.assertIn(self.http.get(self.path("k"), {"If-Modified-Since": earlier}).status, (200,))
        # A date in the future is no date a client can have got from here, so it may be ignored.
        self.assertIn(self.http.get(self.path("k"), {"If-Modified-Since": later}).status, (200, 304))

    def test_content_encoding_comes_back_as_stored(self) -> None:
        packed = gzip.compress(b"value")
        self.http.put(self.path("k"), packed, headers={"Content-Encoding": "gzip"})
        response = self.http.get(self.path("k"))
        self.assertEqual((response.body, response.header("Content-Encoding")), (packed, "gzip"))


class Siblings(NodeTest):
    def setUp(self) -> None:
        super().setUp()
        self.siblings = self.path("k", "siblings")

    def two_siblings(self) -> None:
        self.assert_status(self.http.put(
            self.siblings, b"\x00one\r\nline", headers={"Content-Type": "text/one; charset=utf-8", "X-Riak-Meta-N": "1"}), 204)
        self.assert_status(self.http.put(self.siblings, b"two", headers={"Content-Type": "text/two"}), 204)

    def test_multipart_to_the_byte(self) -> None:
        self.two_siblings()
        response = self.assert_status(self.http.get(self.siblings), 300)
        parts = {value: headers for headers, value in response.siblings()}
        self.assertEqual(sorted(parts), [b"\x00one\r\nline", b"two"])
        one = parts[b"\x00one\r\nline"]
        self.assertEqual(one["content-type"], "text/one; charset=utf-8")
        self.assertEqual(one["x-riak-meta-n"], "1")
        self.assertIn(f'</types/siblings/buckets/{self.name}>; rel="up"', one["link"])
        self.assertNotIn('"', one["etag"])
        self.assertIsNotNone(email.utils.parsedate_to_datetime(one["last-modified"]))
        self.assertEqual(parts[b"two"]["content-type"], "text/two")
        self.assertTrue(base64.b64decode(response.context or "", validate=True))

    def test_plain_text_lists_the_tags(self) -> None:
        self.two_siblings()
        tags = sorted(headers["etag"] for headers, _ in self.http.get(self.siblings).siblings())
        for accept in ("*/*", "text/plain"):
            response = self.assert_status(self.http.get(self.siblings, {"Accept": accept}), 300)
            self.assertTrue((response.header("Content-Type") or "").startswith("text/plain"))
            lines = response.body.decode().split("\n")
            self.assertEqual((lines[0], sorted(lines[1:-1]), lines[-1]), ("Siblings:", tags, ""))
            self.assertTrue(response.context)
            self.assertTrue(response.header("ETag"))

    def test_one_sibling_by_its_tag(self) -> None:
        self.two_siblings()
        parts = self.http.get(self.siblings).siblings()
        for headers, value in parts:
            response = self.assert_status(self.http.get(f"{self.siblings}?vtag={headers['etag']}"), 200)
            self.assertEqual((response.body, response.header("Content-Type")), (value, headers["content-type"]))
        self.assert_status(self.http.get(f"{self.siblings}?vtag=nonsense"), 404)

    def test_writing_with_the_context_resolves(self) -> None:
        self.two_siblings()
        context = self.http.get(self.siblings).context
        self.assert_status(self.http.put(self.siblings, b"both", context), 204)
        response = self.assert_status(self.http.get(self.siblings), 200)
        self.assertEqual(response.body, b"both")

    def test_returnbody_with_siblings_is_300(self) -> None:
        self.http.put(self.siblings, b"one")
        response = self.http.request(
            "PUT", f"{self.siblings}?returnbody=true", {"Content-Type": "text/plain", "Accept": "multipart/mixed"}, b"two")
        self.assert_status(response, 300)
        self.assertEqual(response.values, [b"one", b"two"])

    def test_both_protocols_show_the_same_siblings_and_share_contexts(self) -> None:
        self.two_siblings()
        stored = self.pb.get(self.bucket, b"k", b"siblings")
        self.assertEqual(stored.values, self.http.get(self.siblings).values)
        self.assert_status(self.http.put(self.siblings, b"resolved", base64.b64encode(stored.context or b"").decode()), 204)
        after = self.http.get(self.siblings)
        self.assertEqual(after.body, b"resolved")
        self.pb.put(self.bucket, b"k", b"next", b"siblings", context=base64.b64decode(after.context or ""))
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"next"])

    def test_a_deleted_sibling_beside_a_value_does_not_hide_it(self) -> None:
        self.http.put(self.siblings, b"seen")
        context = self.http.get(self.siblings).context
        self.http.put(self.siblings, b"unseen")
        self.assert_status(self.http.request("DELETE", self.siblings, {"X-Riak-Vclock": context or ""}), 204)
        self.assertEqual(self.http.get(self.siblings).values, [b"unseen"])


class Put(NodeTest):
    def test_a_put_is_204_without_a_body(self) -> None:
        response = self.assert_status(self.http.put(self.path("k"), b"v"), 204)
        self.assertEqual(response.body, b"")

    def test_a_post_to_a_key_is_a_put(self) -> None:
        response = self.http.request("POST", self.path("k"), {"Content-Type": "text/plain"}, b"v")
        self.assert_status(response, 204)
        self.assertEqual(self.http.get(self.path("k")).body, b"v")

    def test_returnbody_is_200_with_the_object(self) -> None:
        response = self.http.request("PUT", self.path("k", query="returnbody=true"), {"Content-Type": "text/x"}, b"v")
        self.assert_status(response, 200)
        self.assertEqual((response.body, response.header("Content-Type")), (b"v", "text/x"))
        self.assertTrue(response.context and response.header("ETag"))

    def test_a_post_without_a_key_is_201_with_the_location(self) -> None:
        for prefix, type in ((f"/buckets/{self.name}/keys", None), (f"/types/siblings/buckets/{self.name}/keys", "siblings")):
            for query in ("", "?returnbody=true"):
                response = self.http.request("POST", prefix + query, {"Content-Type": "text/plain"}, b"made")
                self.assert_status(response, 201)
                location = response.header("Location") or ""
                self.assertRegex(location, rf"^{prefix}/[0-9A-Za-z]{{26,27}}$")
                self.assertEqual(response.body, b"made" if query else b"")
                self.assertEqual(self.http.get(location).body, b"made")

    def test_a_missing_content_type_is_400_with_riaks_words(self) -> None:
        response = self.http.request("PUT", self.path("k"), {}, b"v")
        self.assert_status(response, 400)
        self.assertEqual(response.body.strip(), b"Missing Content-Type request header")

    def test_an_unknown_type_is_404(self) -> None:
        for response in (self.http.get(self.path("k", "nope")), self.http.put(self.path("k", "nope"), b"v")):
            self.assert_status(response, 404)
            self.assertEqual(response.body.strip(), b"Unknown bucket type: nope")

    def test_bad_parameters_are_400_with_an_explanation(self) -> None:
        self.http.put(self.path("k"), b"v")
        for query in ("r=many", "r=-1", "basic_quorum=perhaps", "timeout=soon", "notfound_ok=7"):
            with self.subTest(query=query):
                response = self.assert_status(self.http.get(self.path("k", query=query)), 400)
                self.assertNotEqual(response.body, b"")
        for query in ("w=some", "returnbody=maybe", "dw=x"):
            with self.subTest(query=query):
                response = self.http.request("PUT", self.path("k", query=query), {"Content-Type": "text/plain"}, b"v")
                self.assert_status(response, 400)
        for name, value in (("Link", "not a link"), ("X-Riak-Index-age_int", "old"), ("X-Riak-Vclock", "!!!")):
            with self.subTest(header=name):
                self.assert_status(self.http.put(self.path("k"), b"w", headers={name: value}), 400)
        self.assertEqual(self.http.get(self.path("k")).body, b"v")

    def test_quorums_beyond_n_are_400_with_riaks_words(self) -> None:
        for query, method in (("w=4", "PUT"), ("dw=4", "PUT"), ("pw=4", "PUT"), ("r=4", "GET"), ("pr=9", "GET")):
            with self.subTest(query=query):
                body = b"v" if method == "PUT" else None
                response = self.http.request(method, self.path("k", query=query), {"Content-Type": "text/plain"}, body)
                self.assert_status(response, 400)
                self.assertIn(b"invalid for bucket n value of 3", response.body)

    def test_unknown_parameters_are_ignored(self) -> None:
        self.assert_status(self.http.put(self.path("k", query="colour=blue&w=1"), b"v"), 204)
        self.assert_status(self.http.get(self.path("k", query="r=quorum&colour=blue")), 200)

    def test_links(self) -> None:
        sent = f'</buckets/{self.name}>; rel="up", </buckets/other/keys/k%201>; riaktag="next", </riak/o2/k2>; riaktag="t"'
        self.http.put(self.path("k"), b"v", headers={"Link": sent})
        links = ", ".join(self.http.get(self.path("k")).all("Link"))
        self.assertIn('</buckets/other/keys/k%201>; riaktag="next"', links)
        self.assertIn('</buckets/o2/keys/k2>; riaktag="t"', links)
        self.assertEqual(links.count('rel="up"'), 1)
        self.assertEqual(
            sorted(self.pb.get(self.bucket, b"k").contents[0].links),
            [(b"o2", b"k2", b"t"), (b"other", b"k 1", b"next")])

    def test_three_hundred_links_come_back_in_lines_that_clients_can_read(self) -> None:
        one_by_one = [("Content-Type", "text/plain")]
        one_by_one += [("Link", f'</buckets/other/keys/key{number}>; riaktag="next"') for number in range(300)]
        self.assert_status(self.http.request("PUT", self.path("k"), one_by_one, b"v"), 204)
        lines = self.http.get(self.path("k")).all("Link")
        self.assertLess(max(len(line) for line in lines), 65000)
        self.assertEqual(sum(line.count("riaktag=") for line in lines), 300)

    def test_several_index_values_in_one_header(self) -> None:
        self.assert_status(self.http.put(self.path("k"), b"v", headers={"X-Riak-Index-n_int": "3, 1, 3"}), 204)
        self.assertEqual(
            sorted(set(self.pb.get(self.bucket, b"k").contents[0].indexes)), [(b"n_int", b"1"), (b"n_int", b"3")])


class Conditions(NodeTest):
    def test_if_none_match_star(self) -> None:
        self.assert_status(self.http.put(self.path("k"), b"v", headers={"If-None-Match": "*"}), 204)
        self.assert_status(self.http.put(self.path("k"), b"w", headers={"If-None-Match": "*"}), 412)
        self.assertEqual(self.http.get(self.path("k")).body, b"v")

    def test_if_match(self) -> None:
        self.http.put(self.path("k"), b"v")
        tag = self.http.get(self.path("k")).header("ETag") or ""
        self.assert_status(self.http.put(self.path("k"), b"w", headers={"If-Match": tag}), 204)
        self.assert_status(self.http.put(self.path("k"), b"x", headers={"If-Match": tag}), 412)
        self.assertEqual(self.http.get(self.path("k")).body, b"w")
        self.assert_status(self.http.put(self.path("absent"), b"x", headers={"If-Match": tag}), 412)

    def test_if_unmodified_since(self) -> None:
        self.http.put(self.path("k"), b"v")
        earlier = email.utils.formatdate(time.time() - 3600, usegmt=True)
        later = email.utils.formatdate(time.time() + 3600, usegmt=True)
        self.assert_status(self.http.put(self.path("k"), b"w", headers={"If-Unmodified-Since": earlier}), 412)
        self.assert_status(self.http.put(self.path("k"), b"w", headers={"If-Unmodified-Since": later}), 204)

    def test_riaks_own_condition_is_409(self) -> None:
        self.http.put(self.path("k"), b"v")
        old = self.http.get(self.path("k")).context or ""
        self.assert_status(self.http.put(self.path("k"), b"w", old, {"X-Riak-If-Not-Modified": old}), 204)
        self.assert_status(self.http.put(self.path("k"), b"x", old, {"X-Riak-If-Not-Modified": old}), 409)
        self.assert_status(self.http.put(self.path("absent"), b"x", headers={"X-Riak-If-Not-Modified": old}), 409)
        self.assertEqual(self.http.get(self.path("k")).body, b"w")


class Delete(NodeTest):
    def test_a_delete_is_204_and_then_404(self) -> None:
        self.http.put(self.path("k"), b"v")
        self.assert_status(self.http.request("DELETE", self.path("k")), 204)
        self.assert_status(self.http.get(self.path("k")), 404)

    def test_deleting_nothing_is_204_or_404(self) -> None:
        self.assertIn(self.http.request("DELETE", self.path("never")).status, (204, 404))

    def test_an_immutable_key_is_not_deleted(self) -> None:
        path = self.path("k", "immutable")
        self.http.put(path, b"v")
        response = self.http.request("DELETE", path)
        self.assertIn(response.status, (403, 405, 409))
        self.assertEqual(self.http.get(path).body, b"v")


class NamesOfAnyBytes(NodeTest):
    def test_keys_of_every_byte(self) -> None:
        for number in range(256):
            key = bytes([number]) + b"x"
            target = f"/types/siblings/buckets/{self.name}/keys/{quote(key, safe='')}"
            self.assert_status(self.http.put(target, b"%d" % number), 204)
            self.assertEqual(self.pb.get(self.bucket, key, b"siblings").values, [b"%d" % number])
