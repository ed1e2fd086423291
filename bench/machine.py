"""The machine, and the processes that a run starts on it: pinned to a core, time and memory read from /proc."""

import os
import platform
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = 0, 1


def cpu() -> str:
    """The processor's name, as the kernel or the platform gives it."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return (found.group(1) if found else platform.processor() or platform.machine()).strip()


def filesystem(path: Path) -> str:
    """The kind of file system a path lies on: a commit in memory costs nothing, one on a disk costs a flush."""
    best, kind = "", "unknown"
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return kind
    for line in mounts:
        _, point, this, *_ = line.split(" ")
        if str(path.resolve()).startswith(point) and len(point) >= len(best):
            best, kind = point, this
    return kind


def conditions(data: Path) -> dict[str, str]:
    """What a reader needs in order to compare two tables."""
    return {
        "Processor": f"{cpu()}, {CORES} cores",
        "System": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "SQLite": f"{sqlite3.sqlite_version}, on {filesystem(data)}",
        "OpenSSL": backend.openssl_version_text(),
        "Server": f"granian {version('granian')}, SQLAlchemy {version('sqlalchemy')}, Flask {version('flask')}",
        "Cores": f"server on {SERVER_CORE}, load on {LOAD_CORE}"
        if PINNED
        else "not pinned: server and load share them",
        "Load average at the start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


# Asked once, before the load pins itself.
PINNED = (
    hasattr(os, "sched_setaffinity")
    and {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0)
    and shutil.which("taskset") is not None
)
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_server_core(command: list[str]) -> list[str]:
    """`command`, on the server's core where server and load can have a core each."""
    return ["taskset", "-c", str(SERVER_CORE), *command] if PINNED else command


def pin_load() -> None:
    if PINNED:
        os.sched_setaffinity(0, {LOAD_CORE})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A server of our own, on the server's core, with its output in a file to show when it fails."""

    def __init__(self, command: list[str], environ: Mapping[str, str], log: Path) -> None:
        command = on_server_core(command)
        self.log = log
        self.began = time.perf_counter()
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                command,
                env={**os.environ, **environ},
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def check(self) -> None:
        if self.child.poll() is not None:
            end = self.log.read_text(errors="replace")[-3000:]
            sys.exit(f"{' '.join(map(str, self.child.args))} ended with {self.child.returncode}:\n{end}")  # type: ignore[arg-type]

    def wait_for(self, url: str, seconds: float = 30) -> float:
        """Until it answers 200 there; the seconds that took since it was started."""
        while time.perf_counter() - self.began < seconds:
            self.check()
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return time.perf_counter() - self.began
            except (OSError, urllib.error.URLError):
                time.sleep(0.01)
        raise SystemExit(f"{url} did not answer within {seconds} s; see {self.log}")

    def tree(self) -> list[int]:
        """The process and all that it started."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir() if Path("/proc").exists() else ():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
        found, ahead = [], [self.child.pid]
        while ahead:
            found.append(pid := ahead.pop())
            ahead += parents.get(pid, [])
        return found

    def cpu_seconds(self) -> float:
        """The processor time that the tree has used; 0 where the system does not say."""
        total = 0.0
        for pid in self.tree():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += (int(fields[11]) + int(fields[12])) / TICKS
        return total

    def megabytes(self) -> float:
        """Memory of the tree, pages that several processes share counted once (Linux's proportional set size)."""
        total = 0
        for pid in self.tree():
            try:
                found = re.search(r"^Pss:\s*(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
            except OSError:
                continue
            total += int(found.group(1)) if found else 0
        return total / 1024

    def stop(self) -> None:
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(5)
