"""What all checks have in common: the circumstances of a run, and where what is wrong is collected."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import FrozenSet, Iterable, List, Sequence, Tuple

from history import KeyHistory, KeyName, Operation

# How far a restarted node's hybrid time can be ahead, and a second for what else may be.
RESTART_SECONDS = 6.0
# A request that was under way within this time of a destroyed disk is excused.
EXCUSE_SECONDS = 1.0

# So long after the end of a fault nodes talk to each other again and have told each other what was missed.
SETTLING_SECONDS = 4.0


@dataclass(frozen=True)
class Disturbance:
    """A fault: of these nodes, or of what they say to each other."""

    begin: float
    end: float
    nodes: FrozenSet[str]
    is_of_link: bool = False

    def concerns(self, nodes: FrozenSet[str]) -> bool:
        """Whether what these nodes do together may have been disturbed."""
        return self.nodes <= nodes if self.is_of_link else bool(self.nodes & nodes)


@dataclass
class Circumstances:
    """What was wrong when, as far as it matters to what is promised."""

    # The nodes, if each has a replica of every key; if not, one that is asked may give a request to another one.
    members: FrozenSet[str] = frozenset()
    faults: List[Disturbance] = field(default_factory=list)
    disks_lost: List[float] = field(default_factory=list)
    # By how much clocks were wrong, in seconds, from when on.
    skews: List[Tuple[float, float]] = field(default_factory=list)

    def excuses(self, operation: Operation) -> bool:
        return any(operation.invoked - EXCUSE_SECONDS <= at <= operation.completed + EXCUSE_SECONDS for at in self.disks_lost)

    def margin(self, until: float) -> float:
        """By how much two timestamps can disagree with the order of two writes."""
        return RESTART_SECONDS + max([abs(skew) for begun, skew in self.skews if begun <= until], default=0.0)

    def calm(self, begin: float, end: float, nodes: FrozenSet[str]) -> bool:
        """Whether nothing disturbed these nodes, or any node if it is not known who did what they were asked for."""
        concerned = nodes if nodes <= self.members else None
        return not any(
            fault.begin <= end and fault.end + SETTLING_SECONDS >= begin
            and (concerned is None or fault.concerns(concerned)) for fault in self.faults)


@dataclass
class Problem:
    key: KeyName
    text: str
    story: str


class Judge:
    """Collects what is wrong."""

    def __init__(self, circumstances: Circumstances, origin: float) -> None:
        self.circumstances = circumstances
        self.origin = origin
        self.problems: List[Problem] = []
        self.counts: Counter[str] = Counter()

    def problem(self, key: KeyHistory, text: str, about: Iterable[str]) -> None:
        self.problems.append(Problem(key.name, text, key.story(self.origin, about)))

    def check_values(self, key: KeyHistory, values: Sequence[str], when: str) -> bool:
        """What holds for every read: each value was written to this key, not refused, and is there once."""
        good = True
        for value, count in Counter(values).items():
            write = key.write(value)
            if count > 1:
                self.problem(key, f"{value} is there {count} times ({when})", [value])
                good = False
            if write is None:
                self.problem(key, f"{value} is there, which nobody wrote ({when})", [value])
                good = False
            elif not write.may_have_happened and key.name[0] != "immutable":
                self.problem(key, f"{value} is there although it was refused with {write.status} ({when})", [value])
                good = False
        return good

    def when(self, operation: Operation) -> str:
        return f"at {operation.invoked - self.origin:.3f}"
