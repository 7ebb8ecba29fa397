"""The conflict log of a real node, over HTTP and through the commands: what is in it, how it is followed over a crash, and
what can be done about a conflict."""
from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import urlencode

import riak_http
from kindred_cluster import KindredCluster, etcd_binary
from kindred_process import Address, KindredProcess
from node import NodeTest

PREFIX = "/kindred/v1/conflicts"
TYPES = {
    "default": "last-write-wins", "siblings": "version-vectors", "versioned": "version-numbers", "immutable": "immutable",
}
KINDS = {"default": "lost", "siblings": "sibling", "versioned": "sibling", "immutable": "refused"}
LIMIT = 64 << 10


class Feed:
    """A reader of server-sent events. `conflicts` is what has come, `cursor` where it can go on."""

    def __init__(self, address: Address, query: str = "", cursor: Optional[str] = None) -> None:
        self.connection = http.client.HTTPConnection(*address, timeout=30)
        headers = {"Last-Event-ID": cursor} if cursor is not None else {}
        self.connection.request("GET", f"{PREFIX}/feed{'?' + query if query else ''}", headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.cursor: Optional[str] = None
        self.conflicts: List[Dict[str, Any]] = []

    def read(self, count: int) -> List[Dict[str, Any]]:
        """Reads until so many conflicts have come in all, and the cursor that covers them."""
        name = ""
        covered = 0
        while covered < count or self.cursor is None:
            line = self.response.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[len("event: "):]
            elif line.startswith("data: ") and name == "conflict":
                self.conflicts.append(json.loads(line[len("data: "):]))
            elif line.startswith("id: "):
                self.cursor, covered = line[len("id: "):], len(self.conflicts)
            assert name != "failure", line
        return self.conflicts

    def close(self) -> None:
        self.connection.close()


def encoded(value: bytes, content_type: bytes) -> bytes:
    """What is stored of a value with a content type: docs/formats/object-content.md."""
    field = bytes([1, len(content_type)]) + content_type
    return bytes([0x10, len(field)]) + field + value


class ConflictTest(NodeTest):
    """A test with a node to itself, and a client for each name."""

    def choose_node(self) -> KindredProcess:
        node = KindredProcess().start()
        self.addCleanup(node.close)
        return node

    def write(
        self, type: str, key: str, value: bytes, client: str, context: Optional[str] = None
    ) -> riak_http.Response:
        headers = {"X-Kindred-Client": client}
        connection = riak_http.Connection(self.node.http)
        with connection:
            return connection.put(self.path(key, type), value, context, headers)

    def values(self, type: str, key: str) -> List[bytes]:
        with riak_http.Connection(self.node.http) as connection:
            return connection.get(self.path(key, type)).values

    def ask(self, path: str, expect: int = 200, **query: Any) -> Any:
        with riak_http.Connection(self.node.http) as connection:
            target = f"{path}?{urlencode(query)}" if query else path
            response = self.assert_status(connection.request("GET", target), expect)
        return json.loads(response.body)

    def post(self, path: str, document: Any = None, client: str = "Dora", expect: int = 200) -> Any:
        body = json.dumps(document).encode() if document is not None else b""
        with riak_http.Connection(self.node.http) as connection:
            response = self.assert_status(
                connection.request("POST", path, {"X-Kindred-Client": client}, body), expect)
        return json.loads(response.body)

    def conflicts(self, **query: Any) -> List[Dict[str, Any]]:
        return self.ask(PREFIX, bucket=self.name, **query)["conflicts"]

    def meet(self, type: str, key: str) -> Dict[str, Any]:
        """Lets two writes of a key meet, and returns the conflict."""
        self.assertEqual(self.write(type, key, b"one", "Anna").status, 204)
        second = self.write(type, key, b"two", "Ben")
        self.assertEqual(second.status < 300, type != "immutable", f"{type}: {second.status}")
        found = self.conflicts(type=type, key=key)
        self.assertEqual([conflict["kind"] for conflict in found], [KINDS[type]], type)
        return found[0]

    def run_command(self, *words: str, expect: int = 0, input: str = "") -> "subprocess.CompletedProcess[str]":
        result = subprocess.run(
            [self.node.binary, *words, "--node", "http://%s:%d" % self.node.http], input=input,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
            env=dict(os.environ, LLVM_PROFILE_FILE=os.devnull))
        self.assertEqual(result.returncode, expect, f"{words}: {result.stdout}{result.stderr}")
        return result


class Reading(ConflictTest):
    def test_every_strategy_is_listed_filtered_shown_and_counted(self) -> None:
        begun = int(time.time() * 1000) - 1000
        made = {type: self.meet(type, "k") for type in TYPES}
        everything = self.conflicts()
        self.assertEqual(len(everything), 4)
        self.assertEqual(
            [conflict["noticed_ms"] for conflict in everything],
            sorted((conflict["noticed_ms"] for conflict in everything), reverse=True))
        for type, strategy in TYPES.items():
            with self.subTest(type=type):
                conflict = made[type]
                self.assertEqual((conflict["type"], conflict["strategy"]), (type, strategy))
                self.assertEqual(self.ask(f"{PREFIX}/{conflict['id']}"), conflict)
                self.assertEqual([each["id"] for each in self.conflicts(strategy=strategy)], [conflict["id"]])
                clients = {conflict["subject"]["client"]} | {other["client"] for other in conflict["others"]}
                self.assertEqual(clients, {"Anna", "Ben"})
        self.assertEqual(made["default"]["subject"]["value"]["text"], "one")
        self.assertEqual(made["default"]["others"][0]["seen"], "{}", "Ben has shown no context: he has seen nothing")
        self.assertEqual(made["immutable"]["subject"]["value"]["text"], "two")
        self.assertEqual({each["type"] for each in self.conflicts(state="open")}, {"siblings", "versioned"})
        self.assertEqual([each["type"] for each in self.conflicts(kind="lost")], ["default"])
        self.assertEqual(len(self.conflicts(writer="Anna")), 4)
        self.assertEqual(self.conflicts(writer="Carol"), [])
        self.assertEqual(len(self.conflicts(actor="1")), 4)
        self.assertEqual(len(self.conflicts(since=begun)), 4)
        self.assertEqual(self.conflicts(until=begun), [])
        # Page by page.
        names: List[str] = []
        page = self.ask(PREFIX, bucket=self.name, limit=3)
        names += [each["id"] for each in page["conflicts"]]
        page = self.ask(PREFIX, bucket=self.name, limit=3, before=page["next"])
        names += [each["id"] for each in page["conflicts"]]
        self.assertEqual(names, [each["id"] for each in everything])
        self.assertIsNone(page.get("next"))
        counts = self.ask(f"{PREFIX}/counts", bucket=self.name)["counts"]
        self.assertEqual(
            {(row["type"], row["kind"], row["count"]) for row in counts}, {(type, KINDS[type], 1) for type in TYPES})

    def test_what_is_asked_for_wrongly_is_refused_in_words(self) -> None:
        for query, text in (
            ({"kind": "quarrel"}, "lost"), ({"strategy": "hope"}, "immutable"), ({"state": "sad"}, "open"),
            ({"limit": 0}, "1000"), ({"since": "yesterday"}, "number"), ({"before": "x"}, "next"), ({"actor": "_"}, "3.a7"),
        ):
            with self.subTest(query=query):
                self.assertIn(text, self.ask(PREFIX, 400, **query)["error"])
        for name in ("1-zz.1-lost", "0-0.0-lost", "64-1.1-lost", "65535-1.1-sibling"):
            self.assertIn("no more", self.ask(f"{PREFIX}/{name}", 404)["error"])
            self.assertIn("no more", self.post(f"{PREFIX}/{name}/restore", expect=404)["error"])
        for path in (PREFIX, f"{PREFIX}/counts", f"{PREFIX}/feed"):
            self.assertIn("nowhere", self.ask(path, 404, type="nowhere")["error"])
        self.assertIn("nowhere", self.ask("/kindred/v1/explain", 404, type="nowhere", bucket="b", key="k")["error"])
        self.assertIn("Last-Event-ID", self.ask(f"{PREFIX}/feed", 400, after="AAAA")["error"])
        self.assertIn("state", self.ask(f"{PREFIX}/feed", 400, state="lost")["error"])
        self.assertIn("latest", self.post("/kindred/v1/resolve", {"bucket": "b", "key": "k", "rule": "x"}, expect=400)["error"])

    def test_a_write_that_has_seen_the_others_is_no_conflict(self) -> None:
        for type in ("default", "siblings"):
            self.write(type, "k", b"one", "Anna")
            with riak_http.Connection(self.node.http) as connection:
                context = connection.get(self.path("k", type)).context
            self.write(type, "k", b"two", "Ben", context)
            self.assertEqual(self.conflicts(type=type), [])

    def test_of_a_long_value_the_length_and_the_digest_are_kept(self) -> None:
        for size, isKept in ((LIMIT - 14, True), (LIMIT - 13, False), (200_000, False)):
            with self.subTest(size=size):
                value, key = b"x" * size, f"k{size}"
                content = encoded(value, b"text/plain")
                self.write("default", key, value, "Anna")
                self.write("default", key, b"short", "Ben")
                [conflict] = self.conflicts(key=key)
                shown = conflict["subject"]["value"]
                if isKept:
                    self.assertEqual((shown["state"], shown["length"], shown["text"]), ("remembered", size, value.decode()))
                    continue
                self.assertEqual(
                    shown, {"state": "oversized", "length": len(content), "sha256": hashlib.sha256(content).hexdigest()})
                refused = self.post(f"{PREFIX}/{conflict['id']}/restore", expect=409)["error"]
                self.assertIn(str(len(content)), refused)


class Following(ConflictTest):
    def start_feed(self, query: str = "", cursor: Optional[str] = None) -> Feed:
        feed = Feed(self.node.http, query, cursor)
        self.addCleanup(feed.close)
        return feed

    def test_a_feed_goes_on_where_it_was_after_a_crash(self) -> None:
        before = {self.meet(type, "k")["id"] for type in TYPES}
        feed = self.start_feed("from=beginning")
        self.assertEqual({conflict["id"] for conflict in feed.read(4)}, before)
        self.assertEqual(len(feed.conflicts), 4)
        # What comes while nobody listens, and what comes after a crash.
        missed = self.meet("default", "missed")["id"]
        self.node.kill()
        self.node.start()
        late = self.meet("siblings", "late")["id"]
        again = self.start_feed(cursor=feed.cursor)
        self.assertEqual({conflict["id"] for conflict in again.read(2)}, {missed, late})
        live = self.meet("versioned", "live")["id"]
        self.assertEqual(again.read(3)[2]["id"], live)
        # From the beginning each comes once, and the log has lost nothing.
        whole = self.start_feed("from=beginning").read(7)
        self.assertEqual(sorted(conflict["id"] for conflict in whole), sorted(before | {missed, late, live}))
        self.assertEqual(len(self.conflicts()), 7)

    def test_a_feed_without_a_cursor_begins_now_and_can_be_filtered(self) -> None:
        self.meet("default", "old")
        feed = self.start_feed(urlencode({"kind": "sibling", "bucket": self.name}))
        feed.read(0)
        self.meet("default", "k")
        wanted = self.meet("siblings", "k")["id"]
        self.assertEqual([conflict["id"] for conflict in feed.read(1)], [wanted])

    def test_the_watching_command_goes_on_where_its_file_says(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "cursor")
            first = self.meet("default", "first")["id"]
            self.assertEqual(self.watch(path, 1, "--from-beginning"), [first])
            second = self.meet("siblings", "second")["id"]
            self.node.kill()
            self.node.start()
            self.assertEqual(self.watch(path, 1), [second])
            third = self.meet("versioned", "third")["id"]
            self.assertEqual(self.watch(path, 1), [third])

    def watch(self, path: str, count: int, *words: str) -> List[str]:
        """What `kindred conflicts watch` prints until it has told so many and saved where it is."""
        before = self.content(path)
        process = subprocess.Popen(
            [self.node.binary, "conflicts", "watch", "--json", "--cursor-file", path, *words, "--node",
             "http://%s:%d" % self.node.http],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, LLVM_PROFILE_FILE=os.devnull))
        self.addCleanup(process.kill)
        assert process.stdout is not None and process.stderr is not None
        lines = [process.stdout.readline() for _ in range(count)]
        until = time.monotonic() + 30
        while self.content(path) in ("", before):
            self.assertLess(time.monotonic(), until, "the cursor is not saved")
            time.sleep(0.02)
        # The first cursor may be where it began: the one after the conflicts is another.
        saved = self.content(path)
        while time.monotonic() < until and self.covers(saved, count) is False:
            time.sleep(0.02)
            saved = self.content(path)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
        self.assertEqual((process.returncode, errors), (0, ""))
        return [json.loads(line)["id"] for line in lines + rest.splitlines()]

    def covers(self, cursor: str, count: int) -> bool:
        """Whether a feed from the cursor has nothing of this bucket to tell."""
        feed = Feed(self.node.http, cursor=cursor)
        try:
            feed.connection.sock.settimeout(1.5)
            feed.read(1)
            return False
        except (TimeoutError, OSError):
            return True
        finally:
            feed.close()

    @staticmethod
    def content(path: str) -> str:
        try:
            with open(path, encoding="ascii") as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""


class Resolving(ConflictTest):
    def test_a_lost_value_is_restored(self) -> None:
        lost = self.meet("default", "k")
        self.assertEqual(self.values("default", "k"), [b"two"])
        report = self.post(f"{PREFIX}/{lost['id']}/restore")
        self.assertEqual((report["values"], report["written"]), (1, True))
        self.assertEqual(self.values("default", "k"), [b"one"])
        self.assertEqual(self.ask(f"{PREFIX}/{lost['id']}")["state"], "restored")
        explained = self.ask("/kindred/v1/explain", bucket=self.name, key="k")
        newest = explained["events"][-1]
        self.assertEqual((newest["fate"], newest["party"]["client"]), ("shown", "Dora"))
        self.assertLessEqual({event["party"]["dot"] for event in explained["events"][:-1]}, set(newest["saw"]))

    def test_of_several_values_one_is_restored_and_what_was_refused_is_not(self) -> None:
        self.meet("siblings", "k")
        self.post("/kindred/v1/resolve", {"type": "siblings", "bucket": self.name, "key": "k", "rule": "latest"})
        resolved = next(each for each in self.conflicts(type="siblings") if each["kind"] == "resolved")
        restore = f"{PREFIX}/{resolved['id']}/restore"
        self.assertIn("which write", self.post(restore, expect=409)["error"])
        self.assertIn("nothing to do with", self.post(f"{restore}?dot=zz.1", expect=409)["error"])
        self.assertIn("names no version", self.post(f"{restore}?dot=one", expect=400)["error"])
        dot = next(each["dot"] for each in resolved["others"] if each["value"]["text"] == "one")
        self.assertTrue(self.post(f"{restore}?dot={dot}&beside=true")["written"])
        self.assertEqual(self.values("siblings", "k"), [b"one", b"two"])
        refused = self.meet("immutable", "k")
        self.assertEqual(refused["state"], "refused")
        self.assertIn("immutable", self.post(f"{PREFIX}/{refused['id']}/restore", expect=409)["error"])
        self.assertEqual(len(self.conflicts(type="immutable")), 1, "nothing was tried")

    def test_siblings_become_one_by_a_rule_and_the_conflict_is_resolved(self) -> None:
        for type in ("siblings", "versioned"):
            with self.subTest(type=type):
                conflict = self.meet(type, "k")
                self.assertEqual(self.values(type, "k"), [b"one", b"two"])
                wish = {"type": type, "bucket": self.name, "key": "k", "rule": "latest"}
                self.assertTrue(self.post("/kindred/v1/resolve", wish)["written"])
                self.assertEqual(self.values(type, "k"), [b"two"])
                self.assertEqual(self.ask(f"{PREFIX}/{conflict['id']}")["state"], "resolved")
                self.assertFalse(self.post("/kindred/v1/resolve", wish)["written"], "there is nothing left to do")
                kinds = [each["kind"] for each in self.conflicts(type=type)]
                self.assertEqual(sorted(kinds), ["resolved", "sibling"])

    def resolve(self, key: str, expect: int = 200, type: str = "siblings", **how: Any) -> Any:
        wish = {"type": type, "bucket": self.name, "key": key, **how}
        return self.post("/kindred/v1/resolve", wish, expect=expect)

    def dots(self, key: str, type: str = "siblings") -> List[str]:
        """The names of what the key has now, oldest first."""
        told = self.ask("/kindred/v1/explain", type=type, bucket=self.name, key=key)["events"]
        return [event["party"]["dot"] for event in told if event["fate"] in ("sibling", "shown")]

    def test_siblings_become_what_somebody_chooses(self) -> None:
        ways: Dict[str, Tuple[Dict[str, Any], List[bytes], str]] = {
            "value": ({"value": "thr\u00e9e"}, ["thr\u00e9e".encode()], "resolve by value"),
            "bytes": ({"value_base64": "/w=="}, [b"\xff"], "resolve by value"),
            "empty": ({"value": ""}, [b""], "resolve by value"), "delete": ({"delete": True}, [], "resolve by delete"),
        }
        for type in ("siblings", "versioned"):
            for way, (how, values, note) in ways.items():
                with self.subTest(type=type, way=way):
                    conflict = self.meet(type, way)
                    before = self.dots(way, type)
                    report = self.resolve(way, type=type, seen=before, **how)
                    self.assertEqual((report["written"], report["values"]), (True, len(values)))
                    with riak_http.Connection(self.node.http) as connection:
                        read = connection.get(self.path(way, type))
                    self.assertEqual(read.values if values else read.status, values or 404)
                    self.assertEqual(self.ask(f"{PREFIX}/{conflict['id']}")["state"], "resolved")
                    [done] = self.conflicts(type=type, key=way, kind="resolved")
                    self.assertEqual((done["note"], done["subject"]["client"]), (note, "Dora"))
                    self.assertEqual(sorted(party["dot"] for party in done["others"]), sorted(before))
                    self.assertEqual(self.dots(way, type), [report["dot"]] if values else [])
                    self.assertEqual(
                        self.resolve(way, type=type, **how), {"values": len(values), "written": False}, "nothing is left")

    def test_a_sibling_is_kept_with_its_metadata(self) -> None:
        headers = {"Content-Type": "application/json", "X-Riak-Meta-Colour": "red"}
        with riak_http.Connection(self.node.http) as connection:
            self.assertEqual(connection.put(self.path("k", "versioned"), b"{}", None, headers).status, 204)
        self.write("versioned", "k", b"two", "Ben")
        first, second = self.dots("k", "versioned")
        # As `kindred get` shows it, with the number of the version in front.
        report = self.resolve("k", type="versioned", keep=f"1-{first}")
        self.assertEqual((report["written"], report["values"]), (True, 1))
        self.assertNotIn(report["dot"], (first, second))
        with riak_http.Connection(self.node.http) as connection:
            kept = connection.get(self.path("k", "versioned"))
        self.assertEqual((kept.status, kept.body, kept.header("Content-Type")), (200, b"{}", "application/json"))
        self.assertEqual(kept.header("X-Riak-Meta-Colour"), "red")
        [done] = self.conflicts(kind="resolved")
        self.assertEqual(done["note"], f"resolve by keeping {first}")

    def test_siblings_that_nobody_has_looked_at_stay(self) -> None:
        self.meet("siblings", "k")
        seen = self.dots("k")
        self.write("siblings", "k", b"three", "Carol")
        now = self.dots("k")
        for how in ({"rule": "latest"}, {"keep": seen[0]}, {"value": "x"}, {"delete": True}):
            with self.subTest(how=how):
                told = self.resolve("k", expect=409, seen=seen, **how)
                self.assertEqual(sorted(told["siblings"]), sorted(now))
                for dot in now:
                    self.assertIn(dot, told["error"])
        told = self.resolve("k", expect=409, keep="7.7")
        self.assertEqual(sorted(told["siblings"]), sorted(now))
        self.assertEqual(self.values("siblings", "k"), [b"one", b"three", b"two"])
        self.assertTrue(self.resolve("k", seen=now[::-1], keep=seen[0])["written"], "their order does not matter")
        self.assertEqual(self.values("siblings", "k"), [b"one"])

    def test_what_makes_no_sense_is_refused(self) -> None:
        self.meet("siblings", "k")
        for how, reason in (
            ({}, "none is given"), ({"rule": "latest", "keep": "1.2"}, "2 are given"), ({"rule": "seance"}, "latest"),
            ({"value": "a", "value_base64": "YQ=="}, "2 are given"), ({"value_base64": "?"}, "value_base64"),
            ({"keep": "one"}, "keep"), ({"delete": True, "seen": []}, "seen"), ({"delete": True, "seen": ["x"]}, "seen"),
            ({"delete": True, "content_type": "a/b"}, "content_type"), ({"value": 1}, "not what is expected"),
            ({"value": "a", "seen": "1.2"}, "not what is expected"),
        ):
            with self.subTest(how=how):
                self.assertIn(reason, self.resolve("k", expect=400, **how)["error"])
        self.assertIn("nothing-so-called", self.resolve("k", expect=404, type="nothing-so-called", delete=True)["error"])
        self.assertEqual(self.values("siblings", "k"), [b"one", b"two"])

    def test_values_are_as_long_as_those_of_a_put_and_no_longer(self) -> None:
        self.meet("siblings", "k")
        largest = 50 << 20
        over = base64.b64encode(bytes(largest)).decode()
        self.assertIn("too_large", self.resolve("k", expect=413, value_base64=over)["error"])
        try:
            longer = self.resolve("k", expect=413, value="x" * (largest // 3 * 4 + (1 << 20)))
            self.assertIn("more than", longer["error"])
        except riak_http.ConnectionEnded:
            # Refused by the length alone: the answer may be lost while the body is still being sent.
            pass
        self.assertEqual(self.values("siblings", "k"), [b"one", b"two"])
        value = bytes(largest - 100)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "value")
            with open(path, "wb") as file:
                file.write(value)
            self.run_command("conflicts", "resolve", f"siblings/{self.name}/k", "--value-file", path, "--timeout", "50")
            with open(path, "ab") as file:
                file.write(bytes(101))
            told = self.run_command("conflicts", "resolve", f"siblings/{self.name}/k", "--value-file", path, expect=1)
            self.assertIn("52,428,800", told.stderr)
        self.assertEqual(self.values("siblings", "k"), [value])

    def test_the_commands_that_choose(self) -> None:
        for key in ("kept", "typed", "read", "gone"):
            self.meet("siblings", key)

        def run(key: str, *words: str, expect: int = 0, **more: Any) -> "subprocess.CompletedProcess[str]":
            place = f"siblings/{self.name}/{key}"
            return self.run_command("conflicts", "resolve", place, *words, "--as", "support", expect=expect, **more)

        first, second = self.dots("kept")
        self.assertIn(
            f"--keep {second} --seen {first},{second}",
            self.run_command("conflicts", "show", self.conflicts(key="kept")[0]["id"]).stdout)
        self.assertIn(second, run("kept", "--keep", "7.7", expect=1).stderr)
        self.assertIn(second, run("kept", "--delete", "--seen", first, expect=1).stderr)
        self.assertIn("resolved as", run("kept", "--keep", first, "--seen", f"{first},{second}").stdout)
        self.assertEqual(self.values("siblings", "kept"), [b"one"])
        self.assertIn("no siblings", run("kept", "--keep", first).stdout)
        run("typed", "--value", "three", "--content-type", "text/x-number")
        with riak_http.Connection(self.node.http) as connection:
            self.assertEqual(connection.get(self.path("typed", "siblings")).header("Content-Type"), "text/x-number")
        run("read", "--value-file", "-", input="from elsewhere")
        self.assertEqual(self.values("siblings", "read"), [b"from elsewhere"])
        self.assertIn("gone deleted.", run("gone", "--delete").stdout)
        self.assertIn("support", self.run_command("explain", f"siblings/{self.name}/gone").stdout)
        for words in (["--keep", "x"], ["--keep", first, "--delete"], [], ["--delete", "--seen", "1.2,,1.3"]):
            run("kept", *words, expect=64)
        self.run_command("conflicts", "resolve", "--all", "--delete", "--yes", expect=64)

    def test_the_story_of_every_strategy(self) -> None:
        fates = {
            "default": ["lost", "shown"], "siblings": ["sibling", "sibling"], "versioned": ["sibling", "sibling"],
            "immutable": ["shown", "refused"],
        }
        for type, expected in fates.items():
            with self.subTest(type=type):
                conflict = self.meet(type, "k")
                told = self.ask("/kindred/v1/explain", type=type, bucket=self.name, key="k")
                self.assertEqual(told["strategy"], TYPES[type])
                self.assertEqual([event["party"]["client"] for event in told["events"]], ["Anna", "Ben"])
                self.assertEqual([event["fate"] for event in told["events"]], expected)
                self.assertEqual([event["saw"] for event in told["events"]], [[], []])
                self.assertEqual([each["id"] for each in told["conflicts"]], [conflict["id"]])

    def test_the_commands(self) -> None:
        lost = self.meet("default", "k")["id"]
        for key in ("k", "k2"):
            self.meet("siblings", key)
        listed = self.run_command("conflicts", "--bucket", self.name).stdout
        self.assertIn(lost, listed)
        self.assertIn('"one" of Anna, to Ben\'s', listed)
        shown = self.run_command("conflicts", "show", lost).stdout
        self.assertIn("│ one", shown)
        self.assertIn("│ two", shown)
        self.assertIn("no more", self.run_command("conflicts", "show", "0-zz.1-lost", expect=2).stderr)
        self.assertIn("lost", self.run_command("conflicts", "list", "--kind", "x", expect=64).stderr)
        self.run_command("conflicts", "restore", lost, "--as", "support")
        self.assertEqual(self.values("default", "k"), [b"one"])
        place = f"siblings/{self.name}"
        dry = self.run_command("conflicts", "resolve", "--all", "--bucket", self.name, "--rule", "latest", "--dry-run")
        self.assertEqual(sorted(dry.stdout.splitlines()[:2]), [f"{place}/k", f"{place}/k2"])
        self.assertEqual(len(self.values("siblings", "k")), 2, "a dry run writes nothing")
        self.run_command("conflicts", "resolve", "--all", "--bucket", self.name, "--rule", "latest", expect=64)
        self.run_command("conflicts", "resolve", "--all", "--bucket", self.name, "--rule", "x", "--yes", expect=64)
        done = self.run_command("conflicts", "resolve", "--all", "--bucket", self.name, "--rule", "latest", "--yes")
        self.assertIn("2 keys resolved", done.stdout)
        self.assertEqual(self.values("siblings", "k"), [b"two"])
        self.assertEqual(self.conflicts(state="open"), [])
        self.assertIn("LOST", self.run_command("conflicts", "counts").stdout)
        self.assertIn("support", self.run_command("explain", f"default/{self.name}/k").stdout)
        self.run_command("explain", f"default/{self.name}/nothing", expect=2)
        with tempfile.TemporaryDirectory() as folder:
            svg, page = os.path.join(folder, "a.svg"), os.path.join(folder, "a.html")
            text = self.run_command("explain", f"{place}/k", "--ascii", "--svg", svg, "--html", page).stdout
            self.assertIn("*", text)
            with open(svg, encoding="utf-8") as file:
                self.assertIn("<svg", file.read())
            with open(page, encoding="utf-8") as file:
                self.assertIn("Who had seen whom", file.read())

    def test_nothing_of_a_client_reaches_the_terminal_as_it_is(self) -> None:
        evil = b"\x1b]0;gotcha\x07\x1b[2J\r\xe2\x80\xaetxt"
        for value in (evil, b"two"):
            self.write("default", "k\x1b[31m", value, "Anna")
        [conflict] = self.conflicts()
        for words in (
            ["conflicts", "list"], ["conflicts", "show", conflict["id"]], ["explain", f"default/{self.name}/k\x1b[31m"],
        ):
            with self.subTest(words=words):
                printed = self.run_command(*words).stdout
                self.assertNotRegex(printed, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
                self.assertIn("gotcha", printed)


@unittest.skipUnless(etcd_binary(), "needs etcd")
class SeveralReplicas(unittest.TestCase):
    """A conflict that several replicas notice is one conflict."""

    KEYS_PER_ROUND = 8
    MOST_ROUNDS = 25

    def test_each_conflict_is_told_once_at_every_node(self) -> None:
        cluster = KindredCluster(3, replicas=3, partitions=2)
        self.addCleanup(cluster.close)
        cluster.start()
        keys: List[str] = []
        told: List[Dict[str, Any]] = []
        # Whether two replicas notice the same conflict is a matter of moments: as many rounds as it takes.
        for _ in range(self.MOST_ROUNDS):
            new = [f"k{len(keys) + number}" for number in range(self.KEYS_PER_ROUND)]
            keys += new
            self.write_at_once(cluster.nodes[0], cluster.nodes[1], new)
            told = self.settled(cluster.nodes[0], len(keys))
            if any(len(conflict["records"]) > 1 for conflict in told):
                break
        self.assertTrue(
            any(len(conflict["records"]) > 1 for conflict in told), "no conflict was noticed by several replicas")
        for node in cluster.nodes:
            conflicts = self.settled(node, len(keys))
            self.assertEqual(sorted(conflict["key"] for conflict in conflicts), sorted(keys))
            self.assertEqual({(each["kind"], each["state"]) for each in conflicts}, {("sibling", "open")})
            self.assertEqual({each["id"] for each in conflicts}, {each["id"] for each in told})
        # The feed tells each once, and another node goes on where the first one was.
        feed = Feed(cluster.nodes[0].http, "from=beginning")
        self.addCleanup(feed.close)
        names = [conflict["id"] for conflict in feed.read(len(keys))]
        self.assertEqual(sorted(names), sorted(each["id"] for each in told))
        with riak_http.Connection(cluster.nodes[2].http) as connection:
            for value in (b"one", b"two"):
                self.assertEqual(connection.put("/types/siblings/buckets/b/keys/new", value).status, 204)
        elsewhere = Feed(cluster.nodes[1].http, cursor=feed.cursor)
        self.addCleanup(elsewhere.close)
        self.assertEqual([conflict["key"] for conflict in elsewhere.read(1)], ["new"])

    def write_at_once(self, first: KindredProcess, second: KindredProcess, keys: List[str]) -> None:
        """Two clients write each key at the same moment, having seen nothing, at a node each."""
        barrier = threading.Barrier(2)
        statuses: List[int] = []

        def write(node: KindredProcess, client: str) -> None:
            with riak_http.Connection(node.http) as connection:
                for key in keys:
                    barrier.wait(60)
                    answer = connection.put(
                        f"/types/siblings/buckets/b/keys/{key}?w=1", client.encode(), headers={"X-Kindred-Client": client})
                    statuses.append(answer.status)

        threads = [threading.Thread(target=write, args=pair) for pair in ((first, "Anna"), (second, "Ben"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(statuses, [204] * 2 * len(keys))

    def settled(self, node: KindredProcess, count: int, seconds: float = 60) -> List[Dict[str, Any]]:
        """The conflicts, as soon as there are so many and nothing changes any more."""
        until = time.monotonic() + seconds
        last: List[Tuple[str, int]] = []
        while True:
            with riak_http.Connection(node.http) as connection:
                response = connection.request("GET", f"{PREFIX}?bucket=b&limit=1000")
            self.assertEqual(response.status, 200, response.body)
            conflicts = json.loads(response.body)["conflicts"]
            now = [(conflict["id"], len(conflict["records"])) for conflict in conflicts]
            if len(now) >= count and now == last:
                return conflicts
            self.assertLess(time.monotonic(), until, f"the log does not settle: {now}")
            last = now
            time.sleep(0.5)
