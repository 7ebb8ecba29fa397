"""What clients did and what they were told, and whether a database that answers so can have kept its promises.

The checker knows nothing of the server but its promises. It is told of every write before it is sent and of its answer,
and of every read; after a crash it is shown the whole state while nobody writes. One class for each conflict strategy:

- `SiblingKey` (version vectors, and version numbers, whose promise is the same): an acknowledged write is there unless
  a write whose context came from a read that returned it has taken effect. A replaced write never comes back.
- `LastWriteKey`: one value, and never one that had ended before an acknowledged write to the same key began.
- `ImmutableKey`: at most one content, for ever.

A write that some read has returned counts as acknowledged: an answer that is seen and then lost is as bad. A write that
was in flight when the server died may have happened or not; the first look after the restart decides, for ever.

Every value is written by one attempt only (but for immutable keys), so a value names its write.
"""
from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

PENDING, ACKNOWLEDGED, REFUSED, UNKNOWN = "pending", "acknowledged", "refused", "unknown"


@dataclass(eq=False)
class Write:
    """One attempt. Without a value it is a delete. `covers` is what the read that gave the context had returned."""

    value: Optional[bytes]
    covers: FrozenSet[bytes]
    invoked: float
    outcome: str = PENDING
    completed: float = float("inf")
    # When it first was certain that it had happened: acknowledged, or returned by a read.
    certain: float = float("inf")

    @property
    def happened(self) -> bool:
        return self.certain != float("inf")


class Key:
    """The common part: what was attempted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: List[str] = []

    def problem(self, text: str) -> None:
        self.problems.append(f"{self.name}: {text}")

    def begin(self, write: Write) -> None:
        raise NotImplementedError

    def acknowledge(self, write: Write, at: float) -> None:
        raise NotImplementedError

    def refuse(self, write: Write, at: float) -> None:
        raise NotImplementedError

    def lose(self, write: Write, at: float) -> None:
        """The connection ended before the answer."""
        write.outcome, write.completed = UNKNOWN, at

    def read(self, values: Sequence[bytes], started: float, at: float) -> None:
        """A read of a client, while others may write."""
        raise NotImplementedError

    def verify(self, values: Sequence[bytes], at: float) -> None:
        """The state after a restart, while nobody writes and every attempt has ended."""
        raise NotImplementedError


class SiblingKey(Key):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        # Writes that may be there.
        self.live: Dict[bytes, Write] = {}
        # Writes that may not be there any more: since when, and why.
        self.gone: Dict[bytes, Tuple[float, str]] = {}
        # For a live value: attempts, pending or unknown, whose context covers it.
        self.removers: Dict[bytes, List[Write]] = {}

    def begin(self, write: Write) -> None:
        if write.value is not None:
            assert write.value not in self.live and write.value not in self.gone, "a value was written twice"
            self.live[write.value] = write
        for value in write.covers:
            if value in self.live:
                self.removers.setdefault(value, []).append(write)

    def _bury(self, value: bytes, at: float, reason: str) -> None:
        self.live.pop(value, None)
        self.removers.pop(value, None)
        self.gone.setdefault(value, (at, reason))

    def _forget_remover(self, write: Write) -> None:
        for value in write.covers:
            if write in self.removers.get(value, ()):
                self.removers[value].remove(write)

    def acknowledge(self, write: Write, at: float) -> None:
        write.outcome, write.completed = ACKNOWLEDGED, at
        write.certain = min(write.certain, at)
        for value in write.covers:
            self._bury(value, at, f"replaced by {_name(write)}, which was acknowledged")

    def refuse(self, write: Write, at: float) -> None:
        write.outcome, write.completed = REFUSED, at
        self._forget_remover(write)
        if write.value is not None:
            if write.happened:
                self.problem(f"{_name(write)} was refused although a read has returned it")
            self._bury(write.value, write.invoked, "refused")

    def _look(self, values: Sequence[bytes], started: float, at: float) -> None:
        """What holds for every read."""
        for value in set(values):
            if values.count(value) > 1:
                self.problem(f"{value!r} is there {values.count(value)} times")
            if value in self.gone:
                since, reason = self.gone[value]
                if since < started:
                    self.problem(f"{value!r} is there although it was {reason}")
            elif value in self.live:
                write = self.live[value]
                write.certain = min(write.certain, at)
            else:
                self.problem(f"{value!r} is there, which nobody ever wrote to this key")

    def read(self, values: Sequence[bytes], started: float, at: float) -> None:
        self._look(values, started, at)
        present = set(values)
        for value, write in list(self.live.items()):
            if write.certain < started and value not in present and not self.removers.get(value):
                self.problem(f"LOST: {value!r} was {_how(write)} before this read began, and no write has replaced it")
                self._bury(value, at, "already reported as lost")

    def verify(self, values: Sequence[bytes], at: float) -> None:
        self._look(values, at, at)
        present = set(values)
        for value, write in list(self.live.items()):
            attempts = self.removers.get(value, [])
            if value in present:
                for remover in attempts:
                    if remover.happened:
                        self.problem(f"{value!r} is there although {_name(remover)}, which has happened, replaced it")
                continue
            # A write that replaced it must itself have happened, and then a read has shown it; only a delete in flight
            # leaves nothing to see.
            explained = any(remover.happened or remover.value is None for remover in attempts)
            if write.happened and not explained:
                self.problem(f"LOST: {value!r} was {_how(write)} and is gone, and no write that happened has replaced it")
            self._bury(value, at, "absent after a restart")
        self.removers.clear()


class LastWriteKey(Key):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        # Writes that may be the one value: the one seen after the last restart, and what was attempted since.
        self.possible: Dict[bytes, Write] = {}

    def begin(self, write: Write) -> None:
        assert write.value is not None
        self.possible[write.value] = write

    def acknowledge(self, write: Write, at: float) -> None:
        write.outcome, write.completed = ACKNOWLEDGED, at
        write.certain = min(write.certain, at)

    def refuse(self, write: Write, at: float) -> None:
        write.outcome, write.completed = REFUSED, at
        assert write.value is not None
        if write.happened:
            self.problem(f"{_name(write)} was refused although a read has returned it")
        self.possible.pop(write.value, None)

    def read(self, values: Sequence[bytes], started: float, at: float) -> None:
        if len(values) > 1:
            self.problem(f"{len(values)} values where the last write wins: {values!r}")
        for value in values:
            if value not in self.possible:
                self.problem(f"{value!r} is there, which was never written or had been replaced before the last restart")
                continue
            shown = self.possible[value]
            shown.certain = min(shown.certain, at)
            later = self._later(shown, started)
            if later is not None:
                self.problem(f"LOST: {value!r} is there although {_name(later)} began after it had ended and was {_how(later)}")
        if not values and any(write.certain < started for write in self.possible.values()):
            self.problem("LOST: there is no value although a write had happened")

    def _later(self, shown: Write, started: float) -> Optional[Write]:
        """A write certain before `started` that must win over the one shown."""
        for write in self.possible.values():
            if write is not shown and write.certain < started and write.invoked > shown.completed:
                return write
        return None

    def verify(self, values: Sequence[bytes], at: float) -> None:
        self.read(values, at, at)
        self.possible = {value: self.possible[value] for value in values if value in self.possible}


class ImmutableKey(Key):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.content: Optional[bytes] = None
        self.since = float("inf")
        self.possible: Set[bytes] = set()

    def begin(self, write: Write) -> None:
        assert write.value is not None
        self.possible.add(write.value)

    def _fix(self, content: bytes, at: float, how: str) -> None:
        if self.content is None:
            self.content = content
        elif self.content != content:
            self.problem(f"{content!r} was {how} although the content is {self.content!r}")
        self.since = min(self.since, at)

    def acknowledge(self, write: Write, at: float) -> None:
        write.outcome, write.completed = ACKNOWLEDGED, at
        assert write.value is not None
        self._fix(write.value, at, "acknowledged")

    def refuse(self, write: Write, at: float) -> None:
        write.outcome, write.completed = REFUSED, at
        if self.content == write.value:
            self.problem(f"{write.value!r} was refused although it is the content")
        if self.possible == {write.value}:
            self.problem(f"{write.value!r} was refused although nobody ever wrote anything else")

    def read(self, values: Sequence[bytes], started: float, at: float) -> None:
        if len(values) > 1:
            self.problem(f"{len(values)} contents of an immutable key: {values!r}")
        for value in values:
            if value not in self.possible:
                self.problem(f"{value!r} is there, which was never written or was absent after a restart")
            self._fix(value, at, "read")
        if not values and self.since < started:
            self.problem(f"LOST: the content {self.content!r} is gone")

    def verify(self, values: Sequence[bytes], at: float) -> None:
        self.read(values, at, at)
        # What was in flight and is not there never happened.
        self.possible = {self.content} if self.content is not None else set()


def _name(write: Write) -> str:
    return "a delete" if write.value is None else repr(write.value)


def _how(write: Write) -> str:
    return "acknowledged" if write.outcome == ACKNOWLEDGED else "returned by a read"


KINDS = {
    "siblings": SiblingKey,
    "versioned": SiblingKey,
    "last_write_wins": LastWriteKey,
    "immutable": ImmutableKey,
}


class History:
    """All keys, behind one lock. A key is named by its bucket type and its name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: Dict[Tuple[str, str], Key] = {}
        self.acknowledged = self.refused = self.unknown = self.reads = 0

    def _key(self, key: Tuple[str, str]) -> Key:
        if key not in self._keys:
            self._keys[key] = KINDS[key[0]](f"{key[0]}/{key[1]}")
        return self._keys[key]

    def begin(self, key: Tuple[str, str], write: Write) -> None:
        with self._lock:
            self._key(key).begin(write)

    def acknowledge(self, key: Tuple[str, str], write: Write, at: float) -> None:
        with self._lock:
            self.acknowledged += 1
            self._key(key).acknowledge(write, at)

    def refuse(self, key: Tuple[str, str], write: Write, at: float) -> None:
        with self._lock:
            self.refused += 1
            self._key(key).refuse(write, at)

    def lose(self, key: Tuple[str, str], write: Write, at: float) -> None:
        with self._lock:
            self.unknown += 1
            self._key(key).lose(write, at)

    def read(self, key: Tuple[str, str], values: Sequence[bytes], started: float, at: float) -> None:
        with self._lock:
            self.reads += 1
            self._key(key).read(list(values), started, at)

    def verify(self, key: Tuple[str, str], values: Sequence[bytes], at: float) -> None:
        with self._lock:
            self._key(key).verify(list(values), at)

    def keys(self) -> List[Tuple[str, str]]:
        with self._lock:
            return list(self._keys)

    def problems(self) -> List[str]:
        with self._lock:
            return [problem for key in self._keys.values() for problem in key.problems]
