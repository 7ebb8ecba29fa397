"""A cluster of real processes, and the network between them.

Clients speak to the nodes directly; only what nodes say to each other goes through the proxy.
"""
from __future__ import annotations

import os
import time
from typing import Dict, List

from disk import Disk
from kindred_process import KindredCrashed
from network import Network
from process import ClusterFailed, Etcd, Node, wait_for

PARTITIONS = 16
REPLICAS = 3
START_SECONDS = 60.0
ETCD_SECONDS = 30.0


class Cluster:
    """The whole of it, in a folder of its own."""

    def __init__(self, folder: str, count: int, durability: str, small_disks: bool) -> None:
        self.folder = folder
        os.makedirs(folder)
        self._durability = durability
        self._small_disks = small_disks
        self.network = Network()
        self.etcd = Etcd(folder)
        self.nodes: Dict[str, Node] = {}
        self.retired: List[Node] = []
        # Of nodes that had ended because of etcd.
        self.restarts = 0
        for number in range(1, count + 1):
            self.add(f"n{number}")

    def add(self, name: str) -> Node:
        """A node that has yet to be started."""
        node = Node(
            name, self.folder, self.etcd, self._durability,
            Disk(os.path.join(self.folder, f"{name}.disk")) if self._small_disks else None)
        self.network.serve(name, node.ports.advertised, node.ports.peer)
        self.nodes[name] = node
        return node

    def retire(self, name: str) -> None:
        """Forgets a node that was switched off for good; only its log stays."""
        node = self.nodes.pop(name)
        self.retired.append(node)
        if node.disk is not None:
            node.disk.remove()

    def start(self) -> None:
        """Starts everything, and makes a cluster of it."""
        self.etcd.start()
        wait_for("etcd answers", self.etcd.answers, ETCD_SECONDS)
        for node in self.nodes.values():
            node.start()
        first = next(iter(self.nodes.values()))
        self.wait_for_registered(list(self.nodes))
        first.operate("POST", "/create", {"partitions": PARTITIONS, "replicas": min(REPLICAS, len(self.nodes))})
        self.wait_until_ready(START_SECONDS)
        self.learn_names()

    def wait_for_registered(self, names: List[str]) -> None:
        def registered() -> bool:
            self.assert_alive()
            try:
                known = next(iter(self.nodes.values())).report()["nodes"]
            except (OSError, ClusterFailed):
                return False
            return set(names) <= {node["name"] for node in known if node["isPresent"]}

        wait_for(f"{', '.join(names)} have registered", registered, START_SECONDS)

    def learn_names(self) -> None:
        """Tells the network which node has which number."""
        report = next(node for node in self.nodes.values() if node.runs).report()
        self.network.name({node["id"]: node["name"] for node in report["nodes"] if node.get("id") is not None})

    def wait_until_ready(self, seconds: float = START_SECONDS) -> float:
        def ready() -> bool:
            self.supervise()
            return all(node.is_ready() for node in self.nodes.values() if node.is_started)

        return wait_for("all nodes serve", ready, seconds)

    def assert_alive(self) -> None:
        for process in [self.etcd, *self.nodes.values()]:
            code = process.ended_by_itself()
            if code is not None:
                raise KindredCrashed(
                    f"{process.name} ended by itself with {code}:\n{process.log_tail()}")

    def supervise(self) -> None:
        """Starts nodes that have given up again, as a service manager would: one that etcd does not let in ends.

        It may be away, or still take a process that was killed for alive.
        """
        for node in self.nodes.values():
            code = node.ended_by_itself()
            if code is None:
                continue
            if code != 1 or "Error: --etcd:" not in node.log_tail(3):
                self.assert_alive()
            node.kill()
            time.sleep(0.1)
            node.start()
            self.restarts += 1

    def unsettled(self) -> List[str]:
        """What keeps the cluster from being at rest, as the nodes say that should run; empty if nothing does."""
        reasons: List[str] = []
        started = {node.name for node in self.nodes.values() if node.is_started}
        for node in self.nodes.values():
            if not node.is_started:
                continue
            try:
                report = node.report()
            except (OSError, ClusterFailed) as error:
                reasons.append(f"{node.name}: {error}")
                continue
            local = report["local"]
            reasons += [
                f"{node.name}: {name} is {local[name]}"
                for name, rest in (("state", "serving"), ("unsureReplicas", 0), ("transfersUnderWay", 0), ("hints", 0))
                if local[name] != rest]
            reasons += [f"{node.name}: {text}" for text in [report.get("configurationProblem")] if text]
            reasons += [
                f"{node.name} cannot reach {other['name']}" for other in report["nodes"]
                if other.get("isReachable") is False and other["name"] in started]
            for partition in report["partitionStates"]:
                number = partition["partition"]
                if partition["closing"]:
                    reasons.append(f"partition {number} is closing {partition['closing']} actors (says {node.name})")
                reasons += [
                    f"partition {number}: {member['node']} is a {member['role']} (says {node.name})"
                    for member in partition["members"] if member["role"] != "voter"]
            if report["transfers"]:
                reasons.append(f"{len(report['transfers'])} partitions change (says {node.name})")
        return reasons

    def close(self) -> None:
        """Ends everything, however it stands."""
        for process in [*self.nodes.values(), self.etcd]:
            process.kill()
        self.network.close()
        for node in self.nodes.values():
            if node.disk is not None:
                node.disk.remove()
