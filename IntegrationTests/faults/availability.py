"""What still works while nodes are down: the share of requests that are answered, apart from the seconds around a failure.

- One of three is killed: reads and writes at quorum go on.
- Two of three are killed: writes and reads of siblings and last-write-wins that ask for one replica (w = dw = r = 1) go on.
- Two of four are killed: writes of siblings and last-write-wins at quorum go on, because the quorum is a sloppy one:
  another node stands in for a member. When all are back, it has handed off what it kept.

Only requests to nodes that run count: that a dead node refuses connections is no news to its clients.
"""
from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from cluster import Cluster
from history import REFUSED, Operation
from judge import Circumstances, Disturbance
from results import Results, summary_of_operations
from verdict import check, check_logs, converge, summary_of_nodes
from workload import Habits, Load

CLIENTS = 10
SHARE = 0.999
# The failure detector needs 1.2 s, and who was waiting for a dead node asks others after that.
AROUND_A_FAILURE_SECONDS = 2.0
CALM_SECONDS = 2.0
DOWN_SECONDS = 6.0

QUORUM_TYPES = {"siblings": 3.0, "last_write_wins": 3.0, "immutable": 2.0}
LEADERLESS_TYPES = {"siblings": 1.0, "last_write_wins": 1.0}


@dataclass
class Stage:
    """A load with some nodes killed and started again under it."""

    begun: float
    killed: float
    # When the processes were started again, and when all of them served.
    started: float
    served: float
    operations: List[Operation]

    def counted(self) -> List[Operation]:
        """The requests that were not under way near a failure or a restart."""
        return [operation for operation in self.operations if not any(
            operation.invoked < end + AROUND_A_FAILURE_SECONDS and operation.completed > begin
            for begin, end in ((self.killed, self.killed), (self.started, self.served)))]


def run(cluster: Cluster, seed: int, results: Results) -> None:
    source = random.Random(seed)
    operations: List[Operation] = []
    origin = time.monotonic()

    victim = source.choice(list(cluster.nodes))
    habits = Habits(types=dict(QUORUM_TYPES), pause=0.02)
    one = _stage(cluster, [victim], seed, habits, results, "q", beside={"versioned": 1.0})
    _report(results, f"one of three down ({victim}), r = w = quorum", one, QUORUM_TYPES)
    _report_versioned(results, one)
    operations += one.operations

    victims = source.sample(list(cluster.nodes), 2)
    habits = Habits(types=dict(LEADERLESS_TYPES), pause=0.02, read_query="r=1", write_query="w=1&dw=1", strict=False)
    two = _stage(cluster, victims, seed + 1, habits, results, "o")
    _report(results, f"two of three down ({', '.join(victims)}), r = w = 1", two, LEADERLESS_TYPES)
    operations += two.operations
    _end(cluster, results, operations, origin)


def run_with_stand_ins(cluster: Cluster, seed: int, results: Results) -> None:
    origin = time.monotonic()
    victims = random.Random(seed).sample(list(cluster.nodes), 2)
    habits = Habits(types=dict(LEADERLESS_TYPES), pause=0.02, read_query="r=1", strict=False)
    stage = _stage(cluster, victims, seed, habits, results, "s", look_for_hints=True)
    _report(results, f"two of four down ({', '.join(victims)}), w = quorum, sloppy, r = 1", stage, LEADERLESS_TYPES)
    _end(cluster, results, stage.operations, origin)


def _stage(
    cluster: Cluster, victims: Sequence[str], seed: int, habits: Habits, results: Results, prefix: str,
    beside: Optional["dict[str, float]"] = None, look_for_hints: bool = False,
) -> Stage:
    ports = {name: node.ports.http for name, node in cluster.nodes.items()}
    load = Load(ports, CLIENTS, seed, habits, prefix).start()
    # Those of another type are slowed down by other things, and must not take the others' clients' time.
    extra = Load(ports, 2, seed + 100, Habits(types=beside), prefix + "v").start() if beside else None
    time.sleep(CALM_SECONDS)
    killed = time.monotonic()
    for name in victims:
        cluster.nodes[name].kill()
    results.say(f"killed {', '.join(victims)}")
    time.sleep(DOWN_SECONDS)
    if look_for_hints:
        hints = sum(node.report()["local"]["hints"] for node in cluster.nodes.values() if node.runs)
        results.check(hints > 0, f"nodes that stand in for others keep {hints} hints")
    started = time.monotonic()
    for name in victims:
        cluster.nodes[name].start()
    cluster.wait_until_ready()
    served = time.monotonic()
    results.say(f"{', '.join(victims)} serve again")
    time.sleep(AROUND_A_FAILURE_SECONDS + CALM_SECONDS)
    operations = load.stop() + (extra.stop() if extra else [])
    return Stage(load.begun, killed, started, served, operations)


def _share(operations: Sequence[Operation]) -> Tuple[float, List[Operation]]:
    # A refusal is an answer.
    failed = [operation for operation in operations if not operation.was_acknowledged and operation.outcome != REFUSED]
    return (1 - len(failed) / len(operations) if operations else 0.0), failed


def _report(results: Results, what: str, stage: Stage, types: "dict[str, float]") -> None:
    results.note(f"{what}:")
    summary_of_operations(results, stage.operations, max(o.completed for o in stage.operations) - stage.begun)
    counted = [operation for operation in stage.counted() if operation.type in types]
    for kind, of_kind in (
        ("writes", [operation for operation in counted if operation.is_write]),
        ("reads", [operation for operation in counted if not operation.is_write]),
    ):
        share, failed = _share(of_kind)
        results.figure(f"{what}: {kind}", {"counted": len(of_kind), "share": round(share, 5)})
        results.check(
            share >= SHARE and len(of_kind) > 100,
            f"{what}: {share:.3%} of {len(of_kind)} {kind} are answered (at least {SHARE:.1%})",
            [operation.line(stage.begun) for operation in failed[:8]])


def _report_versioned(results: Results, stage: Stage) -> None:
    """Numbered keys wait for another leader: by how much is told, not promised."""
    answered = sorted(operation.completed for operation in stage.operations
                      if operation.type == "versioned" and operation.was_acknowledged)
    if len(answered) > 1:
        gap = max(second - first for first, second in zip(answered, answered[1:]))
        results.figure("longest time without any answer for a numbered key", round(gap, 2))
        share, _ = _share([operation for operation in stage.counted() if operation.type == "versioned"])
        results.note(f"versioned, beside them: {share:.2%} answered, at most {gap:.2f} s without any answer")


def _end(cluster: Cluster, results: Results, operations: List[Operation], origin: float) -> None:
    results.kept(operations, origin)
    ports = {name: node.ports.http for name, node in cluster.nodes.items()}
    converge(cluster, results, operations, time.monotonic())
    check(ports, results, operations, Circumstances(faults=[Disturbance(origin, time.monotonic(), frozenset(ports))]), origin)
    check_logs(cluster, results)
    summary_of_nodes(cluster, results)
