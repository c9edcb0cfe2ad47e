"""Handing parts to the workers of a Ray cluster, and collecting what comes of them."""

import logging
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import attrs
import ray
from ray import cloudpickle
from ray.exceptions import RayError, RayTaskError

from dlcv import registry
from dlcv.errors import DlcvError, reason_of, some
from dlcv_plugins.executors.ray import arrival
from dlcv_plugins.executors.ray.worker import Done, Task
from dlcv_plugins.executors.stopping import end_if_asked
from dlcv_plugins.kinds.executor import Needs, Report, Work
from dlcv_plugins.training.interruption import deferred_signals

LIBRARIES = (
    arrival.PYTHON, "dlcv", "keras", "numpy", "tensorflow", "jax", "torch",
    "opencv-python-headless", "pillow", "simplejpeg", "h5py", "scikit-learn",
)  # fmt: skip
"""What decides what comes of a part, beside the packages of plugins."""
VARIABLES = ("DLCV_", "JAX_", "KERAS_", "TF_", "XLA_")
"""How environment variables begin that decide it as well."""
SHARED_MEMORY = 0.9
"""Fraction of a GPU's memory that the parts on it share."""
RETRIES = 3
"""How often a part is done again whose worker or machine is lost."""
SECONDS_BETWEEN_LOOKS = 0.2

# A worker has to be able to run it whatever it has installed.
cloudpickle.register_pickle_by_value(arrival)


@attrs.define(eq=False)
class Job:
    """Work that is handed out in parts.

    Attributes:
        work: What does a part.
        needs: What each part needs.
        gpus: GPUs for each part for which a network computes; None for one where there are any.
        report: Is called with what was done.
    """

    work: Work[Any, Any]
    needs: Needs
    gpus: float | None
    report: Report
    _amounts: dict[int, int] = attrs.field(factory=dict, init=False)
    _warned: set[str] = attrs.field(factory=set, init=False)

    def results(self, parts: Sequence[Any]) -> Generator[Any, None, None]:
        """Yields what comes of each part, in order; see `Executor.map`."""
        amounts: Any = ray.remote(arrival.Amounts)
        amounts = amounts.options(num_cpus=0, max_restarts=-1, max_task_retries=-1).remote()
        pending = self._handed_out(parts, amounts)
        found: dict[int, Any] = {}
        place, asked_for = 0, amounts.all.remote()
        with deferred_signals() as asked:
            try:
                while pending and not asked.signal:
                    for done in ray.wait(list(pending), timeout=SECONDS_BETWEEN_LOOKS)[0]:
                        number = pending.pop(done)
                        found[number] = self._result(number, done)
                    if ray.wait([asked_for], timeout=0)[0]:
                        # It is lost with its machine, and begins again on another.
                        with suppress(RayError):
                            self._show(ray.get(asked_for))
                        asked_for = amounts.all.remote()
                    while place in found:
                        yield found.pop(place)
                        place += 1
            finally:
                _stop(pending)
            end_if_asked(asked)

    def _handed_out(self, parts: Sequence[Any], amounts: Any) -> dict[Any, int]:
        """Hands all parts out, and returns their numbers by what Ray knows them by."""
        expected = arrival.versions(dict.fromkeys((*LIBRARIES, *_packages_of_plugins())))
        gpus = self._gpus()
        task = ray.put(self._task(gpus))
        do: Any = ray.remote(arrival.do_part)
        do = do.options(
            num_cpus=min(self.needs.threads, _processors_beside(gpus) or self.needs.threads),
            num_gpus=gpus,
            max_retries=RETRIES,
            scheduling_strategy="SPREAD",
        )
        return {
            do.remote(expected, os.getcwd(), [task], cloudpickle.dumps(numbered), amounts): number
            for number, numbered in enumerate(enumerate(parts))
        }

    def _task(self, gpus: float) -> bytes:
        """Returns the task, pickled.

        Args:
            gpus: GPUs for each part; the back end takes no more of the memory of one.

        Raises:
            DlcvError: it can't be, such as images of a store that keeps a file open.
        """
        registered = tuple((d.kind, d.name, d.cls) for d in registry.registry if d.cls is not None)
        for _, _, plugin in registered:
            # Workers can't import a module of no package.
            name = getattr(plugin, "__module__", None) or plugin.__name__
            if name != "__main__":
                cloudpickle.register_pickle_by_value(sys.modules[name])
        variables = {k: v for k, v in os.environ.items() if k.startswith(VARIABLES)}
        if 0 < gpus < 1:
            share = f"{SHARED_MEMORY * gpus:.3f}"
            shared = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_MEM_FRACTION": share}
            variables = shared | variables
        task = Task(self.work, self.needs.threads, variables, registered)
        try:
            return bytes(cloudpickle.dumps(task))
        except Exception as error:
            raise DlcvError(
                f"the work can't be sent to Ray's workers: {reason_of(error)}"
            ) from error

    def _gpus(self) -> float:
        if not self.needs.has_network:
            return 0
        if self.gpus is not None:
            return self.gpus
        return min(1, ray.cluster_resources().get("GPU", 0))

    def _result(self, number: int, reference: Any) -> Any:
        """Returns what came of a part; raises what was raised, or that it can't be done."""
        try:
            refusal, done = ray.get(reference)
        except RayTaskError as error:
            raise error.cause or error from error
        except RayError as error:
            raise DlcvError(
                f"part {number + 1} was lost {RETRIES + 1} times on Ray: {reason_of(error)}"
            ) from error
        if refusal:
            raise DlcvError(refusal)
        assert isinstance(done, Done)
        self._show({number: done.amount})
        for logger, message in done.warnings:
            if message not in self._warned:
                self._warned.add(message)
                logging.getLogger(logger).warning("%s", message)
        if done.error is not None:
            raise done.error
        return done.result

    def _show(self, amounts: dict[int, int]) -> None:
        """Reports what is new of some amounts; a part that is done again begins from nothing."""
        for number, amount in amounts.items():
            before = self._amounts.get(number, 0)
            if amount > before:
                self._amounts[number] = amount
                self.report(amount - before)


def _packages_of_plugins() -> list[str]:
    found = {d.distribution for d in registry.registry if d.distribution and not d.is_disabled}
    return sorted(found)


def _processors_beside(gpus: float) -> int:
    """Returns the processors of the machine with most: a part that needs more is never done.

    Args:
        gpus: GPUs that the machine needs to have.

    Raises:
        DlcvError: no machine has so many.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    fit = [machine.get("CPU", 0) for machine in machines if machine.get("GPU", 0) >= gpus]
    if gpus and not any(fit):
        there = (f"{m.get('CPU', 0):g} and {m.get('GPU', 0):g}" for m in machines)
        raise DlcvError(
            f"ray(gpus={gpus:g}): no machine of the cluster has a processor and so many GPUs; "
            f"processors and GPUs of each: {some(there)}; choose fewer, or add a machine"
        )
    return int(max(fit, default=0))


def _stop(pending: dict[Any, int]) -> None:
    """Has parts stop that are not done, as ctrl+c would, and waits until all have."""
    for reference in pending:
        ray.cancel(reference)
    if pending:
        ray.wait(list(pending), num_returns=len(pending))
