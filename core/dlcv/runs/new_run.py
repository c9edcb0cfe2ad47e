"""Beginning a new run: its directory, and the record of what it is made with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv import files
from dlcv.data.pipeline import states_of
from dlcv.runs.directory import RunDirectory
from dlcv.runs.experiment import Experiment

if TYPE_CHECKING:
    from dlcv.training.network import Network


@contextmanager
def new_directory(
    runs: Path,
    name: str | None,
    default_name: str,
    write: Callable[[RunDirectory], object],
    *,
    force: bool,
    is_worth_keeping: Callable[[RunDirectory], bool] = lambda made: made.has_checkpoint,
) -> Iterator[RunDirectory]:
    """Makes a run's directory with the record of the run in it, and locks it.

    It appears under its name with everything that `write` wrote, so that a process which is killed
    leaves either nothing or what `dlcv resume` continues.

    Args:
        runs: The folder of all runs.
        name: The run's name; None for `default_name` with a number.
        default_name: A name to number.
        write: Writes what is known before training into a directory.
        force: Whether a run of that name may be replaced.
        is_worth_keeping: Whether the run stays when the block raises; otherwise it is removed, and
            the run that it replaced is back.

    Raises:
        DlcvError: what `RunDirectory.being_made` raises.
    """
    with RunDirectory.being_made(runs, name, default_name, force=force) as (hidden, directory):
        write(hidden)
        del write  # It may hold a network.
        directory.appear()
        before = directory.point_latest_here()
        try:
            yield directory
            directory.settle()
        except BaseException:
            if not is_worth_keeping(directory):
                directory.discard(before)
            raise


def write_record(
    experiment: Experiment, network: "Network", initial: dict[str, str], directory: RunDirectory
) -> None:
    """Writes what is known before training; `preprocessing.npz` comes last.

    Args:
        experiment: What is trained.
        network: Its network.
        initial: Where its initial weights came from.
        directory: Where to write.
    """
    from dlcv.runs.record import environment

    files.write_atomically(directory.config, experiment.config.to_toml())
    directory.write_json("labels", experiment.data.label_names)
    parameters = {"parameters": network.model.count_params()}
    weights = {"initial_weights": initial} if initial else {}
    directory.write_json("environment", {**environment(experiment), **parameters, **weights})
    if experiment.data.groups is not None:
        files.save_arrays(directory.groups, {"groups": experiment.data.groups})
    files.save_arrays(directory.preprocessing, states_of(experiment.pipeline.steps))
