"""Several networks trained by one run, from seeds that count on, to answer together."""

import gc
import logging
import shlex
import shutil
from collections.abc import Callable

import attrs

from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv.evaluation.evaluate import as_json, evaluate
from dlcv.evaluation.predict import save_predictions
from dlcv.interfaces import OptionError, evolve
from dlcv.registry.spec import Spec, SpecList
from dlcv.report.write import report_finished
from dlcv.runs.directory import RunDirectory
from dlcv.runs.ensemble import EVALUATOR, TrainedEnsemble, unfinished
from dlcv.runs.experiment import Experiment
from dlcv.runs.run import Run

logger = logging.getLogger(__name__)
Train = Callable[[RunDirectory, Experiment], Run]
"""Trains the network of an experiment into a directory."""


def with_ensemble(config: RunConfig) -> RunConfig:
    """Returns a configuration that sets its members side by side before any other evaluation.

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


def train_members(directory: RunDirectory, experiment: Experiment, train: Train) -> TrainedEnsemble:
    """Trains the members that are not finished, one after the other, and combines all.

    Args:
        directory: The directory of the whole run, locked, with what is known before training.
        experiment: The experiment of the whole run.
        train: Trains a member, or goes on with it.

    Returns:
        The members; if training was stopped, those that have begun, with `stopped_by`.
    """
    count = experiment.config.members
    for number in unfinished(directory, count):
        member, own = directory.member(number), _of_member(experiment, number)
        logger.info("member %d of %d, seed %d", number, count, own.config.seed)
        if not member.is_begun:
            # What a process that was killed may have left is nothing to go on from.
            shutil.rmtree(member.path, ignore_errors=True)
            member.path.mkdir(parents=True)
        stopped_by = train(member, own).stopped_by
        # A network holds itself by cycles; its memory is wanted for the next.
        gc.collect()
        directory.settle()
        if stopped_by:
            ensemble = TrainedEnsemble(directory)
            ensemble.stopped_by = stopped_by
            return ensemble
    return _finish(directory, experiment)


def refuse_changes(run: Run) -> None:
    """Raises a `DlcvError`: members go on with other settings one by one."""
    first, last = (run.directory.member(n).path for n in (1, run.config.members))
    raise DlcvError(
        f"{run.path} has {run.config.members} members, and each goes on with other settings by "
        f"itself: resume {first} to {last} with them; then `dlcv resume "
        f"{shlex.quote(str(run.path))}` combines them again"
    )


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
        config=evolve(config, members=1, seed=config.seed + number - 1, evaluators=evaluators),
        plugins=attrs.evolve(experiment.plugins, evaluators=made),
    )


def _finish(directory: RunDirectory, experiment: Experiment) -> TrainedEnsemble:
    """Combines the members' predictions, and writes predictions, metrics and report."""
    ensemble = TrainedEnsemble(directory)
    predictions = ensemble.predictions()
    save_predictions(directory.predictions, predictions)
    evaluation = evaluate(predictions, list(experiment.plugins.evaluators))
    seconds = [row["seconds"] for member in ensemble.members for row in member.history]
    content = {
        "split": experiment.held_out,
        "images": len(predictions.labels),
        "training_seconds": round(sum(seconds), 1),
        **as_json(evaluation),
    }
    directory.write_json("metrics", content)
    report_finished(ensemble, experiment.data)
    return ensemble
