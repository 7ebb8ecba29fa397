"""Last write wins: a write wins over what it has known, and otherwise the later timestamp does."""
from __future__ import annotations

from typing import List, Sequence, Tuple

from history import KeyHistory, Operation
from judge import Judge


def check(judge: Judge, key: KeyHistory, final: Sequence[str]) -> None:
    if not judge.check_values(key, final, "in the end"):
        return
    if len(final) > 1:
        judge.problem(key, f"there are {len(final)} values: {list(final)}", final)
        return
    numbered = list(enumerate(key.writes))
    acknowledged = [(index, write) for index, write in numbered if write.was_acknowledged]
    if final:
        winner = key.write(final[0])
        assert winner is not None
        candidates = [(key.bits[final[0]].bit_length() - 1, winner)]
    else:
        candidates = [(index, write) for index, write in numbered
                      if write.kind == "delete" and write.may_have_happened]
    if acknowledged and not any(may_win(judge, key, index, write, acknowledged) for index, write in candidates):
        shown = final[0] if final else "nothing"
        beaten = [write.name or "" for _, write in acknowledged[-3:]]
        judge.problem(
            key, f"LOST: there is {shown} in the end, though some acknowledged write must win over it",
            [*beaten, *final])
    known = key.known_by(final[0]) if final else key.union_of_known(candidates)
    for index, write in acknowledged:
        if write.kind == "put" and write.name not in final and not known >> index & 1:
            judge.counts["lost to a concurrent later write"] += 1
    for read in key.reads:
        check_read(judge, key, read, acknowledged)


def may_win(
    judge: Judge, key: KeyHistory, index: int, write: Operation, acknowledged: List[Tuple[int, Operation]],
) -> bool:
    """Whether no acknowledged write must win over this one."""
    for other_index, other in acknowledged:
        if key.known[other_index] >> index & 1:
            return False
        margin = judge.circumstances.margin(other.invoked)
        if write.was_acknowledged and write.completed + margin < other.invoked:
            return False
    return True


def check_read(judge: Judge, key: KeyHistory, read: Operation, acknowledged: List[Tuple[int, Operation]]) -> None:
    shown = read.shown or ()
    when = judge.when(read)
    judge.counts["answers checked"] += 1
    if len(shown) > 1:
        judge.problem(key, f"the read {when} shows {len(shown)} values: {list(shown)}", shown)
        return
    if not judge.check_values(key, shown, when) or not read.strict or judge.circumstances.excuses(read):
        return
    before = [(index, write) for index, write in acknowledged
              if write.completed < read.invoked and write.strict and not judge.circumstances.excuses(write)]
    if shown:
        index = key.bits[shown[0]].bit_length() - 1
        if not may_win(judge, key, index, key.writes[index], before):
            beaten = [write.name or "" for number, write in before if key.known[number] >> index & 1]
            judge.problem(key, f"STALE: the read {when} shows {shown[0]}, which had been beaten before", [shown[0], *beaten])
    elif any(write.kind == "put" for _, write in before):
        deletes = [(index, write) for index, write in enumerate(key.writes)
                   if write.kind == "delete" and write.may_have_happened and write.invoked < read.completed]
        if not any(may_win(judge, key, index, write, before) for index, write in deletes):
            judge.problem(
                key, f"MISSING: the read {when} shows nothing", [write.name or "" for _, write in before[-3:]])
