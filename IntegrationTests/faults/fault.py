"""The faults there are: how each begins, and how it ends."""
from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple

from cluster import Cluster
from process import ClusterFailed, Node

# Faults that belong to no single node.
ALL, ETCD = "all", "etcd"


@dataclass
class Fault:
    kind: str
    node: str
    other: Optional[str]
    begin: float
    end: float
    amount: float = 0.0
    # When it really was, by the monotonic clock; nothing if it was passed over.
    begun: Optional[float] = None
    ended: Optional[float] = None

    def text(self) -> str:
        if self.node in (ALL, ETCD):
            return self.kind
        where = f"{self.node}→{self.other}" if self.kind in ("one way", "slow link") else (
            f"{self.node}, {self.other}" if self.other else self.node)
        amount = {"wrong clock": f" {self.amount:+.1f} s", "slow link": f" {self.amount * 1000:.0f} ms"}.get(self.kind, "")
        return f"{self.kind} {where}{amount}"


def _node(cluster: Cluster, fault: Fault) -> Node:
    return cluster.nodes[fault.node]


def kill(cluster: Cluster, fault: Fault) -> None:
    _node(cluster, fault).kill()


def start(cluster: Cluster, fault: Fault) -> None:
    _node(cluster, fault).start()


def start_and_kill_again(cluster: Cluster, fault: Fault) -> None:
    """Once more while it recovers, as soon as the amount says."""
    node = _node(cluster, fault)
    node.start()
    time.sleep(fault.amount / 2)
    node.kill()
    node.start()


def stop(cluster: Cluster, fault: Fault) -> None:
    # Who is only about to begin has nothing to end in good order.
    was_ready = _node(cluster, fault).is_ready()
    code = _node(cluster, fault).stop()
    if was_ready and code != 0:
        raise ClusterFailed(f"{fault.node} was asked to stop, and ended with {code}")


def kill_all(cluster: Cluster, fault: Fault) -> None:
    for node in cluster.nodes.values():
        node.kill()


def start_all(cluster: Cluster, fault: Fault) -> None:
    for node in cluster.nodes.values():
        node.start()


def pause(cluster: Cluster, fault: Fault) -> None:
    _node(cluster, fault).pause()


def resume(cluster: Cluster, fault: Fault) -> None:
    _node(cluster, fault).resume()


def isolate(cluster: Cluster, fault: Fault, stalled: bool = True) -> None:
    for other in cluster.nodes:
        if other != fault.node:
            cluster.network.stall(fault.node, other, stalled)
            cluster.network.stall(other, fault.node, stalled)


def rejoin(cluster: Cluster, fault: Fault) -> None:
    isolate(cluster, fault, False)


def block(cluster: Cluster, fault: Fault) -> None:
    cluster.network.stall(fault.node, fault.other or "", True)


def unblock(cluster: Cluster, fault: Fault) -> None:
    cluster.network.stall(fault.node, fault.other or "", False)


def cut(cluster: Cluster, fault: Fault) -> None:
    cluster.network.cut(fault.node, fault.other or "")


def mend(cluster: Cluster, fault: Fault) -> None:
    cluster.network.cut(fault.node, fault.other or "", False)


def reset(cluster: Cluster, fault: Fault) -> None:
    cluster.network.reset(fault.node, fault.other or "")


def nothing(cluster: Cluster, fault: Fault) -> None:
    pass


def slow(cluster: Cluster, fault: Fault) -> None:
    cluster.network.slow(fault.node, fault.other or "", fault.amount, 2_000_000)


def hasten(cluster: Cluster, fault: Fault) -> None:
    cluster.network.slow(fault.node, fault.other or "", 0)


def fill(cluster: Cluster, fault: Fault) -> None:
    disk = _node(cluster, fault).disk
    assert disk is not None
    disk.fill()


def release(cluster: Cluster, fault: Fault) -> None:
    disk = _node(cluster, fault).disk
    assert disk is not None
    disk.release()


def set_clock(cluster: Cluster, fault: Fault) -> None:
    node = _node(cluster, fault)
    node.kill()
    node.clock_offset = fault.amount
    node.start()


def set_clock_right(cluster: Cluster, fault: Fault) -> None:
    node = _node(cluster, fault)
    node.kill()
    node.clock_offset = 0.0
    node.start()


def lose_disk(cluster: Cluster, fault: Fault) -> None:
    node = _node(cluster, fault)
    node.kill()
    node.destroy_data()


def stop_etcd(cluster: Cluster, fault: Fault) -> None:
    if fault.amount < 0.5:
        cluster.etcd.pause()
    else:
        cluster.etcd.kill()


def start_etcd(cluster: Cluster, fault: Fault) -> None:
    if cluster.etcd.is_paused:
        cluster.etcd.resume()
    else:
        cluster.etcd.start()


Deed = Callable[[Cluster, Fault], None]

KINDS: Dict[str, Tuple[Deed, Deed]] = {
    "kill -9": (kill, start),
    "kill -9 twice": (kill, start_and_kill_again),
    "kill -9 of all": (kill_all, start_all),
    "restart": (stop, start),
    "pause": (pause, resume),
    "isolation": (isolate, rejoin),
    "one way": (block, unblock),
    "connections cut": (cut, mend),
    "connections reset": (reset, nothing),
    "slow link": (slow, hasten),
    "full disk": (fill, release),
    "wrong clock": (set_clock, set_clock_right),
    "disk lost": (lose_disk, start),
    "etcd away": (stop_etcd, start_etcd),
}
OF_ALL = ("kill -9 of all",)
OF_PROCESS = ("kill -9", "kill -9 twice", *OF_ALL, "restart", "pause", "wrong clock", "disk lost", "full disk")
BETWEEN_TWO = ("one way", "connections cut", "connections reset", "slow link")
