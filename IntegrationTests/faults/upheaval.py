"""Members are replaced one after the other while nodes are killed, stopped and cut off, and etcd goes away.

An operator starts a new node, has it replace one of the members, waits until that is done, and switches the replaced one
off. Nothing of this happens at a moment that suits the cluster. In the end no promise may have been broken, and the last
change has come to its end.
"""
from __future__ import annotations

import random
import time
from typing import List, Optional

from cluster import Cluster
from nemesis import Nemesis
from process import ClusterFailed, Node, wait_for
from replacement import is_done, replicas
from results import Results, summary_of_operations
from storm import CALM_LOAD_SECONDS, SERVING_SECONDS, summary_of_faults
from verdict import PATIENCE_SECONDS, check, check_logs, converge, summary_of_nodes
from workload import Habits, Load

CLIENTS = 10
# Not those that destroy copies: who is new has yet to get its own.
KINDS = ("kill -9", "restart", "pause", "isolation", "one way", "connections cut", "connections reset", "slow link", "etcd away")
BETWEEN_CHANGES_SECONDS = 1.0
LAST_CHANGE_SECONDS = 90.0


class Operator:
    """Replaces members. `step` is called all the time, and does what can be done now."""

    def __init__(self, cluster: Cluster, load: Load, seed: int, results: Results, origin: float) -> None:
        self.cluster = cluster
        self.replacements = 0
        self._load = load
        self._random = random.Random(seed)
        self._results = results
        self._origin = origin
        self._next = time.monotonic() + BETWEEN_CHANGES_SECONDS
        self._count = len(cluster.nodes)
        self._old: Optional[Node] = None
        self._new: Optional[Node] = None
        self._is_committed = False

    @property
    def is_busy(self) -> bool:
        return self._new is not None

    def step(self, begins_another: bool = True) -> None:
        if time.monotonic() < self._next:
            return
        # An operator does not look more often either.
        self._next = time.monotonic() + 0.3
        try:
            if self._new is None:
                if begins_another:
                    self._begin()
            elif not self._is_committed:
                self._commit()
            else:
                self._end_if_done()
        except (OSError, ClusterFailed):
            # The node that was asked is away, or says no for now.
            pass

    def _begin(self) -> None:
        self._count += 1
        self._old = self._random.choice(list(self.cluster.nodes.values()))
        self._new = self.cluster.add(f"n{self._count}")
        self._new.start()

    def _asked(self) -> Node:
        """One that is up, and is neither new nor about to go."""
        nodes = [node for node in self.cluster.nodes.values()
                 if node.runs and not node.is_paused and node not in (self._old, self._new)]
        if not nodes:
            raise ClusterFailed("there is nobody to ask")
        return self._random.choice(nodes)

    def _commit(self) -> None:
        assert self._old is not None and self._new is not None
        asked = self._asked()
        report = asked.report()
        if not any(node["name"] == self._new.name and node.get("id") is not None for node in report["nodes"]):
            return
        self.cluster.network.name({node["id"]: node["name"] for node in report["nodes"] if node.get("id") is not None})
        if not report["staged"]:
            asked.operate("POST", "/staged", {"change": "replace", "node": self._old.name, "with": self._new.name})
        asked.operate("POST", "/commit", {})
        self._say(f"{self._new.name} is to replace {self._old.name}")
        self._is_committed = True

    def _end_if_done(self) -> None:
        assert self._old is not None and self._new is not None
        asked = self._asked()
        having = replicas(asked)
        if having.get(self._old.name, 0) or not having.get(self._new.name, 0) or not is_done(asked):
            return
        self._say(f"{self._new.name} has replaced {self._old.name}")
        self._load.ports.pop(self._old.name, None)
        self._load.ports[self._new.name] = self._new.ports.http
        self._old.kill()
        self.cluster.retire(self._old.name)
        self._old = self._new = None
        self._is_committed = False
        self.replacements += 1
        self._next = time.monotonic() + BETWEEN_CHANGES_SECONDS

    def _say(self, text: str) -> None:
        self._results.say(f"{time.monotonic() - self._origin:7.2f} s         {text}")


def run(cluster: Cluster, seconds: float, seed: int, results: Results) -> None:
    nemesis = Nemesis(cluster, seed, seconds, results.say, KINDS)
    ports = {name: node.ports.http for name, node in cluster.nodes.items()}
    load = Load(ports, CLIENTS, seed, Habits(has_fallbacks=True)).start()
    operator = Operator(cluster, load, seed, results, load.begun)
    try:
        nemesis.run(load.begun, operator.step)
    finally:
        nemesis.heal()
    healed = time.monotonic()
    results.say(f"{healed - load.begun:7.2f} s  everything is healed")
    waiting: List[str] = []

    def is_over() -> bool:
        cluster.supervise()
        operator.step(begins_another=False)
        return not operator.is_busy

    try:
        took = wait_for("the last change of members is done", is_over, LAST_CHANGE_SECONDS)
        results.figure("seconds from healing to the end of the last change", round(took, 2))
    except ClusterFailed:
        waiting = cluster.unsettled()
    results.check(
        not operator.is_busy and operator.replacements > 0,
        f"{operator.replacements} members were replaced, the last within {LAST_CHANGE_SECONDS:.0f} s of healing", waiting[:20])
    served = cluster.wait_until_ready(PATIENCE_SECONDS)
    results.check(served <= SERVING_SECONDS, f"all nodes serve {served:.2f} s after that (at most {SERVING_SECONDS:.0f})")
    time.sleep(CALM_LOAD_SECONDS)
    operations = load.stop()
    results.kept(operations, load.begun)
    summary_of_operations(results, operations, load.ended - load.begun)
    summary_of_faults(results, nemesis)
    results.figure("replacements", operator.replacements)
    converge(cluster, results, operations, load.ended)
    ports = {name: node.ports.http for name, node in cluster.nodes.items()}
    check(ports, results, operations, nemesis.circumstances(), load.begun)
    check_logs(cluster, results)
    summary_of_nodes(cluster, results)
