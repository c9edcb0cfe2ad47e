"""A training on one device and on several of one process, on JAX.

Run as a program, with a folder and numbers of devices; XLA_FLAGS gives a CPU that many. The runs
are `runs/1`, `runs/2` and so on in the folder.
"""

import os
import sys
from pathlib import Path

import keras
import pictures

import dlcv
from dlcv.api import use_plugin_file
from dlcv_plugins.devices import choice
from dlcv_plugins.devices.options import DEVICES

CONFIG = """
data = "digits(size=16)"
fraction = 0.05
architecture = "tiny"
preprocessors = "affine(rotation=10), mixup, mean"
batch_size = 24
threads = 1
checkpoint_every = 1

[[stages]]
epochs = 2
optimizer = "sgd(learning_rate=0.1, momentum=0.9)"
"""
"""Batch normalization, dropout, mixed labels; the last batch of an epoch does not divide evenly."""


def train(folder: Path, devices: int) -> None:
    """Trains as a new process would, without importing Keras and JAX again."""
    os.environ[DEVICES] = str(devices)
    choice._made = None
    keras.distribution.set_distribution(None)
    dlcv.run(folder / "run.toml", name=str(devices), runs=folder / "runs")


if __name__ == "__main__":
    root = Path(sys.argv[1])
    (root / "run.toml").write_text(CONFIG)
    use_plugin_file(str(Path(__file__).with_name("tiny.py")))
    with pictures.switched(on=False):
        for number in sys.argv[2:]:
            train(root, int(number))
