"""How a phase ends: the cluster comes to rest, everybody agrees, and the checker compares it with what clients were told."""
from __future__ import annotations

import random
import time
from typing import Dict, List, Sequence

import check_conflict_log
from checker import disagreements, judged
from cluster import Cluster
from history import KeyName, Operation
from judge import Circumstances
from results import Results
from workload import read_everything

# How long the cluster may take to be at rest, and to agree, once everything is healed.
CONVERGENCE_SECONDS = 10.0
# It is waited longer than that, to tell slow from never.
PATIENCE_SECONDS = 60.0
SAMPLE = 60
# A dot that was used twice, digests that differ, a disk that looks older than it is, records that cannot be read; crashes.
NEVER_LOGGED = (
    "two different writes are named", "hold different objects", "is an older copy", "the storage cannot be read",
    "Fatal error", "Precondition failed", "configuration cannot be read")
LOGGED_BY_NEW_DISKS = "is gone; the others send it again"


def converge(
    cluster: Cluster, results: Results, operations: Sequence[Operation], healed: float,
) -> None:
    """Waits until the nodes say that they are at rest, and show the same.

    A read of one replica alone (r=1, answered by the node's own) shows what that replica has. It also has differences
    repaired, so every key is looked at only once: each time another sample.
    """
    ports = {name: node.ports.http for name, node in cluster.nodes.items() if node.is_started}
    keys = sorted({(operation.type, operation.key) for operation in operations})
    random.Random(len(keys)).shuffle(keys)
    reasons: List[str] = []
    told = time.monotonic()
    while time.monotonic() - healed < PATIENCE_SECONDS:
        cluster.supervise()
        sample, keys = keys[:SAMPLE], keys[SAMPLE:] + keys[:SAMPLE]
        reasons = disagreements(read_everything(ports, sample, "r=1", threads=1)) + cluster.unsettled()
        if not reasons:
            break
        if time.monotonic() > told + 2:
            told = time.monotonic()
            results.note(f"{told - healed:.1f} s after all was well there is still: {reasons[0]}"
                         + (f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""))
        time.sleep(0.2)
    took = time.monotonic() - healed
    quiet = time.monotonic() - max((operation.completed for operation in operations), default=healed)
    results.figure("seconds from healing to agreement", round(took, 2))
    results.figure("seconds from the last request to agreement", round(quiet, 2))
    results.check(
        not reasons and took <= CONVERGENCE_SECONDS,
        f"the cluster is at rest and agrees {took:.2f} s after all is well (at most {CONVERGENCE_SECONDS:.0f}),"
        f" {quiet:.2f} s after the last request",
        reasons[:12])


def check(
    ports: Dict[str, int], results: Results, operations: Sequence[Operation], circumstances: Circumstances,
    origin: float,
) -> None:
    """Reads everything from everywhere, and compares with what clients were told."""
    keys: List[KeyName] = sorted({(operation.type, operation.key) for operation in operations})
    own = read_everything(ports, keys, "r=1")
    differing = disagreements(own)
    results.check(not differing, f"{len(keys)} keys are the same in every replica", differing[:10])
    everywhere = read_everything(ports, keys, "r=all")
    differing = disagreements(everywhere)
    results.check(not differing, "and every node shows the same with r=all", differing[:10])
    final = {key: answer.values for key, answer in next(iter(everywhere.values())).items()}
    judge = judged(operations, final, circumstances, origin)
    for type, promise in (
        ("siblings", "siblings: no acknowledged write is lost, none comes back, none is beside what replaced it"),
        ("last_write_wins", "last_write_wins: what is there is what may have been last"),
        ("immutable", "immutable: content that was accepted stays"),
        ("versioned", "versioned: no acknowledged version is lost, numbers never go back"),
    ):
        broken = [problem for problem in judge.problems if problem.key[0] == type]
        results.check(
            not broken, f"{promise} ({sum(1 for key in keys if key[0] == type)} keys)",
            [f"{'/'.join(problem.key)}: {problem.text}\n{problem.story}" for problem in broken[:8]]
            + ([f"and {len(broken) - 8} more"] if len(broken) > 8 else []))
    for name, count in sorted(judge.counts.items()):
        results.figure(name, count)
    check_conflict_log.check(ports, results, operations, final, circumstances, origin)


def check_logs(cluster: Cluster, results: Results, disks_lost: Sequence[str] = ()) -> None:
    """What a node must never have to report, and what only one whose disk was destroyed may."""
    found: List[str] = []
    for node in [*cluster.nodes.values(), *cluster.retired]:
        with open(node.log, encoding="utf-8", errors="replace") as log:
            for line in log:
                alarming = any(text in line for text in NEVER_LOGGED)
                if alarming or (node.name not in disks_lost and LOGGED_BY_NEW_DISKS in line):
                    found.append(f"{node.name}: {line.strip()}")
    results.check(not found, "no node has reported damage, or the loss of what it has not lost", found[:10])


def summary_of_nodes(cluster: Cluster, results: Results) -> None:
    for node in cluster.nodes.values():
        if not node.runs:
            continue
        local = node.report()["local"]
        results.note(
            f"{node.name} since its last start: {local['discardedVersions']} versions discarded by last-write-wins,"
            f" {local['salvagedWrites']} writes salvaged, {local['alarms']} alarms"
            + (f", the last: {local['lastAlarm']}" if local.get("lastAlarm") else ""))
