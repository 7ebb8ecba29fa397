"""Nodes come and go under load.

n4 replaces n3, which is alive: no request fails for it, and as many replicas move as the plan has said. Then n4 dies for
good and is declared lost, n5 joins, and everything is whole again.
"""
from __future__ import annotations

import time
from typing import Any, Dict, Sequence

from cluster import Cluster
from history import REFUSED
from judge import Circumstances, Disturbance
from process import ClusterFailed, Node, wait_for
from results import Results, summary_of_operations
from verdict import check, check_logs, converge, summary_of_nodes
from workload import Habits, Load

CLIENTS = 10
BEFORE_SECONDS = 5.0
CHANGE_SECONDS = 60.0
# Answers that ask for another try are no failures; of a change without any fault there should be few.
SHARE_TO_RETRY = 0.01
LEAVING_SECONDS = 1.0


def run(cluster: Cluster, seed: int, results: Results) -> None:
    origin = time.monotonic()
    ports = {name: node.ports.http for name, node in cluster.nodes.items()}
    # Larger values, so that there is something to move.
    load = Load(ports, CLIENTS, seed, Habits(own_keys=40, filling=8_000, has_fallbacks=True)).start()
    time.sleep(BEFORE_SECONDS)

    newcomer = cluster.add("n4")
    newcomer.start()
    cluster.wait_for_registered(["n4"])
    cluster.learn_names()
    begun = time.monotonic()
    plan = change(cluster, results, [{"change": "replace", "node": "n3", "with": "n4"}])
    took = wait_for("the change is done", lambda: is_done(cluster.nodes["n1"]), CHANGE_SECONDS)
    moved = replicas(cluster.nodes["n1"])
    results.figure("seconds of the replacement", round(took, 2))
    results.note(f"n4 has replaced n3 after {took:.1f} s: {moved}")
    results.check(
        moved.get("n4") == plan["movedReplicas"] and moved.get("n3", 0) == 0,
        f"{plan['movedReplicas']} replicas have moved, as the plan has said", [f"the nodes have {moved}"])
    ended = time.monotonic()
    del load.ports["n3"]
    load.ports["n4"] = newcomer.ports.http
    time.sleep(1)
    results.note(f"n3, which has left: /readyz is {cluster.nodes['n3'].readiness()}")
    code = cluster.nodes["n3"].stop()
    results.check(code == 0, f"n3 can be stopped, and ends with {code}")
    _report_failures(results, load, begun, ended)

    time.sleep(2)
    del load.ports["n4"]
    time.sleep(1)
    newcomer.kill()
    died = time.monotonic()
    results.say("n4 is killed, and does not come back")
    last = cluster.add("n5")
    last.start()
    cluster.wait_for_registered(["n5"])
    cluster.learn_names()
    cluster.nodes["n1"].operate("POST", "/lost", {"node": "n4"})
    change(cluster, results, [{"change": "join", "node": "n5"}])
    took = wait_for("the replicas of the lost node are elsewhere", lambda: is_done(cluster.nodes["n1"]), CHANGE_SECONDS)
    having = replicas(cluster.nodes["n1"])
    results.note(f"n5 has joined, and everything is whole again, {took:.1f} s after that: {having}")
    results.check(
        having.get("n4", 0) == 0 and having.get("n5") == having.get("n1"),
        "what the lost node had is on the new one", [f"the nodes have {having}"])
    load.ports["n5"] = last.ports.http
    time.sleep(2)
    operations = load.stop()
    results.kept(operations, origin)
    summary_of_operations(results, operations, load.ended - load.begun)
    now = time.monotonic()
    converge(cluster, results, operations, now)
    serving = {name: cluster.nodes[name].ports.http for name in ("n1", "n2", "n5")}
    # A node that was declared lost is a destroyed disk.
    circumstances = Circumstances(faults=[Disturbance(origin, now, frozenset(serving))], disks_lost=[died])
    check(serving, results, operations, circumstances, origin)
    check_logs(cluster, results)
    summary_of_nodes(cluster, results)


def change(cluster: Cluster, results: Results, changes: Sequence[Dict[str, str]]) -> Any:
    """Stages changes, looks at the plan, commits it, and returns it."""
    node = cluster.nodes["n1"]
    for wish in changes:
        node.operate("POST", "/staged", dict(wish))
    plan = node.operate("GET", "/plan")
    results.note(
        f"plan: {'; '.join(plan['changes'])}: {plan['movedReplicas']} replicas move in {len(plan['partitions'])}"
        f" partitions, {(plan.get('movedBytes') or 0) / 1024:.0f} KiB")
    node.operate("POST", "/commit", {"membershipEpoch": plan["membershipEpoch"]})
    return plan


def is_done(asked: Node) -> bool:
    """Whether no partition changes any more, and all its members count."""
    try:
        report = asked.report()
    except (OSError, ClusterFailed):
        return False
    return not report["transfers"] and not report["staged"] and all(
        member["role"] == "voter" for partition in report["partitionStates"] for member in partition["members"])


def replicas(asked: Node) -> Dict[str, int]:
    return {node["name"]: node["replicas"] for node in asked.report()["nodes"]}


def _report_failures(results: Results, load: Load, begun: float, ended: float) -> None:
    during = [operation for operation in load.operations() if begun <= operation.invoked and operation.completed <= ended
              # When n3 has no replica any more, the others no longer talk to it, and clients hear of that a little later.
              and not (operation.node == "n3" and operation.completed > ended - LEAVING_SECONDS)]
    failed = [operation for operation in during if not operation.was_acknowledged and operation.outcome != REFUSED]
    to_retry = [operation for operation in failed if operation.may_retry]
    others = [operation for operation in failed if not operation.may_retry]
    of_leaders = [operation for operation in to_retry if operation.type == "versioned"]
    results.figure("requests during the replacement", {
        "all": len(during), "to be tried again": len(to_retry), "of them versioned": len(of_leaders), "failed": len(others)})
    results.check(
        not others and len(during) > 100, f"none of {len(during)} requests during the change has failed",
        [operation.line(begun) for operation in others[:10]])
    results.check(
        len(to_retry) - len(of_leaders) <= SHARE_TO_RETRY * len(during),
        f"{len(to_retry)} were to be tried again, {len(of_leaders)} of them for numbered keys whose leader changed",
        [operation.line(begun) for operation in to_retry[:10]])
