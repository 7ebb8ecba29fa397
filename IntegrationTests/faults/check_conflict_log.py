"""The conflict log: every acknowledged write that is neither there in the end nor was replaced by a write which had known
it is in the log, with its value; and every key that has several values in the end has an open conflict.

Of a write that only requests of unknown outcome had known nobody can say whether it was replaced knowingly: it may be in
the log or not.
"""
from __future__ import annotations

import http.client
import json
from collections import Counter
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Set, Tuple
from urllib.parse import urlencode

from history import KeyHistory, KeyName, Operation, by_key
from judge import Circumstances
from results import Results

PAGE = 1_000
SHOWN = 10


def read_log(port: int, **query: str) -> List[Dict[str, Any]]:
    """All conflicts that one node tells of."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found: List[Dict[str, Any]] = []
    before = ""
    try:
        while True:
            parameters = {**query, "limit": str(PAGE), **({"before": before} if before else {})}
            connection.request("GET", "/kindred/v1/conflicts?" + urlencode(parameters))
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"the conflict log cannot be read: {response.status} {body[:200]!r}")
            page = json.loads(body)
            found += page["conflicts"]
            before = page.get("next") or ""
            if not before:
                return found
    finally:
        connection.close()


def names_of_lost(log: Iterable[Mapping[str, Any]]) -> Dict[KeyName, Set[str]]:
    """The values that the log says were lost, by key. A value is a name, and filling after a space."""
    names: Dict[KeyName, Set[str]] = {}
    for conflict in log:
        text = conflict["subject"]["value"].get("text", "")
        names.setdefault((conflict["type"], conflict["key"]), set()).add(text.partition(" ")[0])
    return names


def unreported(
    key: KeyHistory, final: Sequence[str], entered: Set[str], circumstances: Circumstances,
) -> Tuple[List[Operation], int]:
    """The acknowledged writes that are gone without a word; and how many the log had to tell of."""
    replaced = key.union_of_known(
        (index, write) for index, write in enumerate(key.writes) if write.may_have_happened)
    silent: List[Operation] = []
    told = 0
    for index, write in enumerate(key.writes):
        if write.kind != "put" or not write.was_acknowledged or circumstances.excuses(write):
            continue
        if write.name in final or replaced >> index & 1:
            continue
        if write.name in entered:
            told += 1
        else:
            silent.append(write)
    return silent, told


def check(
    ports: Mapping[str, int], results: Results, operations: Sequence[Operation],
    final: Mapping[KeyName, Sequence[str]], circumstances: Circumstances, origin: float,
) -> None:
    logs = {node: read_log(port, type="last_write_wins", kind="lost") for node, port in ports.items()}
    # A conflict has one name, wherever it was noticed, and every replica comes to have it.
    counts = {node: len({conflict["id"] for conflict in log}) for node, log in logs.items()}
    sizes = {node: len(log) for node, log in logs.items()}
    results.check(
        len(set(counts.values())) == 1 and counts == sizes,
        f"conflict log: every node tells of the same {next(iter(counts.values()))} losses, each once",
        [f"{node}: {sizes[node]} entries, {count} names" for node, count in counts.items()])
    entered = names_of_lost(next(iter(logs.values())))
    stories: List[str] = []
    told = 0
    for name, key in by_key(operations).items():
        if name[0] != "last_write_wins":
            continue
        silent, reported = unreported(key, tuple(final.get(name, ())), entered.get(name, set()), circumstances)
        told += reported
        stories += [f"{'/'.join(name)}: {write.name} is gone, and the log does not have it\n"
                    + key.story(origin, [write.name or ""]) for write in silent]
    results.figure("acknowledged writes lost and in the conflict log", told)
    results.figure("acknowledged writes lost in silence", len(stories))
    total = told + len(stories)
    results.check(
        not stories, f"conflict log: {told} of {total} acknowledged writes that were lost are in it", stories[:SHOWN])
    check_open(next(iter(ports.values())), results, final)


def check_open(port: int, results: Results, final: Mapping[KeyName, Sequence[str]]) -> None:
    open_keys: Counter[KeyName] = Counter()
    for type in ("siblings", "versioned"):
        for conflict in read_log(port, type=type, state="open"):
            open_keys[(type, conflict["key"])] += 1
    having = {name for name, values in final.items() if name[0] in ("siblings", "versioned") and len(values) > 1}
    missing = sorted("/".join(name) for name in having - set(open_keys))
    results.check(
        not missing, f"conflict log: each of the {len(having)} keys with several values has an open conflict",
        missing[:SHOWN])
