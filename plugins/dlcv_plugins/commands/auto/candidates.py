"""What `dlcv auto` tries: classifiers on features, fine-tuned networks, and what each validates."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from dlcv import files, hook, registry
from dlcv.api import Observers, RunConfig, RunDirectory, StageConfig, load_trained
from dlcv.interfaces import Predictions, evolve
from dlcv.registry import Spec, SpecList
from dlcv_plugins.commands.auto.clock import Clock

if TYPE_CHECKING:
    from dlcv_plugins.training.stage import Stage

LEARNING_RATE = 1e-4
"""Adam's, for a body that begins with a fitted classifier (Kumar et al. 2022)."""
SMALLEST_PROBABILITY = 1e-7
MOST_MEMBERS = 3
WORTH = 0.97
"""The share of the loss that another member must lower it to, for it costs time to predict."""
WARM_STEPS, TIMED_STEPS = 1, 2
"""Of the measurement of a training step: those that compile, and those that are timed."""


@attrs.frozen(eq=False)
class Candidate:
    """Something that was tried.

    Attributes:
        what: What it is, in words.
        paths: Its run, whose test images are unseen; of an ensemble, its members' runs.
        seconds: How long it took.
        labels: `(N,)` int64: the classes of the validation images.
        probabilities: `(N, classes)`: what it predicts for them.
    """

    what: str
    paths: tuple[Path, ...]
    seconds: float
    labels: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, what: str, path: Path, seconds: float) -> "Candidate":
        """Opens a run that held out its validation images."""
        found: Predictions = load_trained(path).predictions()
        return cls(what, (path,), seconds, found.labels, found.combined)

    @property
    def images(self) -> dict[str, int]:
        """How many images of each split its run has seen."""
        recorded = RunDirectory(self.paths[0]).read_json("environment")
        return dict(recorded["data"]["images"])

    @property
    def right(self) -> int:
        """How many validation images it predicts correctly."""
        return int((self.probabilities.argmax(axis=1) == self.labels).sum())

    @property
    def accuracy(self) -> float:
        """Its accuracy on the validation images, from 0 to 1."""
        return self.right / len(self.labels)

    @property
    def loss(self) -> float:
        """Its cross-entropy on the validation images."""
        true = self.probabilities[np.arange(len(self.labels)), self.labels]
        return float(-np.log(np.maximum(true, SMALLEST_PROBABILITY)).mean())


def probe(config: RunConfig, yielding: list[str], what: str, number: int, runs: Path) -> Candidate:
    """Fits a classifier to the features of a pretrained network, as `dlcv transfer` does.

    Args:
        config: The transfer.
        yielding: What trainers take.
        what: What it is, in words.
        number: Its place among what is tried, for the name of its run.
        runs: The folder of the runs.
    """
    from dlcv_plugins.trainers.features.transfer import run_transfer

    start = time.monotonic()
    named = evolve(config, trainer=Spec("features", {"held_out": Spec("val")}))
    name = f"{number}-{_name(config)}"
    run_transfer(named, yielding, name, runs, force=False)
    gc.collect()
    return Candidate.of(what, runs / name, time.monotonic() - start)


def cross_validated(candidate: Candidate) -> float:
    """Returns the best accuracy of a probe in its cross-validation on the training images."""
    fit = RunDirectory(candidate.paths[0]).read_json("metrics")["fit"]
    return max(fit["scores"].values(), default=candidate.accuracy)


def fine_tuning(start: Path, augmentation: str, epochs: int) -> RunConfig:
    """Returns the training of a whole network that begins with a fitted classifier.

    A head that fits the features already does not distort them in the first steps (Kumar et al.,
    Fine-Tuning can Distort Pretrained Features, 2022).

    Args:
        start: The probe's run.
        augmentation: Preprocessors that are put before the probe's; empty for none.
        epochs: The epochs; the weights are those of the best.
    """
    probed = RunConfig.load(start / "run.toml")
    stage = StageConfig(
        epochs=epochs,
        optimizer=Spec("adam", {"learning_rate": LEARNING_RATE}),
        schedule=Spec("cosine"),
        early_stopping=epochs,
    )
    steps = SpecList([*SpecList.parse(augmentation), *probed.preprocessors])
    return evolve(
        probed,
        classifier=None,
        trainer=Spec("gradient_descent", {"held_out": Spec("val")}),
        stages=(stage,),
        preprocessors=steps,
        initial_weights=start,
        keep_checkpoints=0,
    )


def train(
    config: RunConfig, what: str, name: str, runs: Path, clock: Clock, until: float
) -> Candidate:
    """Trains a network, for as many of its epochs as the time allows.

    Args:
        config: What to train.
        what: What it is, in words.
        name: The name of its run.
        runs: The folder of the runs.
        clock: The time.
        until: When it must be finished, in seconds of the clock.
    """
    from dlcv_plugins.trainers.gradient_descent.trainer import GradientDescent

    start = time.monotonic()
    Observers(config).require()
    ending = _Ending(clock, until)
    with registry.registry.hook_manager().registered(ending):
        trainer = GradientDescent(held_out="val")
        run = trainer.train(config, name=name, runs=runs, force=False, yielding=[])
    clock.finished(run)
    trained = len(run.history)
    if trained < config.stages[0].epochs:
        # The configuration says what was trained, so that it can be repeated.
        stages = (evolve(run.config.stages[0], stop_after=trained),)
        files.write_atomically(run.directory.config, evolve(run.config, stages=stages).to_toml())
    del run
    gc.collect()
    return Candidate.of(what, runs / name, time.monotonic() - start)


def step_seconds(config: RunConfig) -> float:
    """Returns about how long training takes for an image, by some steps.

    Raises:
        DlcvError: the network can't be trained.
    """
    from dlcv_plugins.trainers.gradient_descent.network import prepare_training
    from dlcv_plugins.training.compiling import compile_stage

    experiment, network, _ = prepare_training(config, [])
    loader, stage = experiment.loader("train"), experiment.config.stages[0]
    compile_stage(network.model, stage, experiment.plugins.schedules[0], loader.steps_per_epoch)
    pixels, labels = loader.batch(0, 0, loader.order(0))
    return _timed(lambda: network.model.train_on_batch(pixels, labels)) / len(pixels)


def _timed(call: Any) -> float:
    for _ in range(WARM_STEPS):
        call()
    start = time.monotonic()
    for _ in range(TIMED_STEPS):
        call()
    return (time.monotonic() - start) / TIMED_STEPS


def _name(config: RunConfig) -> str:
    network: Any = config.architecture
    while isinstance(network.options.get("base"), Spec):
        network = network.options["base"]
    return f"transfer-{network.name}"


@attrs.define(eq=False)
class _Ending:
    """Ends a training after an epoch if the next one would take too long."""

    clock: Clock
    until: float

    @hook
    @contextmanager
    def dlcv_stage(self, stage: "Stage") -> "Iterator[Stage]":
        """Gives the stage with a callback that measures its epochs."""
        import keras

        def end(epoch: int, logs: Any = None) -> None:
            seconds = stage.rows[-1]["seconds"]
            if self.clock.spent + seconds > self.until:
                callback.model.stop_training = True

        callback = keras.callbacks.LambdaCallback(on_epoch_end=end)
        yield attrs.evolve(stage, callbacks=(*stage.callbacks, callback))


def combined(candidates: Sequence[Candidate]) -> Candidate | None:
    """Returns the candidates that validate best together; None where no combination does.

    They are chosen one by one, the best first, each the one that lowers the loss most (Caruana et
    al., Ensemble Selection from Libraries of Models, 2004).

    Args:
        candidates: What there is, the best first.
    """
    chosen = [candidates[0]]
    while len(chosen) < MOST_MEMBERS:
        others = [c for c in candidates if c not in chosen]
        best = min(
            (_mean([*chosen, other]) for other in others), key=lambda c: c.loss, default=None
        )
        if best is None or best.loss > WORTH * _mean(chosen).loss:
            break
        chosen.append(next(c for c in others if c.paths[0] == best.paths[-1]))
    return _mean(chosen) if len(chosen) > 1 else None


def _mean(members: Sequence[Candidate]) -> Candidate:
    return Candidate(
        f"{len(members)} together: " + "; ".join(member.what for member in members),
        tuple(path for member in members for path in member.paths),
        0.0,
        members[0].labels,
        np.mean([member.probabilities for member in members], axis=0),
    )


def feature_seconds(config: RunConfig, yielding: list[str]) -> float:
    """Returns about how long a body takes for the features of an image."""
    from dlcv.api import Experiment, backend

    experiment = Experiment.prepare(config, yielding=yielding)
    backend.start(experiment.config.threads or 1)
    from dlcv_plugins.trainers.features.body import build

    body, loader = build(experiment), experiment.loader("train")
    pixels, _ = loader.batch(0, 0, loader.order(0))
    return _timed(lambda: body.features.predict_on_batch(pixels)) / len(pixels)
