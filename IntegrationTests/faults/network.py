"""How a test tells the proxy between the nodes (proxy.py) what the network is to be like."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any, Dict, Tuple

PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "proxy.py")

Direction = Tuple[str, str]


class Network:
    """What goes on between nodes. Of two stalls of one direction, or two cuts of one pair, both have to end."""

    def __init__(self) -> None:
        self._stalls: Counter[Direction] = Counter()
        self._cuts: Counter[frozenset[str]] = Counter()
        self._process = subprocess.Popen(
            [sys.executable, PROXY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _tell(self, **order: Any) -> Dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the fault proxy is gone")
        decoded: Dict[str, Any] = json.loads(answer)
        if "error" in decoded:
            raise RuntimeError(f"the fault proxy cannot {order}: {decoded['error']}")
        return decoded

    def serve(self, node: str, port: int, target: int) -> None:
        """Listens on `port` for those who dial `node`, which itself listens on `target`."""
        self._tell(do="serve", node=node, port=port, target=target)

    def name(self, ids: Dict[int, str]) -> None:
        """Tells which number in a hello is which node."""
        self._tell(do="name", names={str(number): name for number, name in ids.items()})

    def stall(self, sender: str, receiver: str, stalled: bool = True) -> None:
        self._stalls[sender, receiver] += 1 if stalled else -1
        self._tell(do="link", sender=sender, receiver=receiver, stalled=self._stalls[sender, receiver] > 0)

    def slow(self, sender: str, receiver: str, delay: float, bytes_per_second: float = 0) -> None:
        """With a delay of 0 the direction is fast again."""
        self._tell(do="link", sender=sender, receiver=receiver, delay=delay, rate=bytes_per_second)

    def cut(self, one: str, other: str, is_cut: bool = True) -> None:
        self._cuts[frozenset((one, other))] += 1 if is_cut else -1
        self._tell(do="cut", nodes=[one, other], cut=self._cuts[frozenset((one, other))] > 0)

    def reset(self, one: str, other: str) -> int:
        """Ends the connections of two nodes once, and tells how many there were."""
        closed: int = self._tell(do="reset", nodes=[one, other])["closed"]
        return closed

    def heal(self) -> None:
        """Ends everything, whatever it was."""
        self._stalls.clear()
        self._cuts.clear()
        self._tell(do="heal")

    def carried(self) -> Dict[str, int]:
        """How many bytes have gone in each direction, named like `n1>n2`."""
        carried: Dict[str, int] = self._tell(do="carried")["bytes"]
        return carried

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
