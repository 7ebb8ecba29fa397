"""The command line against a running node: what a person types, what comes out, and the exit codes that scripts read."""
from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from kindred_process import find_binary
from node import NodeTest

SUCCESS, SIBLINGS = 0, 4


class Commands(NodeTest):
    def run_json(self, *arguments: str, expect: int = SUCCESS) -> Any:
        return json.loads(self.node.command(*arguments, "--json", expect=expect).stdout)

    def test_put_get_delete(self) -> None:
        place = f"siblings/{self.name}/k"
        self.node.command("put", place, "apple")
        self.assertIn("apple", self.node.command("get", place).stdout)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [b"apple"])
        self.node.command("delete", place)
        self.assertEqual(self.pb.get(self.bucket, b"k", b"siblings").values, [])
        gone = self.node.command("get", place, expect=None)
        self.assertNotIn(gone.returncode, (SUCCESS, SIBLINGS))

    def test_siblings_have_an_exit_code_of_their_own_and_can_be_resolved(self) -> None:
        place = f"siblings/{self.name}/k"
        self.node.command("put", place, "apple")
        self.node.command("put", place, "banana")
        shown = self.node.command("get", place, expect=SIBLINGS).stdout
        self.assertIn("apple", shown)
        self.assertIn("banana", shown)
        read = self.run_json("get", place, expect=SIBLINGS)
        self.assertEqual(sorted(sibling["value"] for sibling in read["siblings"]), ["apple", "banana"])
        self.node.command("put", place, "both", "--context", read["context"])
        self.assertEqual([sibling["value"] for sibling in self.run_json("get", place)["siblings"]], ["both"])

    def test_keys(self) -> None:
        for key in ("a", "b/c"):
            self.node.command("put", "--type", "siblings", self.name, key, "v")
        self.assertEqual(sorted(self.node.command("keys", f"siblings/{self.name}").stdout.split()), ["a", "b/c"])

    def test_a_refused_write_is_no_success(self) -> None:
        place = f"immutable/{self.name}/k"
        self.node.command("put", place, "first")
        refused = self.node.command("put", place, "second", expect=None)
        self.assertNotEqual(refused.returncode, SUCCESS)
        self.assertIn("immutable", refused.stderr)
        self.node.command("put", place, "first")

    def test_the_demo_ends_well(self) -> None:
        shown = self.node.command("demo").stdout
        for name in ("Last write wins", "Immutable keys", "Version numbers", "Version vectors"):
            self.assertIn(name, shown)
        self.assertNotIn("\x1b[", shown, "colours where nobody looks")

    def test_no_node_is_a_clear_error(self) -> None:
        result = subprocess.run(
            [find_binary(), "get", "b/k", "--server", "127.0.0.1:1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=60, env=dict(os.environ, LLVM_PROFILE_FILE=os.devnull))
        self.assertNotIn(result.returncode, (SUCCESS, SIBLINGS))
        self.assertIn("127.0.0.1:1", result.stderr)

    def test_help_and_completion(self) -> None:
        for arguments in (["--help"], ["put", "--help"], ["serve", "--help"], ["bucket-type", "create", "--help"],
                          ["--generate-completion-script", "bash"]):
            with self.subTest(arguments=arguments):
                result = subprocess.run(
                    [find_binary(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60,
                    env=dict(os.environ, LLVM_PROFILE_FILE=os.devnull))
                self.assertEqual(result.returncode, 0)
                self.assertIn("kindred", result.stdout)
