"""What clients did and what they were told: one record for each request, and what can be known from them of a key.

Every value is written once (but for immutable keys), so a value names its write. A write's token says what its writer
had *seen*: the values that a read has shown, or the client's own write before. From that follows what it has *known*:
what it had seen, and what those writes had known. A write replaces what it has known, and nothing else.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Tuple

PENDING, ACKNOWLEDGED, REFUSED, UNKNOWN = "pending", "acknowledged", "refused", "unknown"

KeyName = Tuple[str, str]


@dataclass(eq=False)
class Operation:
    """One request. Times are those of the monotonic clock; `completed` stays infinite if there was no answer."""

    kind: str
    type: str
    key: str
    client: str
    node: str
    invoked: float
    # A write's value, or a name for a delete.
    name: Optional[str] = None
    seen: FrozenSet[str] = frozenset()
    # Whether it asked for members of the key, and not for nodes that stand in for one.
    strict: bool = True
    completed: float = float("inf")
    outcome: str = PENDING
    status: int = 0
    # Whether the answer says that the request may be sent again after a while.
    may_retry: bool = False
    # The version number that was answered, in buckets that have them.
    number: Optional[int] = None
    # What a read was shown.
    shown: Optional[Tuple[str, ...]] = None
    text: str = ""

    @property
    def is_write(self) -> bool:
        return self.kind != "get"

    @property
    def may_have_happened(self) -> bool:
        return self.outcome != REFUSED

    @property
    def was_acknowledged(self) -> bool:
        return self.outcome == ACKNOWLEDGED

    def end(self, outcome: str, at: float) -> None:
        self.outcome, self.completed = outcome, at

    def line(self, origin: float) -> str:
        """For people: what it was, relative to the begin of the run."""
        what = f"{self.kind} {self.name or ''}".strip()
        seen = f" having seen {{{', '.join(sorted(self.seen))}}}" if self.is_write else ""
        shown = f" showed {list(self.shown)}" if self.shown is not None else ""
        number = f" number {self.number}" if self.number is not None else ""
        end = f"{self.completed - origin:8.3f}" if self.completed != float("inf") else "    …   "
        return (f"{self.invoked - origin:8.3f}–{end} {self.client} at {self.node}: {what}{seen}: {self.outcome}"
                f" {self.status or ''}{number}{shown} {self.text}".rstrip())

    def record(self) -> Dict[str, Any]:
        record = asdict(self)
        record["seen"] = sorted(self.seen)
        if self.completed == float("inf"):
            record["completed"] = None
        return record


@dataclass
class KeyHistory:
    """All requests for one key, in the order in which they began."""

    name: KeyName
    operations: List[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.operations.sort(key=lambda operation: operation.invoked)
        self.writes = [operation for operation in self.operations if operation.is_write]
        self.reads = [operation for operation in self.operations
                      if operation.kind == "get" and operation.outcome == ACKNOWLEDGED]
        # Sets of writes are the bits of an integer, in the order of `writes`: histories are long, and so are chains.
        self.bits: Dict[str, int] = {}
        self.known: List[int] = []
        for index, write in enumerate(self.writes):
            known = 0
            for value in write.seen:
                seen = self.bits.get(value)
                if seen is not None:
                    known |= seen | self.known[seen.bit_length() - 1]
            self.known.append(known)
            if write.name is not None:
                self.bits[write.name] = 1 << index

    def known_by(self, value: str) -> int:
        return self.known[self.bits[value].bit_length() - 1]

    def write(self, value: str) -> Optional[Operation]:
        bit = self.bits.get(value)
        return None if bit is None else self.writes[bit.bit_length() - 1]

    def union_of_known(self, writes: Iterable[Tuple[int, Operation]]) -> int:
        union = 0
        for index, _ in writes:
            union |= self.known[index]
        return union

    def story(self, origin: float, about: Iterable[str], limit: int = 40) -> str:
        """The requests that have to do with these values, for people."""
        names = set(about)
        lines = [operation.line(origin) for operation in self.operations
                 if operation.name in names or names & operation.seen
                 or (operation.shown is not None and names & set(operation.shown))]
        if len(lines) > limit:
            lines = lines[:limit // 2] + [f"    … {len(lines) - limit} more …"] + lines[-limit // 2:]
        return "\n".join("      " + line for line in lines)


def by_key(operations: Iterable[Operation]) -> Dict[KeyName, KeyHistory]:
    sorted_out: Dict[KeyName, List[Operation]] = {}
    for operation in operations:
        sorted_out.setdefault((operation.type, operation.key), []).append(operation)
    return {name: KeyHistory(name, found) for name, found in sorted_out.items()}
