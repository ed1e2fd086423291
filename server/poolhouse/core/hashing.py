"""The bounded pool on which passwords are hashed, so that a storm of sign-ins does not starve everything else.

bcrypt gives the GIL back while it works, but not the processor: the pool's threads step behind the others (Linux
schedules a thread by its own niceness), and there are only as many as this worker's share of cores.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from poolhouse.core.errors import TooManyRequests

T = TypeVar("T")
# A third of a request's weight: requests keep three quarters of a busy core, and sign-ins still come through.
_NICENESS = 5
_SLICE_NANOSECONDS = 100_000  # the shortest that there is
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}


class HashPool:
    """At most ``threads`` hashes at a time and ``waiting`` in the queue; beyond that a sign-in is told to come back."""

    def __init__(self, threads: int = 1, waiting: int = 16) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="hash", initializer=_step_behind)
        self._places = threading.BoundedSemaphore(threads + waiting)

    def run(self, work: Callable[[], T]) -> T:
        """``work()``, on the pool. Raises TooManyRequests at once when the queue is full."""
        if not self._places.acquire(blocking=False):
            raise TooManyRequests("Too many requests", hint="the queue of password hashes is full")
        try:
            return self._executor.submit(work).result()
        finally:
            self._places.release()

    def close(self) -> None:
        """Stop the threads once their work is done."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _step_behind() -> None:
    """Less weight for this thread, and a short slice: it is run until its slice is over even if a request wakes up."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    except (OSError, AttributeError):  # not Linux: no niceness for a thread alone
        return
    number = _SCHED_SETATTR.get(platform.machine())
    if number is not None:
        # struct sched_attr: size, policy (SCHED_OTHER), flags, nice, priority, then the slice and two that are unused.
        attributes = struct.pack("=IIQiIQQQ", 48, 0, 0, _NICENESS, 0, _SLICE_NANOSECONDS, 0, 0)
        ctypes.CDLL(None).syscall(
            number, threading.get_native_id(), attributes, 0
        )  # before Linux 6.12 it has no effect
