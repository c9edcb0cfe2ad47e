"""Beginning a new run: its experiment, its directory, and the record of what it is made with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv import files
from dlcv.config import RunConfig
from dlcv.data.sources import find_store
from dlcv.data.states import states_of
from dlcv.runs.build import build_new
from dlcv.runs.directory import RunDirectory
from dlcv.runs.experiment import Experiment

if TYPE_CHECKING:
    from dlcv.training.network import Network


def prepare_training(
    config: RunConfig, yielding: list[str]
) -> "tuple[Experiment, Network, dict[str, str]]":
    """Opens the data of a new run, and builds its network with the weights to begin with.

    Whatever can't be trained on shows here, before a directory is made or replaced.

    Args:
        config: The configuration, as it was written.
        yielding: What `Experiment.prepare` takes.

    Returns:
        The experiment, the network, and where its initial weights came from.

    Raises:
        DlcvError: something in the configuration or the data is wrong.
    """
    experiment = Experiment.prepare(config, yielding=yielding)
    network, initial = build_new(experiment)
    loader = experiment.loader("train")
    loader.batch(0, 0, loader.order(0))
    return experiment, network, initial


@contextmanager
def new_directory(
    runs: Path, name: str | None, default_name: str, *, force: bool
) -> Iterator[RunDirectory]:
    """Makes a run's directory and locks it; what ends without a checkpoint is removed again.

    Args:
        runs: The folder of all runs.
        name: The run's name; None for `default_name` with a number.
        default_name: A name to number.
        force: Whether a run of that name may be replaced.

    Raises:
        DlcvError: what `RunDirectory.create` raises.
    """
    directory = RunDirectory.create(runs, name, default_name, force=force)
    with directory.lock():
        before = directory.point_latest_here()
        try:
            yield directory
        except BaseException:
            if not directory.has_checkpoint:
                directory.discard(before)
            raise


def write_record(
    directory: RunDirectory, experiment: Experiment, network: "Network", initial: dict[str, str]
) -> None:
    """Writes what is known before training; `preprocessing.npz` comes last."""
    from dlcv.runs.record import environment

    files.write_atomically(directory.config, experiment.config.to_toml())
    directory.write_json("labels", experiment.data.label_names)
    parameters = {"parameters": network.model.count_params()}
    weights = {"initial_weights": initial} if initial else {}
    directory.write_json("environment", {**environment(experiment), **parameters, **weights})
    files.save_arrays(directory.preprocessing, states_of(experiment.pipeline.steps))


def default_name(config: RunConfig) -> str:
    """Returns what a run is called if nothing names it: its network and its data."""
    return f"{config.architecture.name}-{data_name(config)}"


def data_name(config: RunConfig) -> str:
    """Returns a short name for the data of a run: its folder's or its store's."""
    paths = [v for v in find_store(config.data).options().values() if isinstance(v, Path)]
    return paths[0].stem if paths else config.data.partition("(")[0]
