"""Small file systems in memory, one for each node, which can be filled up.

They are mounted in a mount namespace of the test's own, so nobody else sees them and they go when it ends.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Optional

MIB = 1 << 20
# A node refuses writes when less than its reserve of 192 MiB is free; it begins with enough for a short test.
SIZE = 640 * MIB
# What is left free when a disk is full: less than the reserve.
LEFT_FREE = 96 * MIB
_INSIDE = "KINDRED_FAULTS_MOUNTS"


def mounts_elsewhere() -> Optional[str]:
    """Runs this program again in a mount namespace of its own. Returns why that cannot be done, or nothing once it is."""
    if _INSIDE in os.environ:
        return None
    if shutil.which("unshare") is None:
        return "there is no unshare(1)"
    flags = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user", "--map-root-user"]
    probe = subprocess.run(
        ["unshare", *flags, "mount", "-t", "tmpfs", "-o", "size=1m", "kindred", "/mnt"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if probe.returncode != 0:
        return f"no file system can be mounted here: {probe.stdout.strip()}"
    os.environ[_INSIDE] = "yes"
    os.execvp("unshare", ["unshare", *flags, sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])


class Disk:
    def __init__(self, path: str) -> None:
        self.path = path
        self._ballast = os.path.join(path, "ballast")
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "kindred", path], check=True)

    def free(self) -> int:
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self) -> int:
        """Takes all but a little. Returns how many bytes are still free."""
        with open(self._ballast, "wb") as file:
            wanted = max(0, self.free() - LEFT_FREE)
            if wanted:
                os.posix_fallocate(file.fileno(), 0, wanted)
        return self.free()

    def release(self) -> None:
        if os.path.exists(self._ballast):
            os.remove(self._ballast)

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=False, stderr=subprocess.DEVNULL)
