"""A search for the learning rate of a run, with the run's own data, network and batches."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from dlcv.api import Experiment, RunConfig, configured
from dlcv.errors import DlcvError
from dlcv_plugins.commands.lr_search.results import RangeTest, StepSearch, check_range
from dlcv_plugins.trainers.gradient_descent.network import build_new

if TYPE_CHECKING:
    from dlcv_plugins.commands.lr_search.trials import Trials

STEP_RATES = (0.1, 0.0001)
"""The highest and the lowest rate that are tried, dividing by 10."""
RANGE_RATES = (1.0, 1e-6)
"""The highest and the lowest rate of a range test."""


def search_learning_rate(
    config: RunConfig | str | os.PathLike[str] | None = None,
    *,
    method: Literal["steps", "range"] = "steps",
    highest: float | None = None,
    lowest: float | None = None,
    epochs: int = 5,
    steps: int = 200,
    **options: object,
) -> StepSearch | RangeTest:
    """Searches a learning rate for a run's first stage; nothing is written.

    Args:
        config: A configuration, the path of one, or a recipe's name; the defaults if left out.
        method: `steps` trains with the highest rate, a tenth of it, and so on, until the loss falls
            steadily; `range` trains once while the rate rises from the lowest to the highest.
        highest: The highest rate; 0.1, and 1 in a range test, if left out.
        lowest: The lowest rate; 0.0001, and 0.000001 in a range test, if left out.
        epochs: Epochs a try, for `steps`.
        steps: Steps of a `range` test.
        options: Options of `RunConfig` and of its only stage, as `dlcv.run` takes them.

    Returns:
        What was found; its `suggestion` is None where no rate can be suggested. After ctrl+c or
        SIGTERM it has a `stopped_by`, and holds what is known so far.

    Raises:
        DlcvError: something in the configuration, the data or the range is wrong.
    """
    if method not in ("steps", "range"):
        raise DlcvError(f'method: expected "steps" or "range", received "{method}"')
    _check_least("epochs", epochs, 1)
    _check_least("steps", steps, 20)
    usual = STEP_RATES if method == "steps" else RANGE_RATES
    highest = usual[0] if highest is None else highest
    lowest = usual[1] if lowest is None else lowest
    check_range(highest, lowest)
    complete, yielding = configured(config, options)
    if not complete.stages:
        raise DlcvError("this configuration fits a classifier, which has no learning rate")
    experiment = Experiment.prepare(complete, yielding=yielding)
    with _trials(experiment) as trials:
        if method == "range":
            return trials.range_test(highest, lowest, steps)
        return trials.search(highest, lowest, epochs)


@contextmanager
def _trials(experiment: Experiment) -> Iterator["Trials"]:
    """Gives what tries rates for the first stage of an experiment; ctrl+c ends a try.

    Raises:
        DlcvError: the network can't be built, or there are not enough images for a batch.
    """
    stage = experiment.config.stages[0]
    train, val = (experiment.loader(s).with_batch_size(stage.batch_size) for s in ("train", "val"))
    if len(train.images) < train.batch_size:
        raise DlcvError(
            f"there are {len(train.images)} training images, which do not fill a batch of "
            f"{train.batch_size}; choose a smaller batch_size, since the rate depends on it"
        )
    network, _ = build_new(experiment)
    # They import Keras, which building has started with the right number of threads.
    from dlcv_plugins.commands.lr_search.trials import Trials
    from dlcv_plugins.training.freezing import freeze
    from dlcv_plugins.training.interruption import deferred_signals

    freeze(network, stage.trainable)
    with deferred_signals() as asked:
        model, jit_compile = network.for_training(), experiment.config.jit_compile
        yield Trials(model, stage, train, val, asked, jit_compile)


def _check_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise DlcvError(f"{name}: expected at least {least}, received {value}")
