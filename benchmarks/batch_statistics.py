"""Test accuracy with Keras's moving averages and with precise statistics of batch normalization.

Each network is trained once a seed; after some epochs the same weights are tested with both. So the
statistics alone differ: training does not use them.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import attrs
import keras

import dlcv
from dlcv import registry
from dlcv_plugins.training.batch_statistics import BatchStatistics

EPOCHS = (3, 8, 12, 30)
NETWORKS = {
    "minivggnet": (64, "sgd(learning_rate=0.01, momentum=0.9)"),
    "lecture_cnn(variant=batch_normalised)": (32, "adam"),
    "resnet": (32, "sgd(learning_rate=0.05, momentum=0.9)"),
    "minigooglenet": (32, "sgd(learning_rate=0.01, momentum=0.9)"),
    "alexnet": (227, "adam(learning_rate=0.0003)"),
}


class Both(keras.callbacks.Callback):
    """Tests a network with both statistics after some epochs."""

    def __init__(self, stage: Any, epochs: list[int]) -> None:
        super().__init__()
        self.stage, self.epochs = stage, epochs
        self.found: dict[int, tuple[float, float, float]] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tests with the moving averages, then with precise statistics, and puts those back."""
        if epoch + 1 not in self.epochs:
            return
        precise = BatchStatistics(self.model)
        moving = [(layer.moving_mean, layer.moving_variance) for layer in precise.layers]
        before = [keras.ops.convert_to_numpy(v).copy() for pair in moving for v in pair]
        first = self.accuracy()
        precise.estimate(self.stage.train, epoch)
        second = self.accuracy()
        for variable, value in zip((v for pair in moving for v in pair), before, strict=True):
            variable.assign(value)
        self.found[epoch + 1] = (100 * (logs or {})["accuracy"], first, second)

    def accuracy(self) -> float:
        """Returns the share of the held-out images that are recognized, in percent."""
        right = count = 0
        with closing(self.stage.val.epoch()) as batches:
            for pixels, labels in batches:
                found = self.model.predict_on_batch(pixels).argmax(axis=1)
                right += int((found == labels.argmax(axis=1)).sum())
                count += len(labels)
        return 100 * right / count


class Hook:
    """Adds the callback to a run."""

    def __init__(self, epochs: list[int]) -> None:
        self.epochs = epochs
        self.both: Both | None = None

    @dlcv.hook
    @contextmanager
    def dlcv_stage(self, stage: Any) -> Iterator[Any]:
        """Gives the stage with the callback."""
        self.both = Both(stage, self.epochs)
        yield attrs.evolve(stage, callbacks=(*stage.callbacks, self.both))


def measure(
    data: str, network: str, seed: int, epochs: list[int]
) -> dict[int, tuple[float, float, float]]:
    size, optimizer = NETWORKS[network]
    hook = Hook(epochs)
    hooks = registry.registry.hook_manager()
    with tempfile.TemporaryDirectory() as runs, hooks.registered(hook):
        dlcv.run(
            data=data, architecture=network, optimizer=optimizer, schedule="constant",
            preprocessors="aspect_aware, scale", input_size=size, epochs=max(epochs),
            validation="test", batch_statistics="moving", seed=seed, runs=runs,
        )  # fmt: skip
    assert hook.both is not None
    return hook.both.found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="a data set with training and test images")
    parser.add_argument("--network", action="append", choices=NETWORKS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, action="append")
    options = parser.parse_args()
    epochs = options.epochs or list(EPOCHS)
    print(
        "| network | epochs | while training | moving averages | precise |\n|---|---|---|---|---|"
    )
    for network in options.network or NETWORKS:
        found = [measure(options.data, network, seed, epochs) for seed in range(options.seeds)]
        for epoch in epochs:
            columns = list(zip(*(each[epoch] for each in found), strict=True))
            cells = [
                f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"
                for values in columns
            ]
            print(f"| `{network}` | {epoch} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
