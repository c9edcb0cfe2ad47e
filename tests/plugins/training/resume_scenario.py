"""A training that is stopped at chosen steps and resumed, against one that is not stopped.

Run as a program, in a process of its own for each back end, with a folder, the name of a
configuration, and the names of the stops to make; prints a JSON list of those after which a result
differs.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pictures

import dlcv
from dlcv.hooks import hook
from dlcv.interfaces import Architecture, Images, Preprocessor, option, plugin
from dlcv.registry import registry
from dlcv.training import checkpoints

STEPS_PER_EPOCH = 10
PLAIN = """
data = "digits"
preprocessors = "shift, mean(per=pixel)"
architecture = "tiny"
batch_size = 128
threads = 1
checkpoint_every = 1

[[stages]]
epochs = 2
optimizer = "adam(learning_rate=0.001)"
schedule = "cosine(warmup=1)"

[[stages]]
epochs = 2
optimizer = "sgd(learning_rate=0.01, momentum=0.9, nesterov=True)"
schedule = "poly"
"""
METHODS = """
data = "digits"
preprocessors = "shift, mixup, mean(per=pixel)"
architecture = "tiny"
batch_size = 128
threads = 1
checkpoint_every = 2

[[stages]]
epochs = 2
batch_size = 256
optimizer = "sgd(learning_rate=0.01, global_clipnorm=1)"
schedule = "constant"
trainable = "head"
class_weights = "balanced"

[[stages]]
epochs = 9
stop_after = 8
optimizer = \"\"\"adamw(
    learning_rate=0.02, weight_decay=0.01, clipnorm=0.5, use_ema=True, ema_momentum=0.8,
    gradient_accumulation_steps=3,
)\"\"\"
schedule = "cosine"
loss = "categorical_crossentropy(label_smoothing=0.1)"

[[stages]]
epochs = 9
optimizer = "rmsprop(learning_rate=0.1, use_ema=True, ema_momentum=0.5)"
schedule = "constant"
trainable = "2:"
early_stopping = 1
"""
BY_HAND_STAGE = """
data = "digits"
preprocessors = "shift, mean(per=pixel)"
architecture = "tiny"
batch_size = 128
threads = 1
checkpoint_every = 1

[[stages]]
epochs = 4
optimizer = "adam(learning_rate=0.01, use_ema=True, ema_momentum=0.5)"
schedule = "cosine"
early_stopping = 3
"""
KEPT = """
data = "digits"
preprocessors = "mean(per=pixel)"
architecture = "tiny(dropout=0.0)"
batch_size = 128
threads = 1
checkpoint_every = 1

[[stages]]
epochs = 3
optimizer = "adam(learning_rate=0.01, use_ema=True)"
schedule = "cosine"
trainable = "head"
"""
CONFIGS = {"plain": PLAIN, "methods": METHODS, "by hand": BY_HAND_STAGE, "kept features": KEPT}
FIRST_STOPS = {
    "in the first epoch": 3,
    "in the middle of an epoch": STEPS_PER_EPOCH + 4,
    "at the end of an epoch": 2 * STEPS_PER_EPOCH,
    "back from the middle": 3 * STEPS_PER_EPOCH + 4,
}
BY_HAND: dict[str, dict[str, Any]] = {
    "in the first epoch": {"learning_rate": 0.001},
    "in the middle of an epoch": {"learning_rate": 0.001, "epochs": 2, "schedule": "constant"},
    "at the end of an epoch": {"optimizer": "sgd(learning_rate=0.01)", "epochs": 1},
    "when it is finished": {"learning_rate": 0.001, "epochs": 1, "trainable": "head"},
    "back from the end": {"learning_rate": 0.001, "epochs": 2, "from_epoch": 1},
    "back from the middle": {"batch_size": 64, "from_epoch": 2},
}
STOPPED_AGAIN = {"in the middle of an epoch", "back from the end"}
"""The runs that are stopped in the stage that was added, one of them finished before."""
# One run is stopped at each of these steps in turn, so that all that a resumption restores has to
# last through the next one.
STOPS = {
    "plain": {
        "after the first batch": 1,
        "in the first epoch": 3,
        "at the last batch of an epoch": STEPS_PER_EPOCH,
        "in the second epoch": STEPS_PER_EPOCH + 5,
        "at the end of a stage": 2 * STEPS_PER_EPOCH,
        "in the second stage": 2 * STEPS_PER_EPOCH + 7,
        "in the last epoch": 3 * STEPS_PER_EPOCH + 1,
    },
    # The first stage has 10 steps, the second 80, and the third ends after 20, by its best 10.
    "methods": {
        "while the body is frozen": 7,
        "between two changes of the weights": 10 + 34,
        "at the end of averaging": 10 + 80,
        "after the best epoch": 90 + 15,
        "when the last stage is over": 90 + 20,
    },
    "kept features": {
        "at the end of an epoch": STEPS_PER_EPOCH,
        "in the middle of an epoch": STEPS_PER_EPOCH + 3,
    },
}


@plugin
class Shift(Preprocessor):
    """Moves images sideways by up to two pixels in training."""

    def __call__(self, images: Images, rng: np.random.Generator | None = None) -> Images:
        if rng is None:
            return images
        shifts = rng.integers(-2, 3, len(images))
        return np.stack([np.roll(i, s, axis=1) for i, s in zip(images, shifts, strict=True)])


@plugin
class Tiny(Architecture):
    """A network with all that has a state: weights, moving averages, and seeds of dropout."""

    dropout: float = option(0.3, help="share of the features that is dropped")

    def features(self, x: keras.KerasTensor) -> keras.KerasTensor:
        x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="conv")(x)
        x = keras.layers.BatchNormalization(name="bn")(x)
        return keras.layers.Dropout(self.dropout, name="dropout")(x)


class StopAt(keras.callbacks.Callback):
    """Sends this process the signal of ctrl+c after the given number of steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


class Hooks:
    """Stops the next training after some steps."""

    steps = 0

    @hook
    def dlcv_callbacks(self, run: dlcv.Run) -> list[keras.callbacks.Callback]:
        return [StopAt(self.steps)] if self.steps else []


def final_state(run: dlcv.Run) -> tuple[list[np.ndarray], list[dict[str, float]]]:
    found = checkpoints.load_newest(run.directory.checkpoints)
    assert found is not None
    history = [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]
    return found[0].arrays, history


def same(a: tuple, b: tuple) -> bool:
    equal = [np.array_equal(x, y) for x, y in zip(a[0], b[0], strict=True)]
    return all(equal) and a[1] == b[1]


def by_hand(config: Path, folder: Path, name: str, hooks: Hooks) -> dlcv.Run:
    """Trains one stage of four epochs, and goes on with other settings."""
    hooks.steps = FIRST_STOPS.get(name, 0)
    finished = folder / "finished"
    if not hooks.steps and finished.exists():
        run = dlcv.load(shutil.copytree(finished, folder / name))
    else:
        run = dlcv.run(config, runs=folder, name=name)
    if not hooks.steps and not finished.exists():
        shutil.copytree(run.path, finished)
    assert bool(run.stopped_by) == bool(hooks.steps)
    hooks.steps = 3 * (name in STOPPED_AGAIN)
    run = dlcv.resume(run.path, **BY_HAND[name])
    if not hooks.steps:
        return run
    assert run.stopped_by
    assert not run.finished
    assert not run.directory.model.exists()
    hooks.steps = 0
    return dlcv.resume(run.path)


def differing_by_hand(config: Path, folder: Path, names: list[str], hooks: Hooks) -> list[str]:
    """Returns which runs that went on by hand differ from their `run.toml`, run without a stop."""
    differing = []
    for name in names:
        run = by_hand(config, folder, name, hooks)
        again = dlcv.run(run.path / "run.toml", runs=folder, name=f"{name} again")
        if not same(final_state(run), final_state(again)) or run.metrics != again.metrics:
            differing.append(name)
        assert [row["epoch"] for row in run.history] == [*range(1, len(run.history) + 1)]
        print(name, [(s.epochs, s.stop_after) for s in run.config.stages], file=sys.stderr)
    return differing


def main(folder: Path, configuration: str, names: list[str]) -> None:
    config = folder / f"{configuration}.toml"
    config.write_text(CONFIGS[configuration])
    registry.register("preprocessor", "shift", Shift)
    registry.register("architecture", "tiny", Tiny)
    hooks = Hooks()
    registry.hooks()
    registry._manager.register(hooks)
    if configuration == "by hand":
        print(json.dumps(differing_by_hand(config, folder, names, hooks)))
        return
    print(json.dumps(differing_when_stopped(config, folder, names, hooks)))


def differing_when_stopped(config: Path, folder: Path, names: list[str], hooks: Hooks) -> list[str]:
    """Stops one run at all the stops in turn, and names them if it ends otherwise than without."""
    straight = dlcv.run(config, runs=folder, name="straight")
    done = 0
    for name in names:
        stop = STOPS[config.stem][name]
        hooks.steps = stop - done
        run = (
            dlcv.resume(folder / "stopped")
            if done
            else dlcv.run(config, runs=folder, name="stopped")
        )
        assert run.stopped_by == signal.SIGINT, name
        assert not run.finished, name
        done = stop
    hooks.steps = 0
    run = dlcv.resume(folder / "stopped")
    is_same = same(final_state(run), final_state(straight)) and run.metrics == straight.metrics
    return [] if is_same else names


if __name__ == "__main__":
    with pictures.switched(on=False):
        main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
