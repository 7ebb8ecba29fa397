"""Shows that the checker bites: made-up histories, each with one fault, and the same without it.

A checker that accepts everything looks exactly like a database that loses nothing.
"""
from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, Tuple

from history import History, Write

Build = Callable[["Story"], None]


class Story:
    """Writes a history down, one event per tick of a clock."""

    def __init__(self, kind: str) -> None:
        self.history = History()
        self.key = (kind, "k")
        self.clock = 0.0

    def tick(self) -> float:
        self.clock += 1
        return self.clock

    def begin(self, value: Optional[str], covers: Sequence[str] = ()) -> Write:
        write = Write(value.encode() if value is not None else None, frozenset(x.encode() for x in covers), self.tick())
        self.history.begin(self.key, write)
        return write

    def acknowledge(self, write: Write) -> None:
        self.history.acknowledge(self.key, write, self.tick())

    def put(self, value: Optional[str], covers: Sequence[str] = ()) -> None:
        self.acknowledge(self.begin(value, covers))

    def refuse(self, value: str, covers: Sequence[str] = ()) -> None:
        self.history.refuse(self.key, self.begin(value, covers), self.tick())

    def in_flight(self, value: Optional[str], covers: Sequence[str] = ()) -> Write:
        """Sent, and the server died."""
        write = self.begin(value, covers)
        self.history.lose(self.key, write, self.tick())
        return write

    def read(self, *values: str) -> None:
        started = self.tick()
        self.history.read(self.key, [value.encode() for value in values], started, self.tick())

    def restart(self, *values: str) -> None:
        self.history.verify(self.key, [value.encode() for value in values], self.tick())


def _siblings() -> Dict[str, Tuple[Build, bool]]:
    def lost(story: Story) -> None:
        story.put("a")
        story.restart()

    def kept(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.restart("a", "b")

    def replaced(story: Story) -> None:
        story.put("a")
        story.read("a")
        story.put("b", covers=["a"])
        story.restart("b")

    def false_sibling(story: Story) -> None:
        story.put("a")
        story.put("b", covers=["a"])
        story.restart("a", "b")

    def came_back(story: Story) -> None:
        story.put("a")
        story.put("b", covers=["a"])
        story.restart("b")
        story.put("c", covers=["b"])
        story.restart("a", "c")

    def in_flight_may_have_happened(story: Story) -> None:
        story.put("a")
        story.in_flight("b", covers=["a"])
        story.restart("b")

    def in_flight_may_not_have_happened(story: Story) -> None:
        story.put("a")
        story.in_flight("b", covers=["a"])
        story.restart("a")

    def half_of_a_write_happened(story: Story) -> None:
        story.put("a")
        story.in_flight("b", covers=["a"])
        story.restart()

    def other_half_of_a_write_happened(story: Story) -> None:
        story.put("a")
        story.in_flight("b", covers=["a"])
        story.restart("a", "b")

    def in_flight_appears_late(story: Story) -> None:
        story.put("a")
        story.in_flight("b")
        story.restart("a")
        story.restart("a", "b")

    def delete_in_flight(story: Story) -> None:
        story.put("a")
        story.in_flight(None, covers=["a"])
        story.restart()

    def delete_took_too_much(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.in_flight(None, covers=["a"])
        story.restart()

    def deleted_comes_back(story: Story) -> None:
        story.put("a")
        story.put(None, covers=["a"])
        story.restart("a")

    def twice(story: Story) -> None:
        story.put("a")
        story.restart("a", "a")

    def invented(story: Story) -> None:
        story.put("a")
        story.restart("a", "x")

    def refused_but_there(story: Story) -> None:
        story.put("a")
        story.refuse("b")
        story.restart("a", "b")

    def seen_and_lost(story: Story) -> None:
        story.put("a")
        story.begin("b")
        story.read("a", "b")
        story.restart("a")

    def dot_used_twice(story: Story) -> None:
        # "b" was minted with a counter that a read before the crash had shown with "x"; the old context then covers it.
        story.put("a")
        story.in_flight("x")
        story.restart("a")
        story.put("b")
        story.put("c", covers=["a"])
        story.restart("c")

    def old_context_is_harmless(story: Story) -> None:
        story.put("a")
        story.restart("a")
        story.put("b")
        story.put("c", covers=["a"])
        story.restart("b", "c")

    def lost_while_running(story: Story) -> None:
        story.put("a")
        story.read()

    def replaced_while_reading(story: Story) -> None:
        story.put("a")
        remover = story.begin("b", covers=["a"])
        story.read("b")
        story.acknowledge(remover)
        story.restart("b")

    return {
        "an acknowledged write is lost": (lost, False),
        "two concurrent writes are kept": (kept, True),
        "a write is replaced by one that has seen it": (replaced, True),
        "a replaced write is still there": (false_sibling, False),
        "a replaced write comes back": (came_back, False),
        "a write in flight has happened": (in_flight_may_have_happened, True),
        "a write in flight has not happened": (in_flight_may_not_have_happened, True),
        "a write in flight removed what it covers and left no value": (half_of_a_write_happened, False),
        "a write in flight left its value and what it covers": (other_half_of_a_write_happened, False),
        "a write in flight happens after the restart": (in_flight_appears_late, False),
        "a delete in flight has happened": (delete_in_flight, True),
        "a delete takes a write it has not seen": (delete_took_too_much, False),
        "a deleted value comes back": (deleted_comes_back, False),
        "a value is there twice": (twice, False),
        "a value that nobody wrote": (invented, False),
        "a refused write is there": (refused_but_there, False),
        "a write is read, then lost": (seen_and_lost, False),
        "a dot is used twice, so that an old context drops a new write": (dot_used_twice, False),
        "an old context keeps what it has not seen": (old_context_is_harmless, True),
        "an acknowledged write is lost without a crash": (lost_while_running, False),
        "a read between a write's effect and its answer": (replaced_while_reading, True),
    }


def _last_write() -> Dict[str, Tuple[Build, bool]]:
    def latest(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.restart("b")

    def earlier(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.restart("a")

    def overlapping(story: Story) -> None:
        first = story.begin("a")
        second = story.begin("b")
        story.acknowledge(second)
        story.acknowledge(first)
        story.restart("b")

    def clock_went_back(story: Story) -> None:
        story.put("a")
        story.restart("a")
        story.put("b")
        story.restart("a")

    def nothing(story: Story) -> None:
        story.put("a")
        story.restart()

    def both(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.restart("a", "b")

    def older_comes_back(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.restart("b")
        story.restart("a")

    def in_flight_wins(story: Story) -> None:
        story.put("a")
        story.in_flight("b")
        story.restart("b")

    return {
        "the latest write is there": (latest, True),
        "an earlier write won": (earlier, False),
        "either of two overlapping writes may win": (overlapping, True),
        "a write after the restart loses to one before it": (clock_went_back, False),
        "an acknowledged write is lost, and nothing is there": (nothing, False),
        "two values where the last write wins": (both, False),
        "an older value comes back": (older_comes_back, False),
        "a write in flight has won": (in_flight_wins, True),
    }


def _immutable() -> Dict[str, Tuple[Build, bool]]:
    def stays(story: Story) -> None:
        story.put("a")
        story.refuse("b")
        story.put("a")
        story.restart("a")

    def changes(story: Story) -> None:
        story.put("a")
        story.begin("b")
        story.restart("b")

    def two_accepted(story: Story) -> None:
        story.put("a")
        story.put("b")
        story.restart("a")

    def lost(story: Story) -> None:
        story.put("a")
        story.restart()

    def same_refused(story: Story) -> None:
        story.put("a")
        story.refuse("a")

    def refused_for_nothing(story: Story) -> None:
        story.refuse("a")

    def in_flight_appears_late(story: Story) -> None:
        story.in_flight("a")
        story.restart()
        story.restart("a")

    def read_then_other(story: Story) -> None:
        story.begin("a")
        story.begin("b")
        story.read("a")
        story.restart("b")

    return {
        "the first content stays": (stays, True),
        "the content changes": (changes, False),
        "two contents are accepted": (two_accepted, False),
        "the content is lost": (lost, False),
        "the same content is refused": (same_refused, False),
        "content is refused although there is none": (refused_for_nothing, False),
        "a write in flight happens after the restart": (in_flight_appears_late, False),
        "one content is read, then another": (read_then_other, False),
    }


def run(verbose: bool) -> Tuple[int, int]:
    """Judges each history and prints the verdicts (all, or only wrong ones); returns how many were right and wrong."""
    right: List[str] = []
    wrong: List[str] = []
    stories = {"siblings": _siblings(), "versioned": _siblings(), "last_write_wins": _last_write(), "immutable": _immutable()}
    for kind, histories in stories.items():
        for name, (build, is_valid) in histories.items():
            story = Story(kind)
            build(story)
            problems = story.history.problems()
            good = (not problems) == is_valid
            (right if good else wrong).append(name)
            verdict = "accepted" if not problems else f"refused: {problems[0]}"
            if verbose or not good:
                print(f"  {'ok   ' if good else 'WRONG'} {kind}: {name}: {verdict}")
    print(f"{len(right)} histories judged rightly, {len(wrong)} wrongly")
    return len(right), len(wrong)
