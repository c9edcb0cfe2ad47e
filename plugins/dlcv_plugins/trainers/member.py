"""Training members of a run, here one after the other, or elsewhere side by side."""

import functools
import gc
import logging
import shutil
import time
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import hook, registry
from dlcv.api import Experiment, Run, RunConfig, RunDirectory, backend
from dlcv.errors import DlcvError
from dlcv.interfaces import evolve
from dlcv.registry import SpecList
from dlcv_plugins.ensembles.ensemble import EVALUATOR
from dlcv_plugins.executors.current import executor, results_of
from dlcv_plugins.executors.stopping import signal_of
from dlcv_plugins.kinds.executor import Needs, Report
from dlcv_plugins.trainers.gradient_descent.trainer import train_into

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)
SECONDS_TO_WAIT = 30.0
"""For a process that trained a member, and whose machine is lost, to end."""


def train_each(directory: RunDirectory, experiment: Experiment, numbers: list[int]) -> int:
    """Trains some members, unless they are stopped.

    Args:
        directory: The directory of the whole run.
        experiment: The experiment of the whole run.
        numbers: The members, from 1.

    Returns:
        The number of the signal that stopped this process, 0 if none did.
    """
    is_elsewhere = executor().is_elsewhere
    work = functools.partial(_train_member, directory, experiment)
    needs = Needs(experiment.config.threads or 1, has_network=True)
    total = _epochs(experiment) * len(numbers)
    with results_of(work, numbers, needs, doing="training", total=total, unit="epochs") as results:
        try:
            for stopped_by in results:
                directory.settle()
                if stopped_by and not is_elsewhere:
                    return int(stopped_by)
        except (KeyboardInterrupt, SystemExit) as ending:
            if is_elsewhere and directory.has_checkpoint:
                return signal_of(ending)
            raise
    return 0


def _train_member(
    directory: RunDirectory, experiment: Experiment, number: int, report: Report
) -> int:
    """Trains a member, or continues with it; returns the number of the signal that stopped it."""
    member, own = directory.member(number), _of_member(experiment, number)
    logger.info("member %d of %d, seed %d", number, experiment.config.members, own.config.seed)
    backend.start(own.config.threads or 1)
    _wait_for_the_lock(member)
    done = 0
    if member.is_begun:
        done = len(Run(member).history)
    else:
        # What a process that was killed may have left is nothing to continue from.
        shutil.rmtree(member.path, ignore_errors=True)
        member.path.mkdir(parents=True)
    report(done)
    counted = _Counted(report)
    with registry.registry.hook_manager().registered(counted):
        stopped_by = train_into(member, own).stopped_by
    # A network holds itself by cycles; its memory is wanted for the next.
    gc.collect()
    if not stopped_by:
        # Early stopping leaves epochs out.
        report(max(0, _epochs(own) - done - counted.epochs))
    return stopped_by


def _of_member(experiment: Experiment, number: int) -> Experiment:
    """Returns the experiment of a member: the same data and preprocessors, and a seed of its own.

    The combination is no evaluation of a single member.
    """
    config = experiment.config
    specs = SpecList(spec for spec in config.evaluators if spec.name != EVALUATOR)
    evaluators = specs or RunConfig().evaluators
    made = tuple(registry.create_list("evaluator", evaluators))
    return attrs.evolve(
        experiment,
        config=evolve(
            config,
            members=1,
            trainer=None,
            seed=config.seed + number - 1,
            evaluators=evaluators,
        ),
        plugins=attrs.evolve(experiment.plugins, evaluators=made),
    )


def _epochs(experiment: Experiment) -> int:
    return sum(stage.epochs for stage in experiment.config.stages)


def _wait_for_the_lock(member: RunDirectory) -> None:
    """Waits while another process is writing into a member, which ends with its machine."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while member.path.is_dir():
        try:
            with member.lock():
                return
        except DlcvError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@attrs.define(eq=False)
class _Counted:
    """Reports each epoch."""

    report: Report
    epochs: int = 0

    @hook
    def dlcv_callbacks(self, run: Any) -> "list[keras.callbacks.Callback]":
        """Returns a callback that counts."""
        import keras

        return [keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: self.add())]

    def add(self) -> None:
        """Counts an epoch."""
        self.epochs += 1
        self.report(1)
