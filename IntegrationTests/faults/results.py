"""What a run has found: checks that are printed as they are made, figures, and files for those who look into a failure."""
from __future__ import annotations

import json
import os
import statistics
from typing import Any, Dict, List, Sequence

from history import ACKNOWLEDGED, REFUSED, UNKNOWN, Operation
from workload import TYPES


class Results:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.passed = 0
        self.failed = 0
        self.phase = ""
        self.figures: Dict[str, Dict[str, Any]] = {}
        self.failures: List[Dict[str, Any]] = []

    def begin(self, phase: str, text: str) -> None:
        self.phase = phase
        self.figures[phase] = {}
        print(f"\n{phase}: {text}", flush=True)

    def say(self, text: str) -> None:
        print(f"       {text}", flush=True)

    def note(self, text: str) -> None:
        print(f"       {text}", flush=True)

    def figure(self, name: str, value: Any) -> None:
        self.figures[self.phase][name] = value

    def add_requests(self, table: Dict[str, Dict[str, int]]) -> None:
        whole = self.figures[self.phase].setdefault("requests", {})
        for type, row in table.items():
            sums = whole.setdefault(type, dict.fromkeys(row, 0))
            for name, count in row.items():
                sums[name] += count

    def check(self, holds: bool, text: str, details: Sequence[str] = ()) -> bool:
        if holds:
            self.passed += 1
            print(f"  ok   {text}", flush=True)
        else:
            self.failed += 1
            self.failures.append({"phase": self.phase, "check": text, "details": list(details)})
            print(f"  FAILED   {text}", flush=True)
            for detail in details:
                print(f"    {detail}", flush=True)
        return holds

    def kept(self, operations: Sequence[Operation], origin: float) -> None:
        """Writes the history of a phase down, for later."""
        with open(os.path.join(self.folder, f"{self.phase}-history.jsonl"), "w", encoding="utf-8") as file:
            for operation in sorted(operations, key=lambda operation: operation.invoked):
                record = operation.record()
                record["at"] = round(operation.invoked - origin, 4)
                file.write(json.dumps(record) + "\n")

    def summary(self) -> None:
        """A line for each phase, from its figures."""
        print("\nphase           requests  writes: acknowledged  unknown  refused   reads  faults  agreed after")
        for phase, figures in self.figures.items():
            rows = figures.get("requests", {}).values()
            names = (ACKNOWLEDGED, UNKNOWN, REFUSED, "reads", "reads unanswered")
            total = {name: sum(row[name] for row in rows) for name in names}
            agreed = figures.get("seconds from healing to agreement")
            print(f"{phase:16}{sum(total.values()):8}{total[ACKNOWLEDGED]:22}{total[UNKNOWN]:9}{total[REFUSED]:9}"
                  f"{total['reads']:8}{sum(figures.get('faults', {}).values()):8}"
                  f"{f'{agreed} s' if agreed is not None else '-':>14}")

    def write(self, path: str, settings: Dict[str, Any]) -> None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(
                {"passed": self.passed, "failed": self.failed, "settings": settings, "phases": self.figures,
                 "failures": self.failures}, file, indent=2)


def summary_of_operations(results: Results, operations: Sequence[Operation], seconds: float) -> None:
    """Throughput, and what became of the writes and reads of each type."""
    results.figure("seconds", round(seconds, 1))
    results.note(f"{len(operations)} requests in {seconds:.1f} s, {len(operations) / max(seconds, 0.1):.0f} a second")
    table: Dict[str, Dict[str, int]] = {}
    for type in TYPES:
        of_type = [operation for operation in operations if operation.type == type]
        if not of_type:
            continue
        writes = [operation for operation in of_type if operation.is_write]
        reads = [operation for operation in of_type if not operation.is_write]
        row = {
            outcome: sum(1 for write in writes if write.outcome == outcome)
            for outcome in (ACKNOWLEDGED, UNKNOWN, REFUSED)}
        row["reads"] = sum(1 for read in reads if read.outcome == ACKNOWLEDGED)
        row["reads unanswered"] = len(reads) - row["reads"]
        table[type] = row
        results.note(f"{type:16} writes: {row[ACKNOWLEDGED]:6} acknowledged, {row[UNKNOWN]:5} unknown, {row[REFUSED]:5} refused;"
                     f" reads: {row['reads']:6} answered, {row['reads unanswered']:5} not")
    # A phase may have several loads.
    results.add_requests(table)
    answered = [operation.completed - operation.invoked for operation in operations if operation.outcome == ACKNOWLEDGED]
    if len(answered) > 1:
        cuts = statistics.quantiles(answered, n=100)
        results.note(f"answers took {cuts[49] * 1000:.0f} ms in the median, {cuts[98] * 1000:.0f} ms in the 99th percentile")
    reasons: Dict[str, int] = {}
    for operation in operations:
        if operation.outcome != ACKNOWLEDGED:
            text = f"{operation.status or ''} {operation.text}".strip()[:110]
            reasons[text] = reasons.get(text, 0) + 1
    for text, count in sorted(reasons.items(), key=lambda item: -item[1])[:8]:
        results.note(f"{count:6} × {text}")
