"""What a run was made with: versions, plugins, machine, data."""

import importlib.metadata
import logging
import os
import platform
import sys
from collections.abc import Iterable
from typing import Any

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import Plugin
from dlcv.runs.experiment import Experiment

logger = logging.getLogger(__name__)
LIBRARIES = (
    "dlcv",
    "keras",
    "tensorflow",
    "jax",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "simplejpeg",
    "h5py",
    "scikit-learn",
)
RECORDED_LATER = frozenset({"pillow", "simplejpeg"})
"""Those that runs of earlier versions used and did not record."""


def environment(experiment: Experiment) -> dict[str, Any]:
    """Returns the record as JSON has it."""
    import keras

    return {
        "python": sys.version.split()[0],
        "libraries": libraries(),
        "back_end": keras.backend.backend(),
        "image_data_format": keras.config.image_data_format(),
        "platform": platform.platform(),
        "processor": _processor(),
        "threads": experiment.config.threads,
        "seed": experiment.config.seed,
        "variables": {
            name: os.environ[name]
            for name in ("NPROC", "OMP_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS")
            if name in os.environ
        },
        "input_shape": experiment.input_shape,
        "plugins": plugins_used(experiment.plugins.all()),
        "data": {
            "fingerprints": experiment.fingerprints(),
            "channels": experiment.data.splits["train"].image_shape[2],
            "images": {name: len(images) for name, images in experiment.data.splits.items()},
            "skipped": list(experiment.data.skipped),
        },
    }


def libraries() -> dict[str, str]:
    """Returns the versions of the libraries that decide about numbers, by distribution."""
    return {name: v for name in LIBRARIES if (v := version(name))}


def compare(recorded: dict[str, Any], experiment: Experiment) -> dict[str, Any]:
    """Refuses to continue with other images, and warns of what changes the numbers.

    Returns:
        The record, with the plugins that have come in with a new stage.
    """
    now = environment(experiment)
    before, splits = recorded["data"]["fingerprints"], experiment.data.splits
    if changed := [
        n for n, split in splits.items() if not split.has_fingerprint(before.get(n, ""))
    ]:
        raise DlcvError(
            f"the images of {', '.join(changed)} changed since the run began; "
            "start a new run with `dlcv run --config`"
        )
    known = {(plugin["kind"], plugin["name"]) for plugin in recorded["plugins"]}
    new = [plugin for plugin in now["plugins"] if (plugin["kind"], plugin["name"]) not in known]
    recorded = {**recorded, "plugins": [*recorded["plugins"], *new]}
    for change in changes(recorded, now):
        logger.warning(
            "%s: the run may end with different numbers than without the interruption", change
        )
    return recorded


def changes(recorded: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Returns what may change numbers, in words: `keras 3.15.1, now 3.16.0`."""
    before, after = _decisive(recorded), _decisive(now)
    return [
        f"{name} {before.get(name) or 'was not there'}, now {after.get(name) or 'gone'}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name) and name not in RECORDED_LATER - before.keys()
    ]


def _decisive(record: dict[str, Any]) -> dict[str, str]:
    plugins = {
        f"{p['kind']} {p['name']}": f"{p['distribution']} {p['version']}" for p in record["plugins"]
    }
    names = ("back_end", "image_data_format", "processor")
    return {
        **{name.replace("_", " "): str(record[name]) for name in names},
        **record["libraries"],
        **record["variables"],
        **plugins,
    }


def plugins_used(plugins: Iterable[Plugin]) -> list[dict[str, str]]:
    """Returns kind, name, distribution and version of plugins, nested ones and hooks too."""
    hooks = (d for d in registry.descriptors("hook") if not d.is_disabled)
    used = {d.key: d for d in (*registry.provenance(plugins), *hooks)}
    return [
        {"kind": d.kind, "name": d.name, "distribution": d.distribution, "version": d.version}
        for d in used.values()
    ]


def version(distribution: str) -> str:
    """Returns a distribution's version; empty if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor()
