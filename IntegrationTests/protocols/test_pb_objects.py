"""Objects over protocol buffers: the answers to the byte where clients read them so."""
from __future__ import annotations

import re
import time

import riak_pb
from node import NodeTest
from riak_pb import Content, RiakError, decode, field, first, first_bytes, frame


class Get(NodeTest):
    def test_nothing_is_an_empty_reply(self) -> None:
        self.assertEqual(self.pb.exchange(riak_pb.GET, riak_pb.get_request(self.bucket, b"no")), (riak_pb.GET_REPLY, b""))

    def test_what_was_put_comes_back(self) -> None:
        content = Content(
            bytes(range(256)), b"application/x-thing", b"latin-9", b"gzip",
            user_metadata={b"Camel-Case": b"1", b"\xffbytes": b"\x00"},
            links=[(b"other", b"key", b"tag"), (b"o2", b"k/2", b"t 2")],
            indexes=[(b"city_bin", b"berlin"), (b"age_int", b"-7")])
        self.pb.put(self.bucket, b"\x00\xff/key ", content)
        stored = self.pb.get(self.bucket, b"\x00\xff/key ")
        self.assertEqual(len(stored.contents), 1)
        back = stored.contents[0]
        self.assertEqual(
            (back.value, back.content_type, back.charset, back.content_encoding),
            (content.value, content.content_type, content.charset, content.content_encoding))
        self.assertEqual(back.user_metadata, content.user_metadata)
        self.assertEqual(sorted(back.links), sorted(content.links))
        self.assertEqual(sorted(back.indexes), sorted(content.indexes))
        self.assertTrue(back.vtag)
        self.assertLess(abs((back.last_modified or 0) - time.time()), 60)
        self.assertTrue(stored.context)

    def test_an_empty_value_is_a_value(self) -> None:
        self.pb.put(self.bucket, b"k", b"")
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b""])

    def test_head_empties_the_values_of_every_sibling(self) -> None:
        self.pb.put(self.bucket, b"k", Content(b"one", b"text/one"), b"siblings")
        self.pb.put(self.bucket, b"k", Content(b"two", b"text/two"), b"siblings")
        stored = self.pb.get(self.bucket, b"k", b"siblings", head=True)
        self.assertEqual([content.value for content in stored.contents], [b"", b""])
        self.assertEqual(sorted(content.content_type or b"" for content in stored.contents), [b"text/one", b"text/two"])
        self.assertEqual(stored.context, self.pb.get(self.bucket, b"k", b"siblings").context)

    def test_if_modified_answers_unchanged_and_nothing_else(self) -> None:
        self.pb.put(self.bucket, b"k", b"v")
        context = self.pb.get(self.bucket, b"k").context
        body = self.pb.call(riak_pb.GET, riak_pb.get_request(self.bucket, b"k", if_modified=context), riak_pb.GET_REPLY)
        self.assertEqual(decode(body), {3: [1]})
        self.pb.put(self.bucket, b"k", b"w", context=context)
        changed = self.pb.get(self.bucket, b"k", if_modified=context)
        self.assertFalse(changed.unchanged)
        self.assertEqual(changed.values, [b"w"])

    def test_a_deleted_key_is_an_empty_reply_unless_its_context_is_asked_for(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", b"siblings")
        self.pb.delete(self.bucket, b"k", b"siblings", context=self.pb.get(self.bucket, b"k", b"siblings").context)
        plain = self.pb.exchange(riak_pb.GET, riak_pb.get_request(self.bucket, b"k", b"siblings"))
        self.assertEqual(plain, (riak_pb.GET_REPLY, b""))
        asked = self.pb.get(self.bucket, b"k", b"siblings", deleted_context=True)
        self.assertEqual(asked.contents, [])
        # Whether there still is a context is the server's affair; writing with what it gave leaves one value.
        self.pb.put(self.bucket, b"k", b"again", b"siblings", context=asked.context)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"again"])

    def test_zero_length_names_are_refused_with_riaks_words(self) -> None:
        self.assert_refused("Bucket cannot be zero-length", riak_pb.GET, riak_pb.get_request(b"", b"k"))
        self.assert_refused("Key cannot be zero-length", riak_pb.GET, riak_pb.get_request(b"b", b""))
        self.assert_refused("Type cannot be zero-length", riak_pb.GET, riak_pb.get_request(b"b", b"k", b""))
        self.assert_refused("Bucket cannot be zero-length", riak_pb.PUT, riak_pb.put_request(b"", b"k", b"v"))
        self.assert_refused("Key cannot be zero-length", riak_pb.PUT, riak_pb.put_request(b"b", b"", b"v"))
        self.assert_refused("Type cannot be zero-length", riak_pb.PUT, riak_pb.put_request(b"b", b"k", b"v", b""))

    def test_an_unknown_type_is_refused_by_name(self) -> None:
        for code, body in [
            (riak_pb.GET, riak_pb.get_request(b"b", b"k", b"nope")),
            (riak_pb.PUT, riak_pb.put_request(b"b", b"k", b"v", b"nope")),
            (riak_pb.DELETE, riak_pb.delete_request(b"b", b"k", b"nope")),
            (riak_pb.LIST_KEYS, field(1, b"b") + field(3, b"nope")),
            (riak_pb.GET_BUCKET, field(1, b"b") + field(2, b"nope")),
            (riak_pb.GET_BUCKET_TYPE, field(1, b"nope")),
        ]:
            with self.subTest(code=code):
                with self.assertRaises(RiakError) as caught:
                    self.pb.call(code, body, -1)
                self.assertIn("nope", caught.exception.text)
                self.assertIn("bucket", caught.exception.text.lower())
                self.pb.ping()

    def test_a_quorum_beyond_n_is_refused_with_riaks_words(self) -> None:
        self.pb.put(self.bucket, b"k", b"v")
        violation = "{n_val_violation,3}"
        self.assert_refused(violation, riak_pb.GET, riak_pb.get_request(self.bucket, b"k", r=4))
        self.assert_refused(violation, riak_pb.GET, riak_pb.get_request(self.bucket, b"k", pr=4))
        self.assert_refused(violation, riak_pb.PUT, riak_pb.put_request(self.bucket, b"k", b"v", w=4))
        self.assert_refused(violation, riak_pb.PUT, riak_pb.put_request(self.bucket, b"k", b"v", dw=5))

    def test_quorums_up_to_n_and_in_words_are_accepted(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", w=3, dw=riak_pb.ALL, pw=riak_pb.ONE)
        for r in (1, 2, 3, riak_pb.ONE, riak_pb.QUORUM, riak_pb.ALL, riak_pb.DEFAULT):
            self.assertEqual(self.pb.get(self.bucket, b"k", r=r, pr=0).values, [b"v"])
        for flag in (True, False):
            self.assertEqual(self.pb.get(self.bucket, b"k", basic_quorum=flag, notfound_ok=not flag).values, [b"v"])


class Put(NodeTest):
    def test_without_asking_for_anything_the_reply_is_empty(self) -> None:
        request = riak_pb.put_request(self.bucket, b"k", b"v")
        self.assertEqual(self.pb.exchange(riak_pb.PUT, request), (riak_pb.PUT_REPLY, b""))

    def test_without_a_key_the_server_makes_one(self) -> None:
        made = [self.pb.put(self.bucket, None, b"v").key or b"" for _ in range(20)]
        self.assertEqual(len(set(made)), 20)
        for key in made:
            # As long as Riak's, so that clients that check it are content.
            self.assertRegex(key.decode(), r"^[0-9A-Za-z]{26,27}$")
            self.assertEqual(self.pb.get(self.bucket, key).values, [b"v"])

    def test_return_body(self) -> None:
        stored = self.pb.put(self.bucket, b"k", Content(b"v", b"text/x"), return_body=True)
        self.assertEqual(stored.values, [b"v"])
        self.assertEqual(stored.contents[0].content_type, b"text/x")
        self.assertTrue(stored.context)
        self.pb.put(self.bucket, b"k", b"w", context=stored.context)
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b"w"])

    def test_return_body_and_head_show_every_sibling(self) -> None:
        self.pb.put(self.bucket, b"k", b"one", b"siblings")
        both = self.pb.put(self.bucket, b"k", b"two", b"siblings", return_body=True)
        self.assertEqual(both.values, [b"one", b"two"])
        heads = self.pb.put(self.bucket, b"k", b"three", b"siblings", return_head=True)
        self.assertEqual([content.value for content in heads.contents], [b"", b"", b""])

    def test_the_context_that_comes_with_siblings_covers_them(self) -> None:
        self.pb.put(self.bucket, b"k", b"one", b"siblings")
        both = self.pb.put(self.bucket, b"k", b"two", b"siblings", return_body=True)
        self.assertEqual(both.values, [b"one", b"two"])
        self.pb.put(self.bucket, b"k", b"merged", b"siblings", context=both.context)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"merged"])

    def test_if_none_match(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", if_none_match=True)
        request = riak_pb.put_request(self.bucket, b"k", b"w", if_none_match=True)
        self.assert_refused("match_found", riak_pb.PUT, request)
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b"v"])

    def test_if_none_match_after_a_delete_succeeds(self) -> None:
        self.pb.put(self.bucket, b"k", b"v")
        self.pb.delete(self.bucket, b"k")
        self.pb.put(self.bucket, b"k", b"w", if_none_match=True)
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b"w"])

    def test_if_not_modified(self) -> None:
        absent = riak_pb.put_request(self.bucket, b"k", b"v", if_not_modified=True)
        self.assert_refused("notfound", riak_pb.PUT, absent)
        self.pb.put(self.bucket, b"k", b"v")
        old = self.pb.get(self.bucket, b"k").context
        self.pb.put(self.bucket, b"k", b"w", context=old, if_not_modified=True)
        stale = riak_pb.put_request(self.bucket, b"k", b"x", context=old, if_not_modified=True)
        self.assert_refused("modified", riak_pb.PUT, stale)
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b"w"])

    def test_error_codes_are_zero(self) -> None:
        self.pb.put(self.bucket, b"k", b"v")
        with self.assertRaises(RiakError) as caught:
            self.pb.put(self.bucket, b"k", b"w", if_none_match=True)
        self.assertEqual(caught.exception.code, 0)

    def test_an_empty_context_is_no_context(self) -> None:
        self.pb.put(self.bucket, b"k", b"one", b"siblings")
        self.pb.put(self.bucket, b"k", b"two", b"siblings", context=b"")
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"one", b"two"])

    def test_a_context_nobody_gave_is_refused(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", b"siblings")
        context = bytearray(self.pb.get(self.bucket, b"k", b"siblings").context or b"")
        for position in range(len(context)):
            forged = bytearray(context)
            forged[position] ^= 0x41
            with self.subTest(position=position):
                with self.assertRaises(RiakError):
                    self.pb.put(self.bucket, b"k", b"forged", b"siblings", context=bytes(forged))
                self.pb.ping()
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"v"])

    def test_the_context_of_another_key_is_refused(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", b"siblings")
        self.pb.put(self.bucket, b"other", b"v", b"siblings")
        context = self.pb.get(self.bucket, b"other", b"siblings").context
        with self.assertRaises(RiakError):
            self.pb.put(self.bucket, b"k", b"w", b"siblings", context=context)
        self.pb.ping()
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"v"])

    def test_five_writes_with_the_same_old_context_are_five_siblings(self) -> None:
        self.pb.put(self.bucket, b"k", b"start", b"siblings")
        context = self.pb.get(self.bucket, b"k", b"siblings").context
        values = [b"%d" % number for number in range(5)]
        for value in values:
            self.pb.put(self.bucket, b"k", value, b"siblings", context=context)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, values)

    def test_a_blind_write_to_a_bucket_without_siblings_replaces(self) -> None:
        self.pb.put(self.bucket, b"k", b"one")
        self.pb.put(self.bucket, b"k", b"two")
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b"two"])


class Delete(NodeTest):
    def test_deleting_nothing_succeeds(self) -> None:
        request = riak_pb.delete_request(self.bucket, b"never")
        self.assertEqual(self.pb.exchange(riak_pb.DELETE, request), (riak_pb.DELETE_REPLY, b""))

    def test_with_a_context_it_removes_what_the_context_has_seen(self) -> None:
        self.pb.put(self.bucket, b"k", b"seen", b"siblings")
        context = self.pb.get(self.bucket, b"k", b"siblings").context
        self.pb.put(self.bucket, b"k", b"unseen", b"siblings")
        self.pb.delete(self.bucket, b"k", b"siblings", context=context)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"unseen"])

    def test_without_a_context_it_removes_all_there_is(self) -> None:
        for value in (b"one", b"two"):
            self.pb.put(self.bucket, b"k", value, b"siblings")
        self.pb.delete(self.bucket, b"k", b"siblings")
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [])

    def test_a_write_with_a_context_from_before_a_delete_is_kept(self) -> None:
        self.pb.put(self.bucket, b"k", b"start", b"siblings")
        context = self.pb.get(self.bucket, b"k", b"siblings").context
        self.pb.delete(self.bucket, b"k", b"siblings", context=context)
        for value in (b"1", b"2", b"3", b"4"):
            self.pb.put(self.bucket, b"k", value, b"siblings", context=context)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"1", b"2", b"3", b"4"])

    def test_an_immutable_key_is_not_deleted(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", b"immutable")
        with self.assertRaises(RiakError):
            self.pb.delete(self.bucket, b"k", b"immutable")
        self.assertEqual(self.pb.get(self.bucket, b"k", b"immutable").values, [b"v"])


class Listing(NodeTest):
    def test_keys_come_in_messages_that_hold_some_until_done(self) -> None:
        expected = sorted(b"key-%04d" % number for number in range(1200))
        self.pb.send(b"".join(frame(riak_pb.PUT, riak_pb.put_request(self.bucket, key, b"v")) for key in expected))
        for _ in expected:
            self.assertEqual(self.pb.receive()[0], riak_pb.PUT_REPLY)
        chunks = self.pb.key_chunks(self.bucket)
        self.assertGreater(len(chunks), 1)
        self.assertNotIn([], chunks)
        self.assertEqual(sorted(key for chunk in chunks for key in chunk), expected)

    def test_no_keys_are_one_message_with_done(self) -> None:
        code, body = self.pb.exchange(riak_pb.LIST_KEYS, field(1, self.bucket))
        self.assertEqual((code, decode(body)), (riak_pb.KEYS, {2: [1]}))

    def test_keys_of_one_type_and_bucket_only(self) -> None:
        self.pb.put(self.bucket, b"mine", b"v", b"siblings")
        self.pb.put(self.bucket, b"other type", b"v")
        self.pb.put(self.bucket + b"x", b"longer bucket name", b"v", b"siblings")
        self.assertEqual(self.pb.keys(self.bucket, b"siblings"), [b"mine"])

    def test_a_deleted_key_is_not_listed(self) -> None:
        self.pb.put(self.bucket, b"stays", b"v", b"siblings")
        self.pb.put(self.bucket, b"goes", b"v", b"siblings")
        self.pb.delete(self.bucket, b"goes", b"siblings")
        self.assertEqual(self.pb.keys(self.bucket, b"siblings"), [b"stays"])

    def test_buckets_with_and_without_a_stream(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", b"versioned")
        self.assertIn(self.bucket, self.pb.buckets(b"versioned"))
        self.assertEqual(sorted(self.pb.buckets(b"versioned")), sorted(self.pb.streamed_buckets(b"versioned")))
        self.assertNotIn(self.bucket, self.pb.buckets())

    def test_a_bucket_whose_keys_are_all_deleted_is_not_listed(self) -> None:
        self.pb.put(self.bucket, b"k", b"v", b"versioned")
        self.pb.delete(self.bucket, b"k", b"versioned")
        self.assertNotIn(self.bucket, self.pb.buckets(b"versioned"))

    def test_an_empty_bucket_name_is_refused(self) -> None:
        with self.assertRaises(RiakError):
            self.pb.keys(b"")
        self.pb.ping()


class Properties(NodeTest):
    # Field numbers of the properties.
    N_VAL, ALLOW_MULT, LAST_WRITE_WINS, PR, R, W, PW, DW, RW = 1, 2, 3, 14, 15, 16, 17, 18, 19
    DATATYPE, WRITE_ONCE = 26, 28

    def test_the_default_properties_are_riaks(self) -> None:
        properties = self.pb.properties(self.bucket)
        expected = {
            self.N_VAL: 3, self.ALLOW_MULT: 0, self.LAST_WRITE_WINS: 0, self.PR: 0, self.PW: 0, self.R: riak_pb.QUORUM,
            self.W: riak_pb.QUORUM, self.DW: riak_pb.QUORUM, self.RW: riak_pb.QUORUM,
        }
        self.assertEqual({number: first(properties, number) for number in expected}, expected)

    def test_set_then_reset(self) -> None:
        self.pb.set_properties(self.bucket, field(self.N_VAL, 1) + field(self.ALLOW_MULT, True))
        changed = self.pb.properties(self.bucket)
        self.assertEqual((first(changed, self.N_VAL), first(changed, self.ALLOW_MULT)), (1, 1))
        self.assertEqual(first(self.pb.properties(self.bucket + b"-other"), self.N_VAL), 3)
        self.pb.put(self.bucket, b"k", b"one")
        self.pb.put(self.bucket, b"k", b"two")
        self.assertEqual(self.pb.get(self.bucket, b"k").values, [b"one", b"two"])
        self.pb.reset_properties(self.bucket)
        reset = self.pb.properties(self.bucket)
        self.assertEqual((first(reset, self.N_VAL), first(reset, self.ALLOW_MULT)), (3, 0))

    def test_setting_what_was_read_changes_nothing(self) -> None:
        for type in (None, b"siblings", b"last_write_wins", b"immutable", b"versioned"):
            with self.subTest(type=type):
                request = field(1, self.bucket) + field(2, type)
                before = first_bytes(decode(self.pb.call(riak_pb.GET_BUCKET, request, riak_pb.BUCKET)), 1) or b""
                self.pb.set_properties(self.bucket, before, type)
                after = first_bytes(decode(self.pb.call(riak_pb.GET_BUCKET, request, riak_pb.BUCKET)), 1) or b""
                self.assertEqual(decode(after), decode(before))

    def test_type_properties_are_answered_by_bucket_messages(self) -> None:
        properties = self.pb.type_properties(b"siblings")
        self.assertEqual((first(properties, self.N_VAL), first(properties, self.ALLOW_MULT)), (3, 1))

    def test_nonsense_is_refused_with_the_reason(self) -> None:
        for properties in (
            field(self.N_VAL, 0), field(self.ALLOW_MULT, True) + field(self.LAST_WRITE_WINS, True),
        ):
            with self.subTest(properties=properties):
                with self.assertRaises(RiakError) as caught:
                    self.pb.set_properties(self.bucket, properties)
                self.assertNotEqual(caught.exception.text, "")
                self.pb.ping()
        self.assertEqual(first(self.pb.properties(self.bucket), self.N_VAL), 3)

    def test_the_preference_list_has_three_primaries(self) -> None:
        body = self.pb.call(
            riak_pb.PREFERENCE_LIST, field(1, self.bucket) + field(2, b"k"), riak_pb.PREFERENCE_LIST_REPLY)
        items = [decode(item) for item in decode(body)[1] if isinstance(item, bytes)]
        self.assertEqual(len(items), 3)
        for item in items:
            self.assertEqual((first_bytes(item, 2), first(item, 3)), (b"riak@127.0.0.1", 1))
            self.assertIn(first(item, 1), range(64))


class Texts(NodeTest):
    def test_errors_are_one_line_of_readable_text(self) -> None:
        for code, body in [
            (riak_pb.GET, riak_pb.get_request(b"", b"k")), (riak_pb.GET, riak_pb.get_request(b"b", b"k", b"nope")), (99, b""),
            (23, field(1, b"{}") + field(2, b"application/json")),
        ]:
            with self.assertRaises(RiakError) as caught:
                self.pb.call(code, body, -1)
            self.assertTrue(re.match(r"^[^\n]{5,300}$", caught.exception.text), caught.exception.text)
