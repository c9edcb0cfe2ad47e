"""Memory and threads of trainings one after the other in one process."""

import gc
import os
import tempfile
import threading
from pathlib import Path

import dlcv

COUNT = 9


def main() -> None:
    """Trains on the digits again and again, and prints what the process holds after each."""
    with tempfile.TemporaryDirectory() as runs:
        for number in range(1, COUNT + 1):
            dlcv.run(architecture="lenet(width=0.1)", epochs=1, threads=1, fraction=0.2, runs=runs)
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            memory = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
            system = len(os.listdir("/proc/self/task"))
            python = threading.active_count()
            print(f"{number}  {memory:7.1f} MB  {python} Python threads  {system} of the system")


if __name__ == "__main__":
    main()
