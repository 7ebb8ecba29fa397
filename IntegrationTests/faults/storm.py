"""The main phase: clients write and read while everything goes wrong, then all is healed, and the checker has its say."""
from __future__ import annotations

import time
from typing import Dict

from cluster import Cluster
from nemesis import Nemesis
from results import Results, summary_of_operations
from verdict import PATIENCE_SECONDS, check, check_logs, converge, summary_of_nodes
from workload import Habits, Load

CLIENTS = 12
# A node that has lost its disk is not let in before the lease of the process before it has ended.
SERVING_SECONDS = 20.0
# How long clients go on once everything is healed.
CALM_LOAD_SECONDS = 3.0


def run(cluster: Cluster, seconds: float, seed: int, results: Results) -> None:
    nemesis = Nemesis(cluster, seed, seconds, results.say)
    ports = {name: node.ports.http for name, node in cluster.nodes.items()}
    habits = Habits(has_fallbacks=len(ports) > 3)
    load = Load(ports, CLIENTS, seed, habits).start()
    try:
        nemesis.run(load.begun)
    finally:
        nemesis.heal()
    healed = time.monotonic()
    results.say(f"{healed - load.begun:7.2f} s  everything is healed")
    served = cluster.wait_until_ready(PATIENCE_SECONDS)
    results.figure("seconds from healing until all nodes serve", round(served, 2))
    results.check(served <= SERVING_SECONDS, f"all nodes serve {served:.2f} s after that (at most {SERVING_SECONDS:.0f})")
    served_at = time.monotonic()
    # The last seconds of load show that the cluster works again.
    time.sleep(CALM_LOAD_SECONDS)
    operations = load.stop()
    results.kept(operations, load.begun)
    after = [operation for operation in operations if operation.invoked > healed]
    summary_of_operations(results, operations, load.ended - load.begun)
    summary_of_faults(results, nemesis)
    # Times that a clock ahead has given out are refused by the others until they are no longer ahead.
    agreed = nemesis.clocks_agree_at()
    if agreed > healed:
        results.note(f"a clock was ahead: its times are in the past {agreed - healed:.1f} s after healing")
        time.sleep(max(0.0, agreed - time.monotonic()))
    converge(cluster, results, operations, max(served_at, agreed))
    check(ports, results, operations, nemesis.circumstances(), load.begun)
    check_logs(cluster, results, [fault.node for fault in nemesis.plan if fault.kind == "disk lost" and fault.begun])
    results.note(f"{len(after)} requests between healing and the end of the load")
    summary_of_nodes(cluster, results)


def summary_of_faults(results: Results, nemesis: Nemesis) -> None:
    counts: Dict[str, int] = {}
    for fault in nemesis.plan:
        if fault.begun is not None:
            counts[fault.kind] = counts.get(fault.kind, 0) + 1
    results.figure("faults", counts)
    results.note("faults: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
                 + f"; {nemesis.passed_over} passed over; {nemesis.cluster.restarts} restarts of nodes that had ended"
                 " because etcd did not let them in")
