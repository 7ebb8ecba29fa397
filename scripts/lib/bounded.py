"""Runs a command for at most so many seconds, and leaves nothing of it behind, however it ends.

    bounded.py SECONDS COMMAND...

The command gets a session of its own, and what is still running in that session in the end is killed. A process group
would not do: `swift test` puts the tests into another one and does not pass signals on. Exit code 124 means that the
time was up.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import List

GRACE_SECONDS = 15.0


class Asked(Exception):
    """Somebody wants this to end."""


def _ask(number: int, _: object) -> None:
    raise Asked(number)


def members(session: int) -> List[int]:
    """The processes of a session, by the sixth field of /proc/PID/stat (on Linux; elsewhere the leader only)."""
    if not os.path.isdir("/proc/self"):
        return [session]
    found: List[int] = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The second field is a name in parentheses, which may hold anything.
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z" and int(fields[3]) == session:
                found.append(int(name))
    return found


def signal_all(session: int, number: int) -> None:
    for process in members(session):
        try:
            os.kill(process, number)
        except OSError:
            pass


def end_all(session: int) -> None:
    """Asks first: servers and tests have files to remove. Then insists."""
    signal_all(session, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while members(session) and time.monotonic() < deadline:
        time.sleep(0.1)
    signal_all(session, signal.SIGKILL)


def main(arguments: List[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    process = subprocess.Popen(arguments[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    code = 1
    try:
        signal.signal(signal.SIGINT, _ask)
        signal.signal(signal.SIGTERM, _ask)
        code = process.wait(float(arguments[0]))
    except subprocess.TimeoutExpired:
        code = 124
    except Asked as asked:
        code = 128 + int(asked.args[0])
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end_all(process.pid)
        process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
