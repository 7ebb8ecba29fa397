"""The processes that a cluster is made of: etcd, and nodes.

Ports are below those that the system gives to outgoing connections, so that a node that was killed finds its own free
again.
"""
from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

from disk import Disk
from kindred_process import _die_with_parent, find_binary

HOST = "127.0.0.1"
STOP_SECONDS = 30.0
CLOCKS = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class ClusterFailed(AssertionError):
    """The cluster is not as it should be."""


_given_out: set[int] = set()


def free_port() -> int:
    for _ in range(1000):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in _given_out:
            _given_out.add(port)
            return port
    raise ClusterFailed("there is no free port")


def wait_for(what: str, condition: Callable[[], bool], seconds: float) -> float:
    """Waits until something holds, and tells how long that took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise ClusterFailed(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - begun


class Process:
    """Something that runs in the background and can be killed, stopped for a while, and started again."""

    def __init__(self, name: str, log: str) -> None:
        self.name = name
        self.log = log
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self.is_paused = False

    def launch(self, command: List[str], environment: Dict[str, str], folder: str) -> None:
        assert self._process is None, f"{self.name} is already running"
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder,
                preexec_fn=_die_with_parent)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_started(self) -> bool:
        """Whether it should run: it was started, and nobody has killed or stopped it since."""
        return self._process is not None

    def ended_by_itself(self) -> Optional[int]:
        """The exit code, if it ended although nobody had asked it to."""
        return self._process.poll() if self._process is not None else None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.is_paused = False

    def stop(self) -> int:
        """Asks it to end, and returns its exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ClusterFailed(f"{self.name} did not stop within {STOP_SECONDS:.0f} s") from None
        finally:
            self.kill()

    def pause(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            self.is_paused = True

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def log_tail(self, lines: int = 30) -> str:
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return "(no log)"


class Etcd(Process):
    """The configuration service: one etcd of the test's own."""

    def __init__(self, folder: str) -> None:
        super().__init__("etcd", os.path.join(folder, "etcd.log"))
        binary = shutil.which("etcd")
        if binary is None:
            raise ClusterFailed("etcd is not installed")
        self.port, peer = free_port(), free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._folder = folder
        self._command = [
            binary, "--name", "etcd", "--data-dir", os.path.join(folder, "etcd"), "--listen-client-urls", self.url,
            "--advertise-client-urls", self.url, "--listen-peer-urls", f"http://{HOST}:{peer}",
            "--initial-advertise-peer-urls", f"http://{HOST}:{peer}", "--initial-cluster", f"etcd=http://{HOST}:{peer}"]

    def start(self) -> None:
        self.launch(self._command, dict(os.environ), self._folder)

    def answers(self) -> bool:
        try:
            return _ask(self.port, "GET", "/health")[0] == 200
        except OSError:
            return False


@dataclass
class Ports:
    pb: int
    http: int
    peer: int
    advertised: int


class Node(Process):
    """One `kindred serve` that is of the cluster. The same data may be started again and again."""

    def __init__(self, name: str, folder: str, etcd: Etcd, durability: str, disk: Optional[Disk]) -> None:
        super().__init__(name, os.path.join(folder, f"{name}.log"))
        self._folder = folder
        self._etcd = etcd
        self._durability = durability
        self.disk = disk
        self.data = os.path.join(disk.path if disk else folder, f"{name}.data")
        self.ports = Ports(free_port(), free_port(), free_port(), free_port())
        self._ready_file = os.path.join(folder, f"{name}.ready")
        self.clock_offset = 0.0

    def start(self) -> None:
        """Starts the process, without waiting for anything; with a wrong clock if `clock_offset` is not 0."""
        if os.path.exists(self._ready_file):
            os.remove(self._ready_file)
        # A build with coverage would leave its counters in the current folder.
        environment = dict(os.environ, LLVM_PROFILE_FILE=os.devnull)
        if self.clock_offset:
            # The wall clock only: no machine's monotonic clock jumps. And if the library had to set FAKETIME_SHARED itself,
            # the environment would move, beside which Swift looks for the process's arguments.
            environment.update(
                LD_PRELOAD=CLOCKS, FAKETIME=f"{self.clock_offset:+.3f}s", FAKETIME_DONT_FAKE_MONOTONIC="1",
                FAKETIME_SHARED="none none")
        ports = self.ports
        self.launch([
            find_binary(), "serve", "--node-name", self.name, "--data", self.data, "--pb", f"{HOST}:{ports.pb}",
            "--http", f"{HOST}:{ports.http}", "--peer", f"{HOST}:{ports.peer}",
            "--peer-advertise", f"{HOST}:{ports.advertised}", "--etcd", self._etcd.url, "--cluster", "faults",
            "--ready-file", self._ready_file, "--durability", self._durability, "--log-level", "info",
        ], environment, self._folder)

    def is_ready(self) -> bool:
        """Whether it says that it serves."""
        return self.readiness().startswith("200")

    def readiness(self) -> str:
        """What it says about whether it serves."""
        try:
            status, text = _ask(self.ports.http, "GET", "/readyz", seconds=2)
        except OSError as error:
            return str(error)
        return f"{status} {text.decode(errors='replace').strip()}"

    def report(self) -> Dict[str, Any]:
        """How the cluster is, as this node sees it."""
        report: Dict[str, Any] = self.operate("GET", "", seconds=3)
        return report

    def operate(
        self, method: str, path: str, body: Optional[Dict[str, Any]] = None, seconds: float = 20,
    ) -> Any:
        """A request to the operators' interface. Raises ClusterFailed if it is refused."""
        status, answer = _ask(
            self.ports.http, method, "/kindred/v1/cluster" + path,
            None if body is None else json.dumps(body).encode(), seconds)
        if status not in (200, 204):
            raise ClusterFailed(f"{self.name} answered {method} {path or '/'} with {status}: {answer[:300]!r}")
        return json.loads(answer) if answer else None

    def destroy_data(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)


def _ask(port: int, method: str, path: str, body: Optional[bytes] = None, seconds: float = 5) -> "tuple[int, bytes]":
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
