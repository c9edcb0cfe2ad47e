"""Transfer by features: a classifier that is fitted to what a network's body extracts."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv.api import RunConfig
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination, ConfigView, Trainer, option, plugin
from dlcv_plugins.trainers.completion import log_finished, write_missing
from dlcv_plugins.trainers.held_out import HELP, HeldOut

if TYPE_CHECKING:
    from dlcv_plugins.trainers.features.fitted_run import FittedRun

ESTIMATOR = "classifier.skops"
"""In a run's folder: a fitted classifier that is no layer of the network."""


@plugin
class FeaturesTrainer(Trainer):
    """Fits a classifier to the features that a trained network extracts from the images."""

    held_out: HeldOut = option("test", help=HELP)

    @classmethod
    def claims(cls, config: ConfigView) -> bool:
        """Returns whether a configuration names a classifier."""
        return config.classifier is not None

    def train(
        self, config: RunConfig, *, name: str | None, runs: Path, force: bool, yielding: list[str]
    ) -> "FittedRun":
        """Extracts features and fits the classifier to them."""
        if config.classifier is None:
            raise DlcvError(
                "trainer: features fits a classifier, and the configuration names none; add "
                'classifier = "..." to it, or use dlcv transfer'
            )
        from dlcv_plugins.trainers.features.transfer import run_transfer

        return run_transfer(config, yielding, name, runs, force=force)

    def resume(
        self, path: Path, *, from_epoch: int | None, changes: dict[str, object]
    ) -> "FittedRun":
        """Writes the files that a finished run lacks; there are no epochs to continue with."""
        from dlcv_plugins.trainers.features.fitted_run import open_fitted

        run = open_fitted(path)
        if changes or from_epoch is not None:
            network = shlex.quote(str(run.config.architecture))
            raise DlcvError(
                f"{path} has a fitted classifier, which no epochs train further; train all of its "
                f"network with: dlcv run --data DATA --arch {network} "
                f"--initial-weights {shlex.quote(str(path))}"
            )
        if not run.finished:
            raise DlcvError(
                f"{path} was stopped while its figures were computed; repeat the command that "
                "made it, with --force"
            )
        with run.directory.lock():
            log_finished(run, write_missing(run))
        return run

    def load(self, path: Path, *, checkpoint: str | int, method: Combination | None) -> "FittedRun":
        """Opens the run: its network, or the network's body with the estimator."""
        from dlcv_plugins.trainers.features.fitted_run import open_fitted

        return open_fitted(path, checkpoint)

    def summary(self, run: "FittedRun") -> list[str]:
        """Returns what was fitted to what, and the validation accuracy."""
        found = run.directory.read_json("metrics")
        fit, classifier = found["fit"], run.config.classifier
        best = ", ".join(f"{name} {value:g}" for name, value in fit["best"].items())
        chosen = f" with {best}, the best of {len(fit['scores'])}" if best else ""
        images = f"{fit['features']:,} features of {fit['images']:,} images"
        name, seconds = classifier and classifier.name, f"{found['training_seconds']:.0f} s"
        lines = [f"fitted    {name}{chosen}, to {images} in {seconds}"]
        if run.validation_accuracy is not None:
            lines.append(f"validated {100 * run.validation_accuracy:.2f} % accuracy")
        return lines
