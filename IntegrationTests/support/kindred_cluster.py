"""Starts clusters of real `kindred serve` processes with a real etcd, on loopback."""
from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any, Dict, List, Optional, Tuple

from kindred_process import KindredProcess, _die_with_parent

ETCD_SECONDS = 30.0
SERVING_SECONDS = 60.0


def etcd_binary() -> Optional[str]:
    """Debian's etcd-server, or another etcd 3.4 or later on the PATH; None where there is none."""
    return shutil.which("etcd")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Etcd:
    """One etcd with its own data. It may be stopped and started again."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="kindred-etcd-")
        self.client = f"http://127.0.0.1:{free_port()}"
        self.peer = f"http://127.0.0.1:{free_port()}"
        self._process: Optional["subprocess.Popen[bytes]"] = None

    def start(self) -> "Etcd":
        binary = etcd_binary()
        assert binary, "there is no etcd on the PATH: install etcd-server"
        with open(os.path.join(self.folder, "etcd.log"), "ab") as log:
            self._process = subprocess.Popen(
                [binary, "--name", "t", "--data-dir", os.path.join(self.folder, "data"),
                 "--listen-client-urls", self.client, "--advertise-client-urls", self.client,
                 "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
                 "--initial-cluster", f"t={self.peer}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)
        host, port = self.client[len("http://"):].split(":")
        deadline = time.monotonic() + ETCD_SECONDS
        while True:
            try:
                connection = http.client.HTTPConnection(host, int(port), timeout=2)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return self
            except OSError:
                pass
            assert time.monotonic() < deadline, "etcd did not start"
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class KindredCluster:
    """Nodes n1, n2, … of one cluster, each a process of its own."""

    def __init__(
        self, count: int = 3, replicas: int = 3, partitions: int = 16, durability: str = "relaxed",
        names: Optional[List[str]] = None, weights: Optional[List[int]] = None,
    ) -> None:
        self.replicas, self.partitions, self.durability = replicas, partitions, durability
        self.etcd = Etcd()
        self.nodes: List[KindredProcess] = []
        for position in range(count):
            self.add_node(names[position] if names else None, weights[position] if weights else 1)

    def add_node(self, name: Optional[str] = None, weight: int = 1) -> KindredProcess:
        """One more node, not started yet. Its ports stay the same over restarts."""
        node = KindredProcess(
            durability=self.durability, node_name=name or f"n{len(self.nodes) + 1}",
            arguments=["--etcd", self.etcd.client, "--cluster", "t", "--peer", f"127.0.0.1:{free_port()}",
                       "--pb", f"127.0.0.1:{free_port()}", "--http", f"127.0.0.1:{free_port()}",
                       "--cache-mib", "64", "--weight", str(weight)])
        self.nodes.append(node)
        return node

    def start(self) -> "KindredCluster":
        """Starts all nodes, creates the cluster, and waits until every node serves."""
        self.etcd.start()
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.wait_until_ready()
        self.request(self.nodes[0], "POST", "/kindred/v1/cluster/create",
                     {"partitions": self.partitions, "replicas": self.replicas})
        for node in self.nodes:
            self.wait_until_serving(node)
        return self

    def restart(self, node: KindredProcess) -> None:
        """Kills a node and starts it again on the same data, and waits until it serves."""
        node.kill()
        node.start()
        self.wait_until_serving(node)

    @staticmethod
    def request(node: KindredProcess, method: str, path: str, body: Optional[Any] = None) -> Any:
        connection = http.client.HTTPConnection(*node.http, timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text!r}"
            return json.loads(text) if text else None
        finally:
            connection.close()

    @classmethod
    def is_serving(cls, node: KindredProcess) -> Tuple[bool, str]:
        connection = http.client.HTTPConnection(*node.http, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status == 200, answer.read().decode()
        except OSError as error:
            return False, str(error)
        finally:
            connection.close()

    @classmethod
    def wait_until_serving(cls, node: KindredProcess, seconds: float = SERVING_SECONDS) -> float:
        begun = time.monotonic()
        while True:
            serving, reason = cls.is_serving(node)
            if serving:
                return time.monotonic() - begun
            node.assert_alive()
            assert time.monotonic() - begun < seconds, f"{node.node_name} does not serve: {reason}\n{node.log_tail()}"
            time.sleep(0.05)

    def report(self, node: Optional[KindredProcess] = None) -> Dict[str, Any]:
        return self.request(node or self.nodes[0], "GET", "/kindred/v1/cluster")

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        self.etcd.close()

    def __enter__(self) -> "KindredCluster":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
