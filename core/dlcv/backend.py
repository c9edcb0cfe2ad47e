"""Starting Keras: its back end, threads and seed, in the order that makes numbers repeatable."""

import gc
import importlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from dlcv import signals
from dlcv.errors import DlcvError
from dlcv.progress import waiting
from dlcv.registry import registry

logger = logging.getLogger(__name__)


def start(threads: int) -> None:
    """Imports Keras on the back end that it is configured for, with a fixed number of threads.

    The number of threads is part of a run's numbers: sums are taken in another order otherwise.
    Where the back end computes already, its threads can't be changed any more, and that is said.

    Raises:
        DlcvError: the back end is not installed, or a device that a hook chooses is not there.
    """
    # JAX takes its threads from here when it is imported; the others' numeric libraries too.
    os.environ.setdefault("NPROC", str(threads))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    # TensorFlow raises its errors, too; the lines of its log are for those who ask for them.
    shown = "2" if logger.isEnabledFor(logging.DEBUG) else "3"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", shown)
    try:
        with waiting("starting Keras"), captured_stderr(), _without_collecting_garbage():
            keras = importlib.import_module("keras")
            if keras.backend.backend() == "tensorflow":
                _fix_tensorflow_threads(threads)
            registry.hooks().dlcv_devices(back_end=keras.backend.backend())
            # The first tensor finds the devices, which has things to say as well.
            keras.ops.zeros(1)
    except (ImportError, ValueError) as error:
        name = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise DlcvError(
            f'Keras can\'t start with its back end "{name}": {error}; install it, or choose '
            "another by the environment variable KERAS_BACKEND"
        ) from None


def set_seed(seed: int) -> None:
    """Seeds Python, NumPy and Keras, which imports TensorFlow for it, whatever its back end is."""
    set_random_seed = importlib.import_module("keras").utils.set_random_seed
    if "tensorflow" in sys.modules:
        set_random_seed(seed)
        return
    with waiting("starting Keras"), captured_stderr():
        set_random_seed(seed)


def available_threads() -> int:
    """Returns the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fix_tensorflow_threads(threads: int) -> None:
    import tensorflow as tf

    settings = tf.config.threading
    try:
        settings.set_intra_op_parallelism_threads(threads)
        settings.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        # It says 0 for all processors.
        already = settings.get_intra_op_parallelism_threads() or available_threads()
        if already != threads:
            logger.warning(
                "TensorFlow computes already with %d threads, not %d; "
                "this run's numbers may differ from those of a new process",
                already,
                threads,
            )


@contextmanager
def _without_collecting_garbage() -> Iterator[None]:
    """Keeps the garbage collector from what libraries make while Keras is imported.

    It all stays, and is a lot: searching it again and again, and once more when the process ends,
    takes as long as the rest of the import.
    """
    if "keras" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def captured_stderr() -> Iterator[None]:
    """Keeps what libraries written in C++ print while they start, which no setting stops.

    It goes to the log of `--verbose`. If C++ ends the process meanwhile, a small process that
    waits for just that prints it, for it holds the reason.
    """
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.NamedTemporaryFile() as kept, _printed_after_a_crash(kept.name, before):

        def end_capture() -> None:
            kept.truncate(0)
            os.dup2(before, 2)

        os.dup2(kept.fileno(), 2)
        # A signal is no crash: it ends the process, and there is nothing to explain.
        try:
            with signals.calling_before_exit(end_capture):
                yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            kept.seek(0)
            for line in kept.read().decode(errors="replace").splitlines():
                logger.debug("%s", line)


@contextmanager
def _printed_after_a_crash(path: str, stderr: int) -> Iterator[None]:
    """Copies a file to standard error, and removes it, if the process ends within the block.

    A shell waits for a byte, which comes when the block ends, or for the end of the process.
    """
    script = '[ -n "$(head -c 1)" ] || { cat "$0" >&2; rm -f "$0"; }'
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", script, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
    )
    try:
        yield
    finally:
        watcher.communicate(b".")
