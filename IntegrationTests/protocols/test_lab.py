"""A node that is recorded while clients write: what `kindred lab record` puts into a file is what they wrote, and replays and
advice count the same."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from typing import Any, List, Sequence

import riak_http
from kindred_process import KindredProcess
from node import NodeTest

WRITERS, WRITES, KEYS = 4, 150, 10
SECONDS = 60


class Recording(NodeTest):
    def choose_node(self) -> KindredProcess:
        node = KindredProcess().start()
        self.addCleanup(node.close)
        return node

    def start(self, *words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [self.node.binary, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, LLVM_PROFILE_FILE=os.devnull))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def finish(self, process: "subprocess.Popen[str]") -> str:
        output, errors = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, f"{process.args}: {output}{errors}")
        return output

    def document(self, *words: str) -> Any:
        return json.loads(self.finish(self.start(*words, "--json")))

    def wait_for(self, path: str, count: int, process: "subprocess.Popen[str]") -> List[Any]:
        """Waits until the recording has so many lines of one kind or another, not counting signs of life."""
        until = time.monotonic() + SECONDS
        while True:
            text = ""
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
            whole = text[:text.rfind("\n") + 1].splitlines()
            lines = [line for line in map(json.loads, whole) if line["line"] != "alive"]
            if len(lines) >= count:
                return lines
            self.assertIsNone(process.poll(), "the recording has ended")
            self.assertLess(time.monotonic(), until, f"{len(lines)} lines of {count} have come")
            time.sleep(0.05)

    def write(self, number: int) -> None:
        with riak_http.Connection(self.node.http) as connection:
            for position in range(WRITES):
                path = self.path(f"k{position % KEYS}")
                # Each writer reads before every third of its writes: these have a context.
                context = connection.get(path).context if position % 3 == 0 else None
                answer = connection.put(path, b"%d.%d" % (number, position), context)
                assert answer.status == 204, answer.body

    def run_all(self, count: int) -> None:
        failures: List[BaseException] = []

        def run(number: int) -> None:
            try:
                self.write(number)
            except BaseException as failure:  # Told by the test's own thread.
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def kinds(self, lines: Sequence[Any], kind: str) -> List[Any]:
        return [line for line in lines if line["line"] == kind]

    def test_a_recording_under_load_has_every_write_and_replays_and_advice_count_them(self) -> None:
        path = os.path.join(tempfile.mkdtemp(dir=os.path.dirname(self.node.data)), "load.jsonl")
        recording = self.start(
            "lab", "record", "--type", "default", "--bucket", self.name, "--for", f"{SECONDS}s", "--out", path, "--node",
            "http://%s:%d" % self.node.http)
        # Once its header is there, the node records.
        self.wait_for(path, 1, recording)
        self.run_all(WRITERS)
        with self.new_http() as connection:
            for key in range(KEYS):
                self.assert_status(connection.request("DELETE", self.path(f"k{key}")), 204)
            # What is in another bucket is not recorded.
            connection.put("/buckets/other/keys/k", b"v")
        puts, deletes = WRITERS * WRITES, KEYS
        lines = self.wait_for(path, 1 + puts + deletes, recording)
        recording.send_signal(signal.SIGINT)
        self.finish(recording)

        writes = self.kinds(lines, "write")
        self.assertEqual(len(writes), puts + deletes)
        self.assertEqual(self.kinds(lines, "dropped"), [])
        self.assertEqual({line["outcome"] for line in writes}, {"applied"})
        unread = sum(1 for line in writes if line["operation"] == "put" and not line["hasContext"] and line["found"])
        self.assertGreaterEqual(unread, puts * 2 // 3 - KEYS)

        replay = self.document("lab", "replay", path)
        self.assertEqual(
            [replay["writes"], replay["keys"], replay["dropped"], replay["recordedUnder"]],
            [puts + deletes, KEYS, 0, ["last-write-wins"]])
        for made in replay["strategies"]:
            with self.subTest(strategy=made["strategy"]):
                self.assertEqual([made["puts"], made["deletes"]], [puts, deletes])
                self.assertEqual(made["acknowledged"] + sum(made["refused"].values()), puts + deletes)
        in_force = next(made for made in replay["strategies"] if made["strategy"] == "last-write-wins")
        # What it would have made of it is what the node has made of it: nothing is left.
        self.assertEqual([in_force["acknowledged"], in_force["kept"], in_force["siblings"]], [puts + deletes, 0, 0])
        self.assertEqual(in_force["replaced"] + in_force["lost"], puts)

        advice = self.document("advise", f"default/{self.name}", "--from", path)
        facts = advice["facts"]
        self.assertEqual(
            [facts["puts"], facts["deletes"], facts["keys"], facts["overwrites"], facts["dropped"]],
            [puts, deletes, KEYS, puts - KEYS, 0])
        self.assertEqual(facts["overwritesWithoutContext"], unread)
        self.assertEqual(advice["strategiesInForce"], ["last-write-wins"])
        self.assertEqual(advice["replays"], replay["strategies"])
        self.assertNotEqual(advice["rule"], "too-little-data")
