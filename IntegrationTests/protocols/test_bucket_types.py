"""Bucket types from their creation on the command line to what they do to writes."""
from __future__ import annotations

import json
from typing import Any, Dict, Optional

import riak_http
import riak_pb
from kindred_process import KindredProcess
from node import NodeTest
from riak_pb import Connection, RiakError, first


class BucketTypes(NodeTest):
    def listed(self) -> Dict[str, Any]:
        types = json.loads(self.node.command("bucket-type", "list", "--json").stdout)
        return {type["name"]: type for type in types}

    def create(self, name: str, **properties: Any) -> None:
        self.node.create_type(name, **properties)

    def test_a_new_node_has_five_types(self) -> None:
        listed = self.listed()
        for name in ("default", "siblings", "last_write_wins", "immutable", "versioned"):
            self.assertIs(listed[name]["active"], True, name)
        strategies = {name: listed[name]["strategy"] for name in ("siblings", "last_write_wins", "immutable", "versioned")}
        self.assertEqual(len(set(strategies.values())), 4, strategies)

    def test_a_type_is_of_use_only_once_it_is_active(self) -> None:
        self.node.command("bucket-type", "create", "two_steps", "--props", '{"allow_mult": true}')
        self.assertIs(self.listed()["two_steps"]["active"], False)
        with self.assertRaises(RiakError):
            self.pb.put(self.bucket, b"k", b"v", b"two_steps")
        self.node.command("bucket-type", "activate", "two_steps")
        self.assertIs(self.listed()["two_steps"]["active"], True)
        self.pb.put(self.bucket, b"k", b"v", b"two_steps")
        self.assertEqual(self.pb.get(self.bucket, b"k", b"two_steps").values, [b"v"])

    def test_riaks_properties_choose_the_strategy(self) -> None:
        self.create("from_allow_mult", allow_mult=True)
        self.create("from_nothing")
        self.create("from_no_siblings", allow_mult=False)
        self.create("from_last_write", last_write_wins=True, allow_mult=False)
        self.create("from_write_once", write_once=True)
        expected = {
            b"from_allow_mult": [b"one", b"two"], b"from_nothing": [b"one", b"two"], b"from_no_siblings": [b"two"],
            b"from_last_write": [b"two"],
        }
        for type, values in expected.items():
            with self.subTest(type=type):
                self.pb.put(self.bucket, b"k", b"one", type)
                self.pb.put(self.bucket, b"k", b"two", type)
                self.assertEqual(self.pb.get(self.bucket, b"k", type).values, values)
        self.pb.put(self.bucket, b"k", b"one", b"from_write_once")
        with self.assertRaises(RiakError):
            self.pb.put(self.bucket, b"k", b"two", b"from_write_once")
        self.pb.put(self.bucket, b"k", b"one", b"from_write_once")
        self.assertEqual(self.pb.get(self.bucket, b"k", b"from_write_once").values, [b"one"])

    def test_our_own_property_names_the_strategy(self) -> None:
        for strategy in ("version-vectors", "last-write-wins", "immutable", "version-numbers"):
            name = "named_" + strategy.replace("-", "_")
            self.create(name, conflict_strategy=strategy)
            self.assertEqual(self.listed()[name]["strategy"], strategy)

    def test_contradictions_are_refused_with_the_reason(self) -> None:
        for number, properties in enumerate((
            {"allow_mult": True, "last_write_wins": True},
            {"write_once": True, "last_write_wins": True},
            {"conflict_strategy": "immutable", "last_write_wins": True},
            {"conflict_strategy": "version-vectors", "write_once": True},
            {"conflict_strategy": "guess"},
            {"n_val": 0},
            {"datatype": "counter", "allow_mult": False},
        )):
            with self.subTest(properties=properties):
                result = self.node.command(
                    "bucket-type", "create", f"contradiction{number}", "--props", json.dumps(properties), expect=None)
                self.assertNotEqual(result.returncode, 0)
                self.assertNotEqual(result.stderr.strip() + result.stdout.strip(), "")
                self.assertNotIn(f"contradiction{number}", self.listed())

    def test_names_that_cannot_be(self) -> None:
        for name in ("default", "siblings", ""):
            with self.subTest(name=name):
                result = self.node.command("bucket-type", "create", name, "--props", "{}", expect=None)
                self.assertNotEqual(result.returncode, 0)

    def test_activating_what_does_not_exist_fails(self) -> None:
        self.assertNotEqual(self.node.command("bucket-type", "activate", "never_made", expect=None).returncode, 0)

    def test_what_is_fixed_at_creation_stays(self) -> None:
        write_once = 28
        self.create("fixed", write_once=True)
        with self.assertRaises(RiakError):
            self.pb.set_type_properties(b"fixed", riak_pb.field(write_once, False))
        self.pb.ping()
        self.assertEqual(first(self.pb.type_properties(b"fixed"), write_once), 1)

    def test_a_bucket_may_override_its_type(self) -> None:
        self.create("overridden", allow_mult=True)
        allow_mult = 2
        self.pb.set_properties(self.bucket, riak_pb.field(allow_mult, False), b"overridden")
        self.pb.put(self.bucket, b"k", b"one", b"overridden")
        self.pb.put(self.bucket, b"k", b"two", b"overridden")
        self.assertEqual(self.pb.get(self.bucket, b"k", b"overridden").values, [b"two"])
        other = self.bucket + b"-other"
        self.pb.put(other, b"k", b"one", b"overridden")
        self.pb.put(other, b"k", b"two", b"overridden")
        self.assertEqual(self.pb.get(other, b"k", b"overridden").values, [b"one", b"two"])


class ConflictLog(NodeTest):
    """What becomes of a type's conflicts is the same; whether it is entered is the type's to say."""

    conflict_log = 1002
    keys = 0

    def entered(self, type: str, node: Optional[KindredProcess] = None) -> int:
        """How many conflicts of this test's bucket the log has."""
        with riak_http.Connection((node or self.node).http) as connection:
            response = connection.request("GET", f"/kindred/v1/conflicts?type={type}&bucket={self.name}")
        self.assert_status(response, 200)
        return len(json.loads(response.body)["conflicts"])

    def is_logged(self, type: str) -> Any:
        response = self.http.get(f"/kindred/v1/conflicts/counts?type={type}&bucket={self.name}")
        return json.loads(response.body)["logged"]

    def meet(self, type: str, connection: Optional[Connection] = None) -> None:
        """Two writes of a key of its own, neither of which has seen the other."""
        self.keys += 1
        for value in (b"one", b"two"):
            (connection or self.pb).put(self.bucket, b"k%d" % self.keys, value, type.encode())

    def test_a_type_has_its_log_off_and_on_again_while_it_is_written(self) -> None:
        command = self.node.command
        for strategy in ("last-write-wins", "version-vectors"):
            with self.subTest(strategy=strategy):
                type = "quiet-" + strategy
                command(
                    "bucket-type", "create", type, "--strategy", strategy, "--conflict-log", "off", "--activate")
                shown = json.loads(command("bucket-type", "status", type, "--json").stdout)
                self.assertIs(shown["props"]["conflict_log"], False)
                self.assertEqual(first(self.pb.type_properties(type.encode()), self.conflict_log), 0)
                properties = json.loads(self.http.get(f"/types/{type}/props").body)["props"]
                self.assertIs(properties["conflict_log"], False)
                self.meet(type)
                self.assertEqual(self.entered(type), 0)
                self.assertIs(self.is_logged(type), False)
                explained = self.http.get(f"/kindred/v1/explain?type={type}&bucket={self.name}&key=k{self.keys}")
                self.assertIn("log is off", json.loads(explained.body)["verdict"][-1])
                command("bucket-type", "update", type, "--conflict-log", "on")
                self.meet(type)
                self.assertEqual(self.entered(type), 1)
                self.assertIs(self.is_logged(type), True)
                self.pb.set_type_properties(type.encode(), riak_pb.field(self.conflict_log, False))
                self.meet(type)
                # What there is stays.
                self.assertEqual(self.entered(type), 1)
                self.assertIs(
                    json.loads(command("bucket-type", "status", type, "--json").stdout)["props"]["conflict_log"], False)

    def test_a_bucket_of_the_default_type_has_its_log_off(self) -> None:
        self.assertIs(self.listed_default()["conflict_log"], True)
        self.assert_status(
            self.http.request(
                "PUT", f"/types/default/buckets/{self.name}/props", {"Content-Type": "application/json"},
                json.dumps({"props": {"conflict_log": False}}).encode()), 204)
        self.meet("default")
        self.assertEqual(self.entered("default"), 0)
        self.pb.reset_properties(self.bucket)
        self.meet("default")
        self.assertEqual(self.entered("default"), 1)

    def listed_default(self) -> Dict[str, Any]:
        types = json.loads(self.node.command("bucket-type", "list", "--json").stdout)
        return next(type["props"] for type in types if type["name"] == "default")

    def test_a_node_without_a_log_enters_nothing_whatever_the_type_says(self) -> None:
        node = KindredProcess(arguments=["--conflict-log", "off"]).start()
        self.addCleanup(node.close)
        node.create_type("loud", conflict_log=True)
        with Connection(node.pb) as connection:
            self.meet("loud", connection)
        self.assertEqual(self.entered("loud", node), 0)
        node.stop()

    def test_what_is_neither_on_nor_off_is_refused(self) -> None:
        for words in (("--conflict-log", "maybe"), ("--props", '{"conflict_log": "off"}')):
            with self.subTest(words=words):
                result = self.node.command("bucket-type", "create", "neither", *words, expect=None)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn("conflict", result.stderr)


class Restart(NodeTest):
    def test_types_properties_and_objects_outlive_a_restart(self) -> None:
        node = KindredProcess().start()
        self.addCleanup(node.close)
        node.create_type("kept", allow_mult=True)
        node.command("bucket-type", "create", "not_yet_active", "--props", "{}")
        with Connection(node.pb) as connection:
            connection.set_properties(b"b", riak_pb.field(1, 2))
            connection.put(b"b", b"k", b"one", b"kept")
            connection.put(b"b", b"k", b"two", b"kept")
            context = connection.get(b"b", b"k", b"kept").context
        node.stop()
        node.start()
        with Connection(node.pb) as connection:
            self.assertEqual(first(connection.properties(b"b"), 1), 2)
            self.assertEqual(connection.get(b"b", b"k", b"kept").values, [b"one", b"two"])
            connection.put(b"b", b"k", b"resolved", b"kept", context=context)
            self.assertEqual(connection.get(b"b", b"k", b"kept").values, [b"resolved"])
        types = {type["name"]: type for type in json.loads(node.command("bucket-type", "list", "--json").stdout)}
        self.assertEqual((types["kept"]["active"], types["not_yet_active"]["active"]), (True, False))
        node.stop()

    def test_two_nodes_do_not_share_a_data_directory(self) -> None:
        node = KindredProcess().start()
        self.addCleanup(node.close)
        second = KindredProcess(data=node.data)
        self.addCleanup(second.close)
        with self.assertRaises(AssertionError) as caught:
            second.start()
        self.assertIn("ended with", str(caught.exception))
        with Connection(node.pb) as connection:
            connection.ping()
        node.stop()
