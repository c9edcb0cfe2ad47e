"""Several networks of one configuration, trained from consecutive seeds."""

import functools
import logging
import shlex
from pathlib import Path

from dlcv import files
from dlcv.api import (
    Experiment,
    Observers,
    Run,
    RunConfig,
    RunDirectory,
    Trained,
    backend,
    new_directory,
    resume,
    write_record,
    write_results,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination, ConfigView, OptionError, Trainer, evolve, plugin
from dlcv.registry import Spec, SpecList
from dlcv_plugins.devices.processes import own_copy, taking_part
from dlcv_plugins.ensembles.ensemble import EVALUATOR, Ensemble, named_method
from dlcv_plugins.trainers.changes import compare_with_record
from dlcv_plugins.trainers.completion import log_finished, write_missing
from dlcv_plugins.trainers.gradient_descent.network import prepare_training
from dlcv_plugins.trainers.member import train_each
from dlcv_plugins.trainers.names import default_name

logger = logging.getLogger(__name__)


class TrainedEnsemble(Trained, Ensemble):
    """Networks that one run trained from consecutive seeds.

    Attributes:
        directory: Paths of the files in the run's directory.
        config: Its configuration, complete; that of a member has the member's seed.
        stopped_by: The number of the signal that stopped it in this process, 0 if none did.
    """

    members: tuple[Run, ...]

    def __init__(
        self,
        directory: RunDirectory,
        *,
        checkpoint: str | int = "last",
        method: Combination | None = None,
    ) -> None:
        """Opens the members that there are so far.

        Args:
            directory: The run's directory.
            checkpoint: What `dlcv.load` takes.
            method: How they are combined; None for what the run's evaluators name.
        """
        self.directory = directory
        self.config = RunConfig.load(directory.config)
        numbers = range(1, self.config.members + 1)
        begun = [number for number in numbers if directory.member(number).is_begun]
        Ensemble.__init__(
            self,
            [Run(directory.member(number), checkpoint=checkpoint) for number in begun],
            method=method or named_method(self.config.evaluators) or "mean",
            path=directory.path,
            names=[f"member {number}" for number in begun],
        )

    @property
    def finished(self) -> bool:
        """Whether all members were trained to their end, and combined."""
        return not unfinished(self.directory, self.config.members) and self.directory.is_finished


@plugin
class MembersTrainer(Trainer):
    """Trains several networks with consecutive seeds, and combines their predictions."""

    @classmethod
    def claims(cls, config: ConfigView) -> bool:
        """Returns whether a configuration asks for several members."""
        return config.members > 1

    def train(
        self, config: RunConfig, *, name: str | None, runs: Path, force: bool, yielding: list[str]
    ) -> TrainedEnsemble:
        """Trains all members of a new run."""
        if config.members < 2:
            raise DlcvError("trainer: members trains several networks; set how many: --members 5")
        config = _with_ensemble(config)
        RunDirectory.refuse_existing(runs, name, force=force)
        with taking_part(runs, config) as own:
            experiment, network, initial = prepare_training(config, yielding)
            called = default_name(experiment.config)
            write = functools.partial(write_record, experiment, network, initial)
            with new_directory(own, name, called, write, force=force) as directory:
                del network, write  # Each member builds its own.
                return _train_members(directory, experiment)

    def resume(
        self, path: Path, *, from_epoch: int | None, changes: dict[str, object]
    ) -> TrainedEnsemble:
        """Trains the members that are not finished, and combines all."""
        if changes or from_epoch is not None:
            _refuse_changes(Run(RunDirectory(path)))
        with taking_part(path.parent, Run(RunDirectory(path)).config) as folder:
            directory = RunDirectory(own_copy(path, folder))
            run = Run(directory)
            if run.finished and not unfinished(directory, run.config.members):
                return _complete(TrainedEnsemble(directory))
            backend.start(run.config.threads or 1)
            with directory.lock():
                files.sweep(directory.path)
                experiment = Experiment.reopen(run.config, run.pipeline, run.groups)
                compare_with_record(directory.read_json("environment"), experiment)
                _complete_members(directory, run.config.members)
                return _train_members(directory, experiment)

    def load(
        self, path: Path, *, checkpoint: str | int, method: Combination | None
    ) -> TrainedEnsemble:
        """Opens the members, all of which must be finished."""
        directory = RunDirectory(path)
        count = RunConfig.load(directory.config).members
        if missing := unfinished(directory, count):
            raise DlcvError(
                f"member {missing[0]} of the {count} of {path} is not trained to its end; "
                f"continue with: dlcv resume {shlex.quote(str(path))}"
            )
        return TrainedEnsemble(directory, checkpoint=checkpoint, method=method)

    def summary(self, run: TrainedEnsemble) -> list[str]:
        """Returns how many members were trained, and how long it took."""
        seconds = run.directory.read_json("metrics")["training_seconds"]
        return [f"trained   {len(run.members)} members in {seconds:.0f} s"]


def unfinished(directory: RunDirectory, members: int) -> list[int]:
    """Returns the numbers of the members that are missing, or not trained to their end."""
    return [n for n in range(1, members + 1) if not directory.member(n).is_finished]


def _with_ensemble(config: RunConfig) -> RunConfig:
    """Returns a configuration that compares the members with their combination first of all.

    Raises:
        DlcvError: there are not so many seeds.
    """
    try:
        evolve(config, seed=config.seed + config.members - 1)
    except OptionError as error:
        raise DlcvError(f"{error.option} of the last member: {error.problem}") from None
    if any(spec.name == EVALUATOR for spec in config.evaluators):
        return config
    return evolve(config, evaluators=SpecList([Spec(EVALUATOR), *config.evaluators]))


def _train_members(directory: RunDirectory, experiment: Experiment) -> TrainedEnsemble:
    """Trains the members that are not finished, and combines all.

    Args:
        directory: The directory of the whole run, locked, with what is known before training.
        experiment: The experiment of the whole run.

    Returns:
        The members; if training was stopped, those that have begun, with `stopped_by`.
    """
    # Elsewhere, a member may be stopped because its machine is taken away: another continues it.
    while left := unfinished(directory, experiment.config.members):
        stopped_by = train_each(directory, experiment, left)
        if stopped_by:
            ensemble = TrainedEnsemble(directory)
            ensemble.stopped_by = stopped_by
            return ensemble
    return _combine(directory, experiment)


def _combine(directory: RunDirectory, experiment: Experiment) -> TrainedEnsemble:
    """Combines the members' predictions, and writes predictions, metrics and report."""
    ensemble = TrainedEnsemble(directory)
    ensemble.data = experiment.data
    seconds = [row["seconds"] for member in ensemble.members for row in member.history]
    ensemble.results = write_results(
        directory,
        ensemble.predictions(),
        experiment.plugins.evaluators,
        split=experiment.held_out,
        seconds=sum(seconds),
    )
    Observers(ensemble.config).finished(ensemble)
    return ensemble


def _complete(ensemble: TrainedEnsemble) -> TrainedEnsemble:
    """Writes the files that a finished run or one of its members lacks."""
    for member in ensemble.members:
        resume(member.path)
    with ensemble.directory.lock():
        log_finished(ensemble, write_missing(ensemble))
    return ensemble


def _complete_members(directory: RunDirectory, count: int) -> None:
    """Writes the files that a finished member lacks, since a kill came just before them."""
    for member in map(directory.member, range(1, count + 1)):
        expected = (member.model, member.predictions, member.report)
        if member.is_finished and not all(path.exists() for path in expected):
            resume(member.path)


def _refuse_changes(run: Run) -> None:
    """Raises a `DlcvError`: members continue with other settings one by one."""
    first, last = (run.directory.member(n).path for n in (1, run.config.members))
    raise DlcvError(
        f"{run.path} has {run.config.members} members, and each takes other settings by itself: "
        f"resume {first} to {last} with them; then `dlcv resume {shlex.quote(str(run.path))}` "
        "combines them again"
    )
