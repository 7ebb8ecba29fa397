"""Reads what the Swift tools leave behind: the tests' results and their coverage.

    results.py tests RESULTS.xml COUNTS    writes "passed failed skipped" into COUNTS
    results.py coverage COVERAGE.json REPOSITORY    prints a table; fails when a target is below its minimum
"""
from __future__ import annotations

import collections
import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from typing import DefaultDict, Dict, List

# The share of lines, in percent, that a target's own tests must reach. The model is what everything else trusts, and it
# is pure, so nothing in it is hard to reach.
MINIMUM: Dict[str, float] = {"KindredModel": 95.0}


def count_tests(results: str, counts: str) -> int:
    """Counts test functions, not issues: one test that fails in three ways is one failure."""
    passed = failed = skipped = 0
    try:
        cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"no results of the Swift tests can be read ({error}): they did not run to their end")
        cases, failed = [], 1
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    with open(counts, "w", encoding="utf-8") as file:
        file.write(f"{passed} {failed} {skipped}\n")
    if passed + failed == 0:
        print("not one Swift test was executed")
        return 1
    return 1 if failed else 0


def report_coverage(export: str, repository: str) -> int:
    """Sums llvm-cov's per-file line counts by target; generated files are left out."""
    with open(export, encoding="utf-8") as file:
        files: List[dict] = json.load(file)["data"][0]["files"]
    sources = os.path.join(os.path.realpath(repository), "Sources") + os.sep
    lines: DefaultDict[str, List[int]] = collections.defaultdict(lambda: [0, 0])
    uncovered: DefaultDict[str, List[str]] = collections.defaultdict(list)
    for entry in files:
        name = os.path.realpath(entry["filename"])
        if not name.startswith(sources) or name.endswith(".pb.swift"):
            continue
        target = name[len(sources):].split(os.sep)[0]
        summary = entry["summary"]["lines"]
        lines[target][0] += summary["covered"]
        lines[target][1] += summary["count"]
        if target in MINIMUM and summary["covered"] < summary["count"]:
            share = 100.0 * summary["covered"] / summary["count"]
            uncovered[target].append(f"{share:6.1f} %  {name[len(sources):]}")

    print(f"{'target':24}{'lines':>8}{'covered':>9}{'share':>9}")
    below: List[str] = []
    for target in sorted(lines):
        covered, count = lines[target]
        share = 100.0 * covered / count if count else 100.0
        minimum = MINIMUM.get(target)
        print(f"{target:24}{count:8}{covered:9}{share:8.1f}%" + (f"  (at least {minimum:g} %)" if minimum else ""))
        if minimum is not None and share < minimum:
            below.append(target)
    for target in MINIMUM:
        if target not in lines:
            print(f"{target} is not in the coverage at all")
            below.append(target)
    for target in below:
        print(f"\n{target} is below {MINIMUM[target]:g} %. Its files with uncovered lines:")
        print("\n".join(sorted(uncovered[target])))
    return 1 if below else 0


def main(arguments: List[str]) -> int:
    if len(arguments) == 3 and arguments[0] == "tests":
        return count_tests(arguments[1], arguments[2])
    if len(arguments) == 3 and arguments[0] == "coverage":
        return report_coverage(arguments[1], arguments[2])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
