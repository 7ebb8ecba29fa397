"""Shows that the checker bites: made-up histories, each with one fault, and the same without it.

A checker that accepts everything looks exactly like a cluster that loses nothing.
"""
from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple

from check_conflict_log import unreported
from checker import judged
from history import ACKNOWLEDGED, REFUSED, UNKNOWN, Operation, by_key
from judge import Circumstances, Disturbance

# Further apart than clocks can be.
LONG = 30.0


class Story:
    """Writes a history of one key down, one event per tick of a clock."""

    def __init__(self, type: str) -> None:
        self.type = type
        self.clock = 0.0
        self.operations: List[Operation] = []
        self.circumstances = Circumstances()
        self.final: Sequence[str] = ()

    def tick(self) -> float:
        self.clock += 1
        return self.clock

    def begin(self, kind: str, name: Optional[str] = None, *seen: str) -> Operation:
        operation = Operation(kind, self.type, "k", "c", "n1", self.tick(), name, frozenset(seen))
        self.operations.append(operation)
        return operation

    def end(self, operation: Operation, outcome: str = ACKNOWLEDGED) -> Operation:
        operation.end(outcome, self.tick())
        return operation

    def put(self, name: str, *seen: str, number: Optional[int] = None, node: str = "n1") -> None:
        operation = self.end(self.begin("put", name, *seen))
        operation.number, operation.node = number, node

    def disturb(self, node: str) -> None:
        self.circumstances.faults.append(Disturbance(self.clock - 1, self.clock + 9, frozenset([node])))

    def delete(self, name: str, *seen: str) -> None:
        self.end(self.begin("delete", name, *seen))

    def unknown(self, name: str, *seen: str, kind: str = "put") -> None:
        self.end(self.begin(kind, name, *seen), UNKNOWN)

    def refused(self, name: str, *seen: str) -> None:
        operation = self.end(self.begin("put", name, *seen), REFUSED)
        operation.status = 409

    def read(self, *shown: str, number: Optional[int] = None) -> None:
        operation = self.begin("get")
        operation.shown, operation.number = shown, number
        self.end(operation)

    def wait(self) -> None:
        self.clock += LONG

    def disk_lost(self) -> None:
        self.circumstances.disks_lost.append(self.tick())


History = Callable[[Story], None]


def _siblings() -> Dict[str, Tuple[History, bool]]:
    def lost(story: Story) -> None:
        story.put("a")

    def kept(story: Story) -> None:
        story.put("a")
        story.final = ["a"]

    def one_of_two_lost(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.final = ["b"]

    def replaced(story: Story) -> None:
        story.put("a")
        story.put("b", "a")
        story.final = ["b"]

    def replaced_through_another(story: Story) -> None:
        story.put("a")
        story.unknown("b", "a")
        story.put("c", "b")
        story.final = ["c"]

    def maybe_replaced(story: Story) -> None:
        story.put("a")
        story.unknown("b", "a", kind="delete")

    def replaced_by_a_refused_write(story: Story) -> None:
        story.put("a")
        story.refused("b", "a")

    def came_back(story: Story) -> None:
        story.put("a")
        story.delete("d", "a")
        story.final = ["a"]

    def beside_its_successor(story: Story) -> None:
        story.put("a")
        story.unknown("b", "a")
        story.final = ["a", "b"]

    def refused_is_there(story: Story) -> None:
        story.refused("a")
        story.final = ["a"]

    def never_written(story: Story) -> None:
        story.put("a")
        story.final = ["a", "b"]

    def twice(story: Story) -> None:
        story.put("a")
        story.final = ["a", "a"]

    def unknown_appears(story: Story) -> None:
        story.unknown("a")
        story.final = ["a"]

    def stale(story: Story) -> None:
        story.put("a")
        story.put("b", "a")
        story.read("a")
        story.final = ["b"]

    def not_yet_replaced(story: Story) -> None:
        story.put("a")
        write = story.begin("put", "b", "a")
        story.read("a")
        story.end(write)
        story.final = ["b"]

    def missed_for_a_while(story: Story) -> None:
        story.put("a")
        story.read()
        story.final = ["a"]

    def excused(story: Story) -> None:
        story.put("a")
        read = story.begin("get")
        read.shown = ()
        story.disk_lost()
        story.end(read)
        story.final = ["a"]

    return {
        "an acknowledged write is lost": (lost, False),
        "it is kept": (kept, True),
        "one of two siblings is lost": (one_of_two_lost, False),
        "a write is replaced": (replaced, True),
        "a write is replaced by what was known through another": (replaced_through_another, True),
        "a write may have been deleted": (maybe_replaced, True),
        "a refused write replaces": (replaced_by_a_refused_write, False),
        "a deleted value comes back": (came_back, False),
        "a value is beside what replaced it": (beside_its_successor, False),
        "a refused write is there": (refused_is_there, False),
        "a value is there that nobody wrote": (never_written, False),
        "a value is there twice": (twice, False),
        "a write of unknown outcome is there": (unknown_appears, True),
        "a read shows what had been replaced": (stale, False),
        "a read shows what is being replaced": (not_yet_replaced, True),
        "a read does not show what was acknowledged": (missed_for_a_while, False),
        "a disk is lost during the read": (excused, True),
    }


def _numbered() -> Dict[str, Tuple[History, bool]]:
    def grows(story: Story) -> None:
        story.put("a", number=1)
        story.read("a", number=1)
        story.put("b", "a", number=2)
        story.final = ["b"]

    def goes_back(story: Story) -> None:
        story.put("a", number=1)
        story.put("b", "a", number=2)
        story.read("b", number=1)
        story.final = ["b"]

    def used_twice(story: Story) -> None:
        story.put("a", number=1)
        story.put("b", number=1)
        story.final = ["a", "b"]

    return {
        "numbers grow": (grows, True),
        "a number goes back": (goes_back, False),
        "a number is given out twice": (used_twice, False),
    }


def _last_write() -> Dict[str, Tuple[History, bool]]:
    def concurrent(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.final = ["a"]

    def long_ago(story: Story) -> None:
        story.put("a")
        story.wait()
        story.put("b")
        story.final = ["a"]

    def known_wins(story: Story) -> None:
        story.put("a")
        story.put("b", "a")
        story.final = ["a"]

    def clocks_were_wrong(story: Story) -> None:
        story.circumstances.skews.append((story.tick(), LONG))
        story.put("a")
        story.wait()
        story.put("b")
        story.final = ["a"]

    def nothing_left(story: Story) -> None:
        story.put("a")

    def deleted(story: Story) -> None:
        story.put("a")
        story.delete("d", "a")

    def deleted_before(story: Story) -> None:
        story.put("a")
        story.delete("d", "a")
        story.put("b", "d")

    def both(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.final = ["a", "b"]

    def stale(story: Story) -> None:
        story.put("a")
        story.put("b", "a")
        story.read("a")
        story.final = ["b"]

    def shows_nothing(story: Story) -> None:
        story.put("a")
        story.read()
        story.final = ["a"]

    return {
        "of two that do not know each other either may win": (concurrent, True),
        "one of long ago wins": (long_ago, False),
        "the older of two that know each other wins": (known_wins, False),
        "one of long ago wins, but clocks were wrong": (clocks_were_wrong, True),
        "nothing is left": (nothing_left, False),
        "it was deleted": (deleted, True),
        "it was written again after a delete, and is gone": (deleted_before, False),
        "two values": (both, False),
        "a read shows what was beaten": (stale, False),
        "a read shows nothing": (shows_nothing, False),
    }


def _immutable() -> Dict[str, Tuple[History, bool]]:
    def stays(story: Story) -> None:
        story.put("a")
        story.refused("b")
        story.read("a")
        story.put("a")
        story.final = ["a"]

    def lost(story: Story) -> None:
        story.put("a")

    def refused_is_there(story: Story) -> None:
        story.put("a")
        story.refused("b")
        story.final = ["b"]

    def accepted_in_calm(story: Story) -> None:
        story.put("a")
        story.wait()
        story.put("b")
        story.final = ["a"]

    def accepted_apart(story: Story) -> None:
        story.put("a")
        story.wait()
        story.disturb("n1")
        story.put("b")
        story.final = ["a"]

    def elsewhere(story: Story) -> None:
        story.circumstances.members = frozenset(("n1", "n2", "n3"))
        story.put("a")
        story.wait()
        story.disturb("n3")
        story.put("b", node="n2")
        story.final = ["a"]

    def kept_is_written_again(story: Story) -> None:
        story.circumstances.members = frozenset(("n1", "n2", "n3"))
        story.disturb("n1")
        story.put("a", node="n2")
        story.put("b")
        story.put("a")
        story.final = ["a"]

    def by_the_same_node(story: Story) -> None:
        story.circumstances.members = frozenset(("n1", "n2", "n3"))
        story.disturb("n1")
        story.put("a")
        story.put("b")
        story.final = ["a"]

    def refused_for_nothing(story: Story) -> None:
        story.put("a")
        story.refused("a")
        story.final = ["a"]

    def shows_nothing(story: Story) -> None:
        story.put("a")
        story.read()
        story.final = ["a"]

    return {
        "the first content stays": (stays, True),
        "the content is lost": (lost, False),
        "refused content is there": (refused_is_there, False),
        "another content is accepted although nothing was wrong": (accepted_in_calm, False),
        "another content is accepted during a fault": (accepted_apart, True),
        "another content is accepted while a third node is down": (elsewhere, False),
        "content that is kept beside the shown one is written again": (kept_is_written_again, True),
        "the same node accepts another content": (by_the_same_node, False),
        "the same content is refused": (refused_for_nothing, False),
        "a read shows nothing": (shows_nothing, False),
    }


def _conflict_log() -> Dict[str, Tuple[History, Set[str], bool]]:
    """What is in the log, and whether that is enough."""
    def beaten(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.final = ["b"]

    def replaced(story: Story) -> None:
        story.put("a")
        story.put("b", "a")
        story.final = ["b"]

    def maybe_replaced(story: Story) -> None:
        story.put("a")
        story.unknown("b", "a")
        story.put("c")
        story.final = ["c"]

    def never_acknowledged(story: Story) -> None:
        story.unknown("a")
        story.put("b")
        story.final = ["b"]

    return {
        "a loss is in the log": (beaten, {"a"}, True),
        "a loss is not in the log": (beaten, set(), False),
        "only another loss is in the log": (beaten, {"x"}, False),
        "what was replaced knowingly need not be": (replaced, set(), True),
        "what may have been replaced knowingly may be": (maybe_replaced, set(), True),
        "what nobody was promised need not be": (never_acknowledged, set(), True),
    }


def run(verbose: bool) -> Tuple[int, int]:
    """Judges each history and prints the verdicts (all, or only wrong ones); returns how many were right and wrong."""
    right = wrong = 0
    kinds = {
        "siblings": _siblings(), "versioned": {**_siblings(), **_numbered()}, "last_write_wins": _last_write(),
        "immutable": _immutable()}
    for type, histories in kinds.items():
        for name, (history, is_good) in histories.items():
            story = Story(type)
            history(story)
            problems = judged(story.operations, {(type, "k"): story.final}, story.circumstances, 0).problems
            good = (not problems) == is_good
            right, wrong = right + good, wrong + (not good)
            if verbose or not good:
                verdict = f"refused: {problems[0].text}" if problems else "accepted"
                print(f"  {'ok   ' if good else 'WRONG'} {type}: {name}: {verdict}")
    for name, (history, entered, is_good) in _conflict_log().items():
        story = Story("last_write_wins")
        history(story)
        key = by_key(story.operations)[("last_write_wins", "k")]
        silent, _ = unreported(key, story.final, entered, story.circumstances)
        good = (not silent) == is_good
        right, wrong = right + good, wrong + (not good)
        if verbose or not good:
            print(f"  {'ok   ' if good else 'WRONG'} conflict log: {name}")
    print(f"the checker: {right} made-up histories judged rightly, {wrong} wrongly", flush=True)
    return right, wrong
