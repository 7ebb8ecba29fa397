"""What goes wrong, and when: faults with a begin and an end, drawn from a seed.

Faults that belong to a node's process (killed, stopped, started with a wrong clock, without its data) are never two at
a time on one node. Disks are rationed: one is destroyed only while the cluster is whole, that is, after it has made good
for the last one. With three replicas and a majority nobody can promise anything about two that go at once.
"""
from __future__ import annotations

import heapq
import os
import random
import time
from dataclasses import replace
from typing import Callable, List, Optional, Sequence, Tuple

from cluster import REPLICAS, Cluster
from fault import ALL, BETWEEN_TWO, ETCD, KINDS, OF_ALL, OF_PROCESS, Fault
from judge import Circumstances, Disturbance
from process import CLOCKS

# Wrong clocks, in seconds. A clock that was ahead leaves the cluster waiting for so long: its times are in the data.
SKEWS = (-15.0, -2.0, 0.3, 3.0, 6.0)
SHORTEST, LONGEST = 1.5, 5.0
# How often the next fault begins before the last one has ended.
OVERLAP = 0.35
# A fault that must not be now is tried again so much later, as long as there is time.
POSTPONED = 1.5


class Nemesis:
    """Begins and ends the faults of a plan. To be run on the thread that may start processes."""

    def __init__(
        self, cluster: Cluster, seed: int, seconds: float, say: Callable[[str], None], kinds: Sequence[str] = (),
    ) -> None:
        self.cluster = cluster
        self._random = random.Random(seed)
        self._say = say
        self.kinds = [kind for kind in kinds or KINDS if self._possible(kind)]
        self.plan = self._plan(seconds)
        self.passed_over = 0
        self._seconds = seconds
        # When what begins or ends, by the time since the origin; a number keeps entries of one moment in order.
        self._agenda: List[Tuple[float, int, bool, Fault]] = []
        self._scheduled = 0
        self._origin = 0.0

    def _possible(self, kind: str) -> bool:
        if kind == "full disk":
            return all(node.disk is not None for node in self.cluster.nodes.values())
        return kind != "wrong clock" or os.path.exists(CLOCKS)

    def _plan(self, seconds: float) -> List[Fault]:
        plan: List[Fault] = []
        nodes = list(self.cluster.nodes)
        bag: List[str] = []
        at = self._random.uniform(0.5, 1.5)
        while True:
            if not bag:
                bag = self.kinds[:]
                self._random.shuffle(bag)
            kind = bag.pop()
            end = at + self._random.uniform(SHORTEST, LONGEST) * (0.1 if kind == "connections reset" else 1.0)
            if end > seconds:
                return plan
            busy = {fault.node for fault in plan if fault.end > at - 0.5 and fault.kind in OF_PROCESS}
            free = [node for node in nodes if node not in busy] if kind in OF_PROCESS else nodes
            if ALL in busy and kind in OF_PROCESS or busy and kind in OF_ALL:
                free = []
            if free:
                node = ALL if kind in OF_ALL else self._random.choice(free)
                other = self._random.choice([name for name in nodes if name != node]) if kind in BETWEEN_TWO else None
                amount = {"wrong clock": self._random.choice(SKEWS), "slow link": self._random.uniform(0.05, 0.2)}
                if kind == "etcd away":
                    node = ETCD
                plan.append(Fault(kind, node, other, at, end, amount.get(kind, self._random.random())))
            overlap = self._random.random() < OVERLAP
            at = self._random.uniform(at + 0.3, end) if overlap else end + self._random.uniform(0.5, 3.0)

    # Carrying it out

    def run(self, origin: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Returns when the last fault of the plan has ended. `meanwhile` is called between them, many times a second."""
        self._origin = origin
        for fault in self.plan:
            self._schedule(fault)
        while self._agenda:
            at, _, is_end, fault = heapq.heappop(self._agenda)
            while time.monotonic() < origin + at:
                self.cluster.supervise()
                meanwhile()
                time.sleep(0.02)
            (self._end if is_end else self._begin)(fault)

    def _schedule(self, fault: Fault) -> None:
        for at, is_end in ((fault.begin, False), (fault.end, True)):
            self._scheduled += 1
            heapq.heappush(self._agenda, (at, self._scheduled, is_end, fault))

    def _begin(self, fault: Fault) -> None:
        self._find_targets(fault)
        reason = self._forbidden(fault)
        if reason:
            later = replace(fault, begin=fault.begin + POSTPONED, end=fault.end + POSTPONED)
            if later.end <= self._seconds:
                self.plan.append(later)
                self._schedule(later)
                return
            self.passed_over += 1
            self._note(f"passed over: {fault.text()} ({reason})")
            return
        fault.begun = time.monotonic()
        self._note(f"begin  {fault.text()}")
        KINDS[fault.kind][0](self.cluster, fault)

    def _find_targets(self, fault: Fault) -> None:
        """Who was meant may be gone by now, replaced by another node."""
        nodes = list(self.cluster.nodes)
        if fault.node not in nodes and fault.node not in (ALL, ETCD):
            busy = {other.node for other in self.plan if other.begun is not None and other.ended is None}
            fault.node = ([node for node in nodes if node not in busy] or nodes)[0]
        if fault.other is not None and (fault.other not in nodes or fault.other == fault.node):
            fault.other = [node for node in nodes if node != fault.node][-1]

    def _end(self, fault: Fault) -> None:
        if fault.begun is None:
            return
        if fault.node not in self.cluster.nodes and fault.node not in (ALL, ETCD):
            # It was switched off meanwhile.
            fault.ended = time.monotonic()
            return
        KINDS[fault.kind][1](self.cluster, fault)
        fault.ended = time.monotonic()
        self._note(f"end    {fault.text()}")

    def _forbidden(self, fault: Fault) -> Optional[str]:
        """Why a fault must not begin now; faults that were postponed can have come upon others."""
        if fault.kind in OF_PROCESS:
            for other in self.plan:
                if (other.kind in OF_PROCESS and other.begun is not None and other.ended is None
                        and (other.node == fault.node or ALL in (other.node, fault.node))):
                    return f"during {other.text()}"
        if fault.kind == "disk lost":
            down = [f"{node.name} does not run" for node in self.cluster.nodes.values() if not node.runs or node.is_paused]
            reasons = down or self.cluster.unsettled()
            return reasons[0] if reasons else None
        return None

    def heal(self) -> None:
        """Ends whatever has not ended."""
        for fault in self.plan:
            if fault.begun is not None and fault.ended is None:
                self._end(fault)
        self.cluster.network.heal()

    def circumstances(self) -> Circumstances:
        # Three nodes have all of it; with more, or with members that change, only some of it.
        nodes = frozenset(self.cluster.nodes)
        result = Circumstances(nodes if len(nodes) == REPLICAS and not self.cluster.retired else frozenset())
        for fault in self.plan:
            if fault.begun is None:
                continue
            if fault.node != ETCD:
                concerned = frozenset(filter(None, (fault.node, fault.other))) if fault.node != ALL else nodes
                result.faults.append(Disturbance(
                    fault.begun, fault.ended or float("inf"), concerned, is_of_link=fault.kind in BETWEEN_TWO))
            if fault.kind == "disk lost":
                result.disks_lost.append(fault.begun)
            if fault.kind == "wrong clock":
                result.skews.append((fault.begun, fault.amount))
        return result

    def clocks_agree_at(self) -> float:
        """When the real time has caught up with what the fastest wrong clock has shown."""
        return max([fault.ended + fault.amount for fault in self.plan
                    if fault.kind == "wrong clock" and fault.ended is not None], default=0.0)

    def _note(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._origin:7.2f} s  {text}")
