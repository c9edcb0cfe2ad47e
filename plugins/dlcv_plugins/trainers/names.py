"""What runs are called that nobody names."""

from pathlib import Path

from dlcv.api import RunConfig, find_store


def default_name(config: RunConfig) -> str:
    """Returns what a run is called if nothing names it: its network and its data."""
    return f"{config.architecture.name}-{data_name(config)}"


def data_name(config: RunConfig) -> str:
    """Returns a short name for the data of a run: its folder's or its store's."""
    paths = [v for v in find_store(config.data).options().values() if isinstance(v, Path)]
    return paths[0].stem if paths else config.data.partition("(")[0]
