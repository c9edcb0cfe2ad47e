"""Several processes that train one network together: how they meet, agree, and end.

All of them do the same: they draw the whole batches, and compute their share of the rows. The first
writes the run; the others write into a folder of their own, which is removed.
"""

import atexit
import hashlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv.errors import DlcvError, reason_of
from dlcv.interfaces import evolve

if TYPE_CHECKING:
    from dlcv.api import RunConfig

logger = logging.getLogger(__name__)
ADDRESS, COUNT, INDEX = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
LOCAL_DEVICES = "JAX_LOCAL_DEVICE_IDS"
"""Names the GPUs of the machine that are a process's own."""
SECONDS_TO_MEET = 300
SECONDS_TO_PART = 10
OWN = {"data": "", "threads": 1}
"""Settings in which processes may differ, as the same images may lie elsewhere."""
DIFFERENT = "is not the same on each process"
"""What JAX writes of weights that differ."""
_joining: "Group | None" = None
_training = ""
"""What this process is about to train, as `taking_part` took it."""
_is_inside = False
stopped_by = 0
"""The signal that ended the training of all processes, 0 if none did."""


@attrs.frozen
class Group:
    """The processes of a training, as the environment names them.

    Attributes:
        address: Where the first process waits for the others, `HOST:PORT`.
        count: How many they are.
        index: Which of them this is, from 0.
    """

    address: str
    count: int
    index: int

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Group | None":
        """Reads the environment variables; returns None where there is one process alone.

        Raises:
            DlcvError: some are missing or wrong.
        """
        if not any(variables.get(name) for name in (ADDRESS, COUNT, INDEX)):
            return None
        missing = [name for name in (ADDRESS, COUNT, INDEX) if not variables.get(name)]
        if missing:
            raise DlcvError(
                f"several processes need {ADDRESS}, {COUNT} and {INDEX}; set "
                f"{' and '.join(missing)}"
            )
        count, index = variables[COUNT], variables[INDEX]
        if not count.isdecimal() or not index.isdecimal() or not int(index) < int(count):
            raise DlcvError(
                f"{COUNT} must be the number of processes, and {INDEX} count from 0; they are "
                f'"{count}" and "{index}"'
            )
        if not variables[ADDRESS].rpartition(":")[2].isdecimal():
            raise DlcvError(f'{ADDRESS}: expected HOST:PORT, received "{variables[ADDRESS]}"')
        return cls(variables[ADDRESS], int(count), int(index)) if int(count) > 1 else None

    def join(self) -> None:
        """Waits for the other processes; ends this one with a line if they do not come."""
        import jax

        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        # It would take SIGTERM for itself.
        jax.config.update("jax_enable_preemption_service", False)
        # JAX would abort the process, with a trace of C++.
        limit = threading.Timer(SECONDS_TO_MEET, self._give_up)
        limit.daemon = True
        limit.start()
        jax.distributed.initialize(
            self.address,
            self.count,
            self.index,
            initialization_timeout=2 * SECONDS_TO_MEET,
            shutdown_timeout_seconds=SECONDS_TO_PART,
        )
        limit.cancel()
        _wait_for_all("the beginning")
        # Networks that differ would end in a trace, or abort, where their weights are laid out.
        _refuse_difference(_training, "settings", "start all with the same command")

    def _give_up(self) -> None:
        """Ends the process, whose main thread waits and can't be interrupted."""
        line = (
            f"dlcv: process {self.index + 1} of {self.count} can't meet the others at "
            f"{self.address}; start all of them within {SECONDS_TO_MEET} s, with the first one's "
            f"host and a free port as {ADDRESS}\n"
        )
        os.write(2, line.encode())
        os._exit(2)


def joining() -> Group | None:
    """Returns the processes that this one trains together with; None where it trains alone."""
    return _joining


@contextmanager
def taking_part(
    runs: Path, config: "RunConfig", asked: Mapping[str, object] | None = None
) -> Iterator[Path]:
    """Lets what is trained in the block be trained together with the other processes.

    In the other processes than the first the block ends with `SystemExit`, for the run is the
    first one's.

    Args:
        runs: The folder of all runs.
        config: What is trained, which is the same in all processes but for `OWN`.
        asked: What is to be changed of it.

    Yields:
        That folder, or in the other processes one that is removed afterwards.

    Raises:
        DlcvError: the environment names them wrongly, or another process ended.
    """
    global _joining, _is_inside, _training
    group = Group.read(os.environ)
    if group is None or _is_inside:
        yield runs
        return
    _joining, _is_inside = group, True
    changes = sorted((name, str(value)) for name, value in (asked or {}).items() if name not in OWN)
    _training = json.dumps([evolve(config, **OWN).to_toml(), changes])
    number = f"process {group.index + 1} of {group.count}"
    logger.info("%s meets the others at %s", number, group.address)
    with ExitStack() as stack:
        stack.enter_context(_stdout_to_stderr())
        own = runs
        if group.index:
            own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dlcv-process-")))
        try:
            yield own
            _wait_for_all("the end of the run")
        except BaseException as error:
            _end_without_the_others(error)
            if isinstance(error, AssertionError) and DIFFERENT in str(error):
                raise DlcvError(
                    f"{number}: the processes begin with different networks or weights; start all "
                    "with the same command, files of weights and plugins"
                ) from error
            if not isinstance(error, RuntimeError):
                raise
            # Of many kinds, by the back end's library for communication.
            raise DlcvError(
                f"{number} can't compute further ({reason_of(error)}); if another process ended, "
                "its output says why; `dlcv resume` continues the run"
            ) from error
        finally:
            _is_inside = False
    if group.index:
        logger.info("the run is in the folder of the first process, %s", runs)
        sys.exit(128 + stopped_by if stopped_by else 0)


def own_copy(path: Path, folder: Path) -> Path:
    """Returns the run to go on with: the run itself, or a copy in a folder of the process's own.

    Args:
        path: The run.
        folder: What `taking_part` gave for the folder around it.
    """
    if folder == path.parent:
        return path
    return Path(shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns(".*")))


def refuse_apart() -> None:
    """Raises a `DlcvError` where several processes would do the same, each for itself."""
    if _joining is None and Group.read(os.environ) is not None:
        raise DlcvError(
            "several processes train together what is trained in epochs, one network after the "
            f"other; for this command, start one process, without {ADDRESS}"
        )


def refuse_elsewhere() -> None:
    """Raises a `DlcvError` where each of several processes would hand out the same work."""
    if Group.read(os.environ) is not None:
        raise DlcvError(
            f"--on hands out the work of one process, and {ADDRESS} makes this one of several that "
            f"train together; leave --on out, or unset {ADDRESS}, {COUNT} and {INDEX}"
        )


def compare(run: Any) -> None:
    """Raises a `DlcvError` in all processes if they train on other images, or with other settings.

    Args:
        run: The run, whose record is written.
    """
    if _joining is None:
        return
    config = evolve(run.config, **OWN)
    content = [config.to_toml(), run.directory.read_json("environment")["data"]["fingerprints"]]
    _refuse_difference(
        json.dumps(content, sort_keys=True),
        "images or settings",
        "start all with the same command and the same data",
    )


def _refuse_difference(content: str, what: str, cure: str) -> None:
    """Raises a `DlcvError` in all processes if they do not have the same content."""
    digest = hashlib.sha256(content.encode()).digest()
    others = gathered([int.from_bytes(digest[:4], "big") >> 1])[:, 0]
    if differing := [i + 1 for i, other in enumerate(others) if other != others[0]]:
        raise DlcvError(
            f"process {', '.join(map(str, differing))} has other {what} than the first; {cure}"
        )


def of_the_first(figures: Mapping[str, float]) -> dict[str, float]:
    """Returns the first process's figures; all must ask for the same names together."""
    import numpy as np
    from jax.experimental import multihost_utils

    names = sorted(figures)
    # As whole numbers, since JAX would round floats to 32 bits.
    bits = np.array([figures[name] for name in names], np.float64).view(np.uint32)
    values = np.asarray(multihost_utils.broadcast_one_to_all(bits)).view(np.float64)
    return dict(zip(names, map(float, values), strict=True))


def gathered(values: list[int]) -> Any:
    """Returns what each process gave, `(processes, values)`."""
    import numpy as np
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.array(values, np.int32))


def _end_without_the_others(error: BaseException) -> None:
    """Lets this process end at once; JAX would wait for the others, and then abort."""
    code = 1
    if isinstance(error, DlcvError | OSError | RuntimeError) or DIFFERENT in str(error):
        code = 2
    elif isinstance(error, KeyboardInterrupt):
        code = 128 + signal.SIGINT
    elif isinstance(error, SystemExit) and isinstance(error.code, int):
        code = error.code

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    # What is registered last is called first.
    atexit.register(end)


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Keeps what Gloo prints when processes meet from what a command prints."""
    sys.stdout.flush()
    before = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


def _wait_for_all(point: str) -> None:
    import jax

    if jax.distributed.is_initialized():
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(point)
