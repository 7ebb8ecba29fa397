"""Whether a cluster that answered so has kept its promises.

The checker knows nothing of the server but what it promises:

- *siblings* and *versioned*: an acknowledged write is there in the end, unless a write or a delete that has known it may
  have happened. Nothing is there that was refused, that an acknowledged write has known, or that another value which is
  there has known. Numbers of versions grow.
- *last_write_wins*: at most one value. A write always wins over what it has known; over what it has not known the later
  timestamp wins, and two writes of which one had ended *long* before the other began have their timestamps in that
  order. (How long: clocks may be wrong, and after a restart a node's time is up to five seconds ahead.)
- *immutable*: some content that was accepted, for ever. Replicas that cannot reach each other may each accept one; then
  the earliest is shown, and the other was accepted all the same. So what is shown may change while there are faults, to
  something else that was accepted. Once a content was acknowledged and nothing has been wrong for a while, no other is
  accepted.

Reads during the run are strict: r + w > n, and no node stood in for another one where `strict` says so. So a read that
begins after an acknowledgement must show that write or what has replaced it. Only reads and writes that were under way
when a disk was destroyed are excused.
"""
from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Mapping, Sequence

import check_immutable
import check_last_write
import check_siblings
from client import Answer
from history import KeyHistory, KeyName, Operation, by_key
from judge import Circumstances, Judge

CHECKS: Dict[str, Callable[[Judge, KeyHistory, Sequence[str]], None]] = {
    "siblings": check_siblings.check,
    "versioned": check_siblings.check_numbered,
    "last_write_wins": check_last_write.check,
    "immutable": check_immutable.check,
}


def judged(
    operations: Iterable[Operation], final: Mapping[KeyName, Sequence[str]], circumstances: Circumstances, origin: float,
) -> Judge:
    """Checks all promises, given what each key has in the end."""
    judge = Judge(circumstances, origin)
    for name, key in by_key(operations).items():
        judge.counts["keys"] += 1
        CHECKS[name[0]](judge, key, tuple(final.get(name, ())))
    return judge


def disagreements(found: Dict[str, Dict[KeyName, Answer]]) -> List[str]:
    """The keys of which nodes show different things, or nothing."""
    texts: List[str] = []
    nodes = list(found)
    for key in found[nodes[0]]:
        answers = {node: found[node][key] for node in nodes}
        failed = {node: answer for node, answer in answers.items() if answer.status not in (200, 300, 404)}
        if failed:
            texts.append(f"{'/'.join(key)} cannot be read: " + "; ".join(
                f"{node}: {answer.status} {answer.text}" for node, answer in failed.items()))
        elif len({tuple(sorted(answer.values)) for answer in answers.values()}) > 1:
            texts.append(f"{'/'.join(key)}: " + "; ".join(
                f"{node} shows {sorted(answer.values)}" for node, answer in answers.items()))
    return texts
