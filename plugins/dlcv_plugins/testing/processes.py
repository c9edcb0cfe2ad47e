"""New processes, and threads that take turns often.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import io
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dlcv.interfaces import Images, Preprocessor

if TYPE_CHECKING:
    import numpy as np

SHORT = 1e-6
"""Seconds; the shortest sleep lets another thread run."""
RESTORE = """
import io, pickle, sys
import numpy

step, state, images = pickle.load(sys.stdin.buffer)
result = io.BytesIO()
numpy.savez(result, *step.with_state(state)(images))
sys.stdout.buffer.write(result.getvalue())
"""


def run_python(code: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Runs a program in a new process that finds the same modules."""
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, input=given, capture_output=True, check=False)


def is_importable(cls: type) -> bool:
    """Returns whether a new process can import a class: one that a function made it can't."""
    if cls.__module__ == "__main__" or "<locals>" in cls.__qualname__:
        return False
    found: Any = sys.modules[cls.__module__]
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def in_another_process(
    step: Preprocessor, state: "dict[str, np.ndarray]", images: "np.ndarray"
) -> Images:
    """Returns what a step with a state makes of images in a process of its own."""
    import numpy as np

    done = run_python(RESTORE, pickle.dumps((step, state, images)))
    assert done.returncode == 0, (
        f"{step} can't go on from its state_dict() in a new process:\n{done.stderr.decode()}"
    )
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as archive:
        return [archive[name] for name in archive.files]


@contextmanager
def taking_turns(cls: type) -> Iterator[None]:
    """Lets new threads take turns after every line of a class's package: what they share shows."""
    package = cls.__module__.partition(".")[0]

    def wait(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_globals.get("__name__", "").partition(".")[0] != package:
            return None
        time.sleep(SHORT)
        return wait

    before = threading.gettrace()
    threading.settrace(wait)
    try:
        yield
    finally:
        threading.settrace(before)
