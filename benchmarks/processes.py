"""Running commands as whole processes and measuring them."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path


def run(
    command: Sequence[str], folder: Path | None = None, **variables: str
) -> tuple[float, float, str]:
    """Runs a command; returns its seconds, peak memory in megabytes, and standard output."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            errors.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{errors.read()}")
    return seconds, usage.ru_maxrss / 1000, output


def spread(values: Sequence[float]) -> str:
    """Returns the median with the range behind it."""
    return f"{statistics.median(values):8.3f}  ({min(values):.3f} to {max(values):.3f})"
