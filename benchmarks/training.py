"""`dlcv run` against a bare Keras `fit` of the same network on arrays in memory.

Both are whole processes, one after the other, with the same batch size, number of threads and
validation images; what counts is the fastest epoch after the first, validation included. A set of
some thousand images gives many short pairs, which noise harms less than few long ones.
"""

import argparse
import csv
import json
import statistics
import sys
import tempfile
from pathlib import Path

from processes import run, spread

PAIRS = 5
EPOCHS = 3
BARE = """
import json, sys, time
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.threading.set_inter_op_parallelism_threads(2)
import h5py, keras
from dlcv import registry

folder, spec, batch_size = sys.argv[1], sys.argv[2], int(sys.argv[3])

def load(split):
    with h5py.File(f"{folder}/{split}.hdf5") as file:
        names = len(file["label_names"])
        return file["images"][()], keras.utils.to_categorical(file["labels"][()], names)

(x, y), val = load("train"), load("val")
inputs = keras.Input(x.shape[1:], dtype="uint8")
network = registry.create("architecture", spec)
scaled = keras.layers.Rescaling(1 / 255)(inputs)
model = keras.Model(inputs, network.classify(network.features(scaled), y.shape[1]))
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])

class Clock(keras.callbacks.Callback):
    seconds = []
    def on_epoch_begin(self, epoch, logs=None): self.start = time.monotonic()
    def on_epoch_end(self, epoch, logs=None): self.seconds.append(time.monotonic() - self.start)

clock = Clock()
model.fit(x, y, batch_size=batch_size, validation_data=val, epochs=int(sys.argv[4]), verbose=0,
          callbacks=[clock])
print(json.dumps({"images": len(x), "seconds": min(clock.seconds[1:])}))
"""


def bare_rate(packed: Path, spec: str, batch_size: int) -> float:
    command = [sys.executable, "-c", BARE, str(packed), spec, str(batch_size), str(EPOCHS)]
    found = json.loads(run(command)[2].splitlines()[-1])
    return found["images"] / found["seconds"]


def dlcv_rate(packed: Path, spec: str, batch_size: int, folder: Path, number: int) -> float:
    name = f"pair-{number}"
    command = [
        *(sys.executable, "-m", "dlcv", "run", "--data", str(packed), "--arch", spec),
        *("--preproc", "scale", "--epochs", str(EPOCHS), "--batch-size", str(batch_size)),
        *("--optimizer", "adam", "--threads", "2", "--name", name),
    ]
    run(command, folder)
    with open(folder / "runs" / name / "history.csv") as file:
        seconds = min(float(row["seconds"]) for row in list(csv.DictReader(file))[1:])
    record = json.loads((folder / "runs" / name / "environment.json").read_text())
    return record["data"]["images"]["train"] / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packed", type=Path, help="a data set that `dlcv data build` wrote")
    parser.add_argument("--arch", default="minivggnet", help="the network")
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args()
    bare, ours = [], []
    packed = options.packed.absolute()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(PAIRS):
            bare.append(bare_rate(packed, options.arch, options.batch_size))
            ours.append(dlcv_rate(packed, options.arch, options.batch_size, Path(folder), number))
            print(
                f"pair {number + 1}: fit {bare[-1]:.0f}, dlcv {ours[-1]:.0f} images/s", flush=True
            )
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    print(f"{options.arch}, batch {options.batch_size}, images/s, median (range)")
    print(f"Keras fit on arrays  {spread(bare)}")
    print(f"dlcv run             {spread(ours)}")
    print(f"ratio                {spread(ratios)}, median {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
