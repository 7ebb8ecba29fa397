"""Immutable keys: content that was accepted stays; what is shown is one that was accepted."""
from __future__ import annotations

from typing import Dict, List, Sequence

from history import REFUSED, KeyHistory, Operation
from judge import Judge


# Where nothing is wrong, a write is at every replica so soon after it was acknowledged.
CALM_SECONDS = 2.0


def check(judge: Judge, key: KeyHistory, final: Sequence[str]) -> None:
    accepted: Dict[str, List[Operation]] = {}
    for write in key.writes:
        if write.may_have_happened:
            accepted.setdefault(write.name or "", []).append(write)
    acknowledged = sorted(
        (write for write in key.writes if write.was_acknowledged), key=lambda write: write.completed)
    if len(final) > 1:
        judge.problem(key, f"there are {len(final)} contents: {list(final)}", final)
    if acknowledged and not final:
        judge.problem(key, f"LOST: {acknowledged[0].name} was acknowledged, and there is nothing",
                     [acknowledged[0].name or ""])
    for value in final:
        if value not in accepted:
            judge.problem(key, f"{value} is there in the end, which nobody wrote or which was refused", [value])
    contents = {write.name for write in acknowledged}
    judge.counts["immutable keys with several accepted contents"] += len(contents) > 1
    seen: List[str] = []
    for read in key.reads:
        judge.counts["answers checked"] += 1
        when = judge.when(read)
        for value in read.shown or ():
            if value not in accepted:
                judge.problem(key, f"{value} is there ({when}), which nobody wrote or which was refused", [value])
            if value not in seen:
                seen.append(value)
        if not read.shown and not judge.circumstances.excuses(read):
            missing = [write.name or "" for write in acknowledged if write.completed < read.invoked
                       and write.strict and not judge.circumstances.excuses(write)]
            if missing and read.strict:
                judge.problem(key, f"MISSING: the read {when} shows nothing", missing[:1])
    judge.counts["immutable keys whose content changed"] += len(seen) > 1
    # Whoever writes content that was accepted before repeats a write that was kept, shown or not.
    introduced = [writes[0] for writes in accepted.values() if writes[0].was_acknowledged]
    check_second_contents(judge, key, acknowledged, introduced)
    for write in key.writes:
        if write.outcome == REFUSED and write.status == 409:
            reasons = [other for name, found in accepted.items() if name != write.name
                       for other in found if other.invoked < write.completed]
            if not reasons:
                judge.problem(key, f"{write.name} was refused although nothing else was ever accepted", [write.name or ""])


def check_second_contents(
    judge: Judge, key: KeyHistory, acknowledged: Sequence[Operation], introduced: Sequence[Operation],
) -> None:
    """A node that has some content accepts no other, and nothing keeps a content from a node that is not disturbed."""
    for second in introduced:
        for first in acknowledged:
            if first.completed >= second.invoked:
                break
            if first.name == second.name:
                continue
            nodes = frozenset((first.node, second.node))
            same_node = len(nodes) == 1 and nodes <= judge.circumstances.members and not any(
                at <= second.completed for at in judge.circumstances.disks_lost)
            undisturbed = (first.completed + CALM_SECONDS < second.invoked
                           and judge.circumstances.calm(first.invoked, second.completed, nodes))
            if same_node or undisturbed:
                why = "the same node had accepted it" if same_node else "nothing was wrong"
                judge.problem(
                    key, f"{second.name} was accepted although {first.name} had been, and {why}",
                    [second.name or "", first.name or ""])
                return
