"""What a run was made with: versions, plugins, machine, data."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable
from typing import Any

from dlcv import registry
from dlcv.interfaces import Plugin
from dlcv.registry.lookup import Descriptor
from dlcv.runs.experiment import Experiment

LIBRARIES = (
    "dlcv", "keras", "tensorflow", "jax", "numpy", "opencv-python-headless", "pillow", "simplejpeg",
    "h5py", "scikit-learn",
)  # fmt: skip


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
            "bit_depth": experiment.data.splits["train"].bit_depth,
            "images": {name: len(images) for name, images in experiment.data.splits.items()},
            "training_images": experiment.data.splits["train"].class_counts(),
            "skipped": list(experiment.data.skipped),
        },
    }


def libraries() -> dict[str, str]:
    """Returns the versions of the libraries that decide about numbers, by distribution."""
    return {name: v for name in LIBRARIES if (v := version(name))}


def plugins_used(plugins: Iterable[Plugin]) -> list[dict[str, str]]:
    """Returns kind, name, distribution and version of plugins, nested ones and hooks too.

    Those that are registered from Python have the file of their module besides, if there is one.
    """
    hooks = (d for d in registry.descriptors("hook") if not d.is_disabled)
    used = {d.key: d for d in (*registry.provenance(plugins), *hooks)}
    return [
        {"kind": d.kind, "name": d.name, "distribution": d.distribution, "version": d.version}
        | _file(d)
        for d in used.values()
    ]


def _file(descriptor: Descriptor) -> dict[str, str]:
    module = descriptor.target.partition(":")[0]
    if descriptor.cls is None or module == "__main__":
        return {}
    file = getattr(sys.modules.get(module), "__file__", None)
    return {"file": os.path.abspath(file)} if file else {}


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
