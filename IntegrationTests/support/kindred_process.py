"""Starts, watches, kills and stops real `kindred serve` processes.

Every server runs on loopback, on ports the system chose, with data in a folder of its own, and dies with the process
that started it, however that one ends.
"""
from __future__ import annotations

import atexit
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional, Tuple

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A debug build with coverage needs a second or two to start; a machine busy with other things needs more.
START_SECONDS = 60.0
STOP_SECONDS = 30.0

Address = Tuple[str, int]

_running: List["KindredProcess"] = []


class KindredCrashed(AssertionError):
    """The server ended when nobody had asked it to."""


class CommandFailed(AssertionError):
    """A `kindred` command did not answer as it should."""


def find_binary() -> str:
    """The executable to test: KINDRED_BINARY, or what scripts/test or plain `swift build` left behind."""
    named = os.environ.get("KINDRED_BINARY")
    if named:
        if not os.access(named, os.X_OK):
            sys.exit(f"KINDRED_BINARY is {named}, which is not an executable")
        return os.path.abspath(named)
    for folder in (".build/tests/debug", ".build/debug", ".build/release"):
        candidate = os.path.join(REPOSITORY, folder, "kindred")
        if os.access(candidate, os.X_OK):
            return candidate
    sys.exit("there is no kindred executable; build one (swift build --product kindred) or name it in KINDRED_BINARY")


def allow_many_descriptors() -> int:
    """Raises the soft limit of open files to the hard one, for this process and the servers it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _die_with_parent() -> None:
    """In the child, before it becomes the server: have the kernel kill it when the test's process ends (Linux)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass


def _parse(address: str) -> Address:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class KindredProcess:
    """One node. The same data folder may be started again and again."""

    def __init__(
        self,
        data: Optional[str] = None,
        durability: str = "relaxed",
        node_name: str = "riak@127.0.0.1",
        arguments: Optional[List[str]] = None,
    ) -> None:
        self.binary = find_binary()
        self._own_folder = tempfile.mkdtemp(prefix="kindred-test-")
        self.data = data or os.path.join(self._own_folder, "data")
        self.durability = durability
        self.node_name = node_name
        self.arguments = arguments or []
        # What the process finds in its environment beside what this one has.
        self.environment: Dict[str, str] = {}
        self.log = os.path.join(self._own_folder, "server.log")
        self._ready_file = os.path.join(self._own_folder, "ready.json")
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self.pb: Address = ("127.0.0.1", 0)
        self.http: Address = ("127.0.0.1", 0)

    # Running

    def spawn(self) -> None:
        """Starts the process without waiting for anything."""
        assert self._process is None, "the node is already running"
        if os.path.exists(self._ready_file):
            os.remove(self._ready_file)
        environment = dict(os.environ, **self.environment)
        # A build with coverage would leave its counters in the current folder.
        environment["LLVM_PROFILE_FILE"] = os.devnull
        command = [
            self.binary, "serve", "--data", self.data, "--pb", "127.0.0.1:0", "--http", "127.0.0.1:0",
            "--node-name", self.node_name, "--durability", self.durability, "--ready-file", self._ready_file,
        ] + self.arguments
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self._own_folder,
                preexec_fn=_die_with_parent)
        _running.append(self)

    def wait_until_ready(self, seconds: float = START_SECONDS) -> float:
        """Waits for the ready file and returns the seconds that took."""
        assert self._process is not None
        begun = time.monotonic()
        while True:
            try:
                with open(self._ready_file, encoding="utf-8") as file:
                    ready = json.load(file)
                self.pb, self.http = _parse(ready["pb"]), _parse(ready["http"])
                return time.monotonic() - begun
            except FileNotFoundError:
                pass
            code = self._process.poll()
            if code is not None:
                self._forget()
                raise KindredCrashed(f"the node ended with {code} before it was ready:\n{self.log_tail()}")
            if time.monotonic() - begun > seconds:
                self.kill()
                raise KindredCrashed(f"the node was not ready after {seconds:.0f} s:\n{self.log_tail()}")
            time.sleep(0.01)

    def start(self) -> "KindredProcess":
        self.spawn()
        self.wait_until_ready()
        return self

    def kill(self) -> None:
        """SIGKILL: the node gets no chance to finish anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Asks the node to end, and insists that it does so in time, with exit code 0."""
        self.assert_alive()
        process = self._process
        assert process is not None
        process.send_signal(number)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise KindredCrashed(f"the node did not stop within {STOP_SECONDS:.0f} s:\n{self.log_tail()}") from None
        self._forget()
        if code != 0:
            raise KindredCrashed(f"the node stopped with exit code {code}:\n{self.log_tail()}")

    def close(self) -> None:
        """Ends the node in any way and removes its files. For clean-ups, which must not fail."""
        self.kill()
        shutil.rmtree(self._own_folder, ignore_errors=True)

    def _forget(self) -> None:
        self._process = None
        if self in _running:
            _running.remove(self)

    # Looking at it

    @property
    def pid(self) -> int:
        assert self._process is not None, "the node is not running"
        return self._process.pid

    def assert_alive(self) -> None:
        code = self._process.poll() if self._process is not None else None
        if self._process is None or code is not None:
            raise KindredCrashed(f"the node is gone (exit code {code}):\n{self.log_tail()}")

    def resident_bytes(self) -> int:
        """The memory the node holds, from /proc."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def log_tail(self, lines: int = 40) -> str:
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return "(no log)"

    def log_text(self) -> str:
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    # The command line

    def command(self, *arguments: str, expect: Optional[int] = 0, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        """Runs a `kindred` command against this node."""
        line = [self.binary, *arguments, "--server", "%s:%d" % self.pb]
        environment = dict(os.environ, LLVM_PROFILE_FILE=os.devnull)
        result = subprocess.run(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds,
            env=environment)
        if expect is not None and result.returncode != expect:
            raise CommandFailed(
                f"{' '.join(line[1:])} ended with {result.returncode} instead of {expect}:\n{result.stdout}{result.stderr}")
        return result

    def create_type(self, name: str, **properties: Any) -> None:
        """Creates a bucket type and activates it."""
        self.command("bucket-type", "create", name, "--props", json.dumps(properties))
        self.command("bucket-type", "activate", name)

    def __enter__(self) -> "KindredProcess":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _end_all() -> None:
    for process in list(_running):
        process.close()


def _on_terminate(number: int, _: object) -> None:
    # An exception, so that every `finally` and the exit handlers still run.
    raise SystemExit(128 + number)


atexit.register(_end_all)
signal.signal(signal.SIGTERM, _on_terminate)


def write_counts(passed: int, failed: int, skipped: int) -> None:
    """Tells scripts/test how many checks there were."""
    path = os.environ.get("KINDRED_RESULT_COUNTS")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{passed} {failed} {skipped}\n")
