"""The process itself: how it starts, how it is stopped, and what it says."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
import unittest
from typing import List

import riak_pb
from kindred_process import KindredProcess, find_binary
from riak_pb import Connection


class Stopping(unittest.TestCase):
    def setUp(self) -> None:
        # Relaxed: an orderly stop must lose nothing even so.
        self.node = KindredProcess(durability="relaxed").start()
        self.addCleanup(self.node.close)

    def stop_under_load(self) -> List[bytes]:
        """Stops the node while clients write; returns the keys whose writes were acknowledged."""
        acknowledged: List[bytes] = []
        unexpected: List[BaseException] = []

        def write(number: int) -> None:
            try:
                with Connection(self.node.pb) as connection:
                    for turn in range(100_000):
                        key = b"%d-%d" % (number, turn)
                        connection.put(b"stopping", key, b"v", b"siblings")
                        acknowledged.append(key)
            except (riak_pb.ConnectionEnded, riak_pb.RiakError, ConnectionError):
                pass
            except BaseException as error:  # noqa: BLE001
                unexpected.append(error)

        threads = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(8)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 200:
            self.node.assert_alive()
            time.sleep(0.01)
        self.node.stop()
        for thread in threads:
            thread.join(30)
            self.assertFalse(thread.is_alive(), "a connection was left open by a node that has ended")
        self.assertEqual(unexpected, [])
        return acknowledged

    def test_an_orderly_stop_under_load_loses_nothing(self) -> None:
        acknowledged = self.stop_under_load()
        self.node.start()
        with Connection(self.node.pb) as connection:
            there = set(connection.keys(b"stopping", b"siblings"))
        self.assertEqual([key for key in acknowledged if key not in there], [])
        self.node.stop()

    def test_idle_clients_do_not_keep_it_from_stopping(self) -> None:
        idle = [Connection(self.node.pb) for _ in range(50)]
        for connection in idle:
            self.addCleanup(connection.close)
        web = [socket.create_connection(self.node.http) for _ in range(10)]
        for client in web:
            self.addCleanup(client.close)
        begun = time.monotonic()
        self.node.stop()
        self.assertLess(time.monotonic() - begun, 15)

    def test_control_c_stops_it_in_order(self) -> None:
        self.node.stop(signal.SIGINT)


class Starting(unittest.TestCase):
    def test_it_says_where_it_listens(self) -> None:
        with KindredProcess() as node:
            text = node.log_text()
            self.assertIn("%s:%d" % node.pb, text)
            self.assertIn("%s:%d" % node.http, text)

    def test_a_port_that_is_taken_is_named(self) -> None:
        with KindredProcess() as node:
            second = KindredProcess()
            self.addCleanup(second.close)
            result = subprocess.run(
                [find_binary(), "serve", "--data", second.data, "--pb", "%s:%d" % node.pb, "--http", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                env=dict(os.environ, LLVM_PROFILE_FILE=os.devnull))
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(str(node.pb[1]), result.stdout)
            node.assert_alive()

    def test_nonsense_on_the_command_line_is_refused(self) -> None:
        for arguments in (["--durability", "perhaps"], ["--pb", "nowhere"], ["--pb", "127.0.0.1:99999"], ["--no-such-flag"]):
            with self.subTest(arguments=arguments):
                node = KindredProcess(arguments=arguments)
                self.addCleanup(node.close)
                with self.assertRaises(AssertionError) as caught:
                    node.start()
                self.assertIn("ended with", str(caught.exception))
                self.assertNotIn("Fatal error", str(caught.exception))
