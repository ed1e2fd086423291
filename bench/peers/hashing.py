"""bcrypt alone on one core: the most sign-ins by password that any server could do here."""

import sys
import time

import bcrypt


def main() -> None:
    """`python -m bench.peers.hashing ROUNDS SECONDS` prints hashes a second."""
    rounds, seconds = int(sys.argv[1]), float(sys.argv[2])
    kept = bcrypt.hashpw(b"Correct-horse-9", bcrypt.gensalt(rounds))
    done, used, start = 0, time.process_time(), time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        assert bcrypt.checkpw(b"Correct-horse-9", kept)
        done += 1
    print(done / elapsed, done / (time.process_time() - used))


if __name__ == "__main__":
    main()
