"""Siblings, and versions with numbers: what an acknowledged write has known is replaced, everything else stays."""
from __future__ import annotations

from typing import Sequence

from history import KeyHistory
from judge import Judge


def check(judge: Judge, key: KeyHistory, final: Sequence[str]) -> None:
    if not judge.check_values(key, final, "in the end"):
        return
    check_antichain(judge, key, final, "in the end")
    numbered = list(enumerate(key.writes))
    replaced = key.union_of_known((index, write) for index, write in numbered if write.was_acknowledged)
    maybe_replaced = key.union_of_known((index, write) for index, write in numbered if write.may_have_happened)
    for value in final:
        if replaced & key.bits[value]:
            judge.problem(key, f"CAME BACK: {value} is there although an acknowledged write has replaced it", [value])
    for index, write in numbered:
        if write.kind != "put" or not write.was_acknowledged:
            continue
        if write.name not in final and not maybe_replaced >> index & 1:
            judge.problem(
                key, f"LOST: {write.name} was acknowledged, and nobody has replaced it; there is {list(final)}",
                [write.name or "", *final])
    judge.counts["most siblings"] = max(judge.counts["most siblings"], len(final))
    check_sibling_reads(judge, key, maybe_replaced)


def check_antichain(judge: Judge, key: KeyHistory, values: Sequence[str], when: str) -> None:
    for value in values:
        for other in values:
            if key.bits[other] & key.known_by(value):
                judge.problem(key, f"{other} is beside {value}, which has replaced it ({when})", [value, other])


def check_sibling_reads(judge: Judge, key: KeyHistory, maybe_replaced: int) -> None:
    # Acknowledged writes in the order of their ends: what a read must reflect is a beginning of this list.
    ended = sorted(
        ((write.completed, index) for index, write in enumerate(key.writes)
         if write.was_acknowledged and write.strict and not judge.circumstances.excuses(write)))
    for operation in key.operations:
        if operation.shown is None:
            continue
        judge.counts["answers checked"] += 1
        judge.counts["most siblings shown"] = max(judge.counts["most siblings shown"], len(operation.shown))
        when = judge.when(operation)
        if not judge.check_values(key, operation.shown, when):
            continue
        check_antichain(judge, key, operation.shown, when)
        if operation.is_write or not operation.strict or judge.circumstances.excuses(operation):
            continue
        replaced = before = 0
        for completed, index in ended:
            if completed >= operation.invoked:
                break
            replaced |= key.known[index]
            if key.writes[index].kind == "put":
                before |= 1 << index
        shown = sum(key.bits[value] for value in operation.shown)
        if replaced & shown:
            stale = [value for value in operation.shown if key.bits[value] & replaced]
            judge.problem(key, f"STALE: the read {when} shows {stale}, which had been replaced before", stale)
        # What may have been replaced at any time is left out: a remover may have been under way.
        missing = before & ~shown & ~maybe_replaced
        if missing:
            names = [write.name or "" for index, write in enumerate(key.writes) if missing >> index & 1]
            judge.problem(key, f"MISSING: the read {when} does not show {names}, acknowledged before", names)


def check_numbered(judge: Judge, key: KeyHistory, final: Sequence[str]) -> None:
    check(judge, key, final)
    numbers = [operation for operation in key.operations if operation.number is not None]
    by_end = sorted(numbers, key=lambda operation: operation.completed)
    highest, position = 0, 0
    last = None
    for operation in numbers:
        while position < len(by_end) and by_end[position].completed < operation.invoked:
            if (by_end[position].number or 0) > highest:
                highest, last = by_end[position].number or 0, by_end[position]
            position += 1
        number = operation.number or 0
        least = highest + 1 if operation.kind == "put" and operation.was_acknowledged else highest
        if operation.was_acknowledged and number < least and last is not None:
            judge.problem(
                key, f"number {number} is answered after {highest} was:\n      {last.line(judge.origin)}\n"
                f"      {operation.line(judge.origin)}", [operation.name or "", last.name or ""])
            break
