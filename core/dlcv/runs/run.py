"""A run as Python sees it: its figures, and the network ready for use."""

import contextlib
import csv
import functools
import logging
import shlex
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from dlcv import backend, images, registry
from dlcv.config import RunConfig
from dlcv.data.fitting import chosen_pixel_steps
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline, with_states
from dlcv.data.sources import align_labels, find_store, open_split
from dlcv.data.subset import Survey, survey
from dlcv.errors import DlcvError
from dlcv.evaluation.predict import Network, labelled, load_predictions, predict_batches
from dlcv.evaluation.prediction_cache import cached
from dlcv.files import load_arrays
from dlcv.interfaces import LabelledImages, Preprocessor
from dlcv.registry.spec import SpecList
from dlcv.runs.directory import RunDirectory
from dlcv.runs.inference_loader import inference_loader
from dlcv.runs.inputs import open_labelled
from dlcv.runs.plugin_versions import (
    PluginVersions,
    as_recorded,
    naming_packages,
    warn_of_other_versions,
)
from dlcv.runs.prediction import LabelledPredictions
from dlcv.runs.predictor import PixelSteps, warn_of
from dlcv.runs.trained import Trained
from dlcv.training.history import best_row, of_stage, read_csv

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


class Run(Trained):
    """A run that is trained, or under way.

    Attributes:
        path: The run's directory.
        directory: Paths of the files in it.
        config: Its configuration, complete.
        label_names: The classes' names.
        plugin_versions: The plugins that it was made with, and where these came from.
        stopped_by: The number of the signal that stopped it in this process, 0 if none did.
        checkpoint: Where the network's weights come from: `last`, `best`, or an epoch.
    """

    plugin_versions: PluginVersions
    checkpoint: str | int

    def __init__(
        self,
        directory: RunDirectory,
        model: "keras.Model | None" = None,
        checkpoint: str | int = "last",
    ) -> None:
        self.directory = directory
        self.path = directory.path
        self.checkpoint = checkpoint
        self.plugin_versions = directory.read_json("environment")["plugins"]
        self.config = as_recorded(RunConfig.load(directory.config), self.plugin_versions)
        self.label_names = tuple(directory.read_json("labels"))
        if model is not None:
            self.model = model

    @property
    def history(self) -> list[dict[str, float]]:
        """A row of figures an epoch."""
        path = self.directory.history
        try:
            return read_csv(path) if path.exists() else []
        except (ValueError, TypeError, csv.Error) as error:
            raise DlcvError(f"{path} is damaged: {error}") from None

    @property
    def evaluators(self) -> SpecList:
        """What it is evaluated with if nothing else is asked for."""
        return self.config.evaluators

    @property
    def trained_row(self) -> dict[str, float]:
        """The history's row of the epoch that the network's weights are from.

        Raises:
            DlcvError: no epoch was trained to its end.
        """
        rows = of_stage(self.history, len(self.config.stages) - 1)
        if self.checkpoint == "best":
            rows = [best_row(self.history)] if self.history else []
        elif self.checkpoint != "last":
            rows = [row for row in self.history if row["epoch"] == int(self.checkpoint)]
        if not rows:
            raise DlcvError(f"{self.path} has no epoch that was trained to its end")
        return best_row(rows) if self.config.stages[-1].ends_with_best else rows[-1]

    @property
    def validation_accuracy(self) -> float | None:
        """The network's accuracy on the validation images, from 0 to 1."""
        return float(self.trained_row["val_accuracy"])

    @functools.cached_property
    def input_shape(self) -> tuple[int, int, int]:
        """`(H, W, C)` of the network's input."""
        height, width, channels = self.directory.read_json("environment")["input_shape"]
        return height, width, channels

    @functools.cached_property
    def pipeline(self) -> Pipeline:
        """The preprocessors, with what they learned; `DlcvError` if they can't be restored."""
        path, shape = self.directory.preprocessing, self.input_shape
        with naming_packages(self.plugin_versions):
            made = registry.create_list("preprocessor", self.config.preprocessors)
        arrays = load_arrays(path)
        try:
            pipeline = Pipeline.of(with_states(made, arrays)).with_sizes(shape[:2])
            given = pipeline.values(np.zeros((1, *shape), np.uint8)).shape[1:]
        except Exception as error:
            # What a step raises about state that is not its own is up to the step.
            raise DlcvError(f"{path} does not fit the run's preprocessors: {error!r}") from error
        if given != Pipeline(pipeline.value_steps, ()).output_shape(shape):
            raise DlcvError(f"{path} is damaged: it makes images of shape {given} from {shape}")
        return pipeline

    @functools.cached_property
    def model(self) -> "keras.Model":
        """The network from raw pixels to probabilities, with the weights of a checkpoint.

        It is built from the configuration; no model file is executed.
        """
        return self.build(self.config.precision)

    @property
    def network(self) -> Network:
        """What predicts from pixels, through `predict_on_batch`: the model, or what stands in."""
        return self.model

    def start(self) -> None:
        """Builds the network, and restores the preprocessors."""
        _ = self.network, self.pipeline

    def build(self, precision: str) -> "keras.Model":
        """Builds the network again, with the weights of the checkpoint.

        Args:
            precision: A Keras dtype policy's name; weights are the same for all of them.
        """
        return restored_network(self, precision)

    def probabilities(self, images: LabelledImages, preprocessors: PixelSteps) -> np.ndarray:
        """Returns the probabilities of every class for all images, `(N, classes)` float32."""
        elsewhere = registry.registry.hooks().dlcv_probabilities
        found = elsewhere(run=self, images=images, preprocessors=preprocessors)
        if found is not None:
            return np.asarray(found)
        loader = self.loader(images, preprocessors)
        return np.concatenate(list(predict_batches(self.network, loader)))

    def test(
        self,
        data: str | None = None,
        split: str | None = None,
        *,
        bad_images: str = "error",
        preprocessors: PixelSteps = None,
    ) -> LabelledPredictions:
        """Returns what `predictions` does, with the images that were left out."""
        steps = None if preprocessors is None else chosen_pixel_steps(self.pipeline, preprocessors)
        if data is None and self.finished and split in (None, self._held_out):
            if steps is None and self.checkpoint == "last":
                try:
                    return LabelledPredictions(load_predictions(self.directory.predictions), [])
                except DlcvError as error:
                    # The network can predict them once more.
                    logger.warning("%s; predicting again", error)
            split = self._held_out
        if data is None and split is None:
            raise DlcvError(
                f"{self.path} is not finished; continue with: "
                f"dlcv resume {shlex.quote(str(self.directory.whole.path))} "
                "(--split val evaluates it as it is)"
            )
        checked = self._open_split(data, split, skip=bad_images == "skip")
        warn_of(checked.skipped)
        aligned = align_labels(checked.images, self.label_names)
        made = cached(
            self.directory.cached_predictions,
            self._made_from(aligned, steps),
            lambda: labelled(self.probabilities(aligned, steps), aligned),
        )
        if data is None and self.finished and split == self._held_out:
            with contextlib.suppress(DlcvError):
                kept = load_predictions(self.directory.predictions)
                made = attrs.evolve(made, has_copy=kept.has_copy)
        return LabelledPredictions(made, checked.skipped)

    def _made_from(
        self, images: LabelledImages, steps: list[Preprocessor] | None
    ) -> dict[str, Any]:
        """Returns all that the predictions for labelled images depend on, as JSON has it."""
        files = [(p.name, p.stat()) for p in sorted(self.directory.checkpoints.glob("*"))]
        return {
            "images": images.fingerprint(),
            "samples": [images.sample_id(i) for i in range(len(images))],
            "labels": images.labels.tolist(),  # They are kept, too, and may be corrected.
            "pixel_steps": None if steps is None else [str(registry.spec_of(s)) for s in steps],
            "checkpoint": self.checkpoint,
            "checkpoints": [(name, found.st_size, found.st_mtime_ns) for name, found in files],
        }

    def held_out(self) -> LabelledImages:
        """Opens the images that the run's own figures are of.

        Raises:
            DlcvError: the run is not finished, or its data can't be opened any more.
        """
        return self._open_split(None, self._held_out, skip=False).images

    @property
    def _held_out(self) -> str:
        return str(self.directory.read_json("metrics")["split"])

    def _open_split(self, data: str | None, split: str | None, *, skip: bool) -> Survey:
        if data is None:
            assert split is not None
            if self.data is not None and split in self.data.splits:
                return Survey(self.data.splits[split], list(self.data.skipped))
            with naming_packages(self.plugin_versions):
                store = find_store(self.config.data)
            return open_split(
                store,
                self.config.split,
                split,
                bad_images=self.config.bad_images,
                threads=self.config.threads or 1,
                fraction=self.config.fraction,
                groups=self.groups,
            )
        opened = open_labelled(data, split, self.channels, self.bit_depth)
        return survey(opened, skip=skip, threads=self.threads)

    @property
    def threads(self) -> int:
        """How many threads read images."""
        return self.config.threads or backend.available_threads()

    def loader(self, opened: LabelledImages, preprocessors: PixelSteps = None) -> Loader:
        """Returns images in batches as the network takes them.

        Args:
            opened: Images as they are stored.
            preprocessors: What `predict_proba` takes.

        Raises:
            DlcvError: the preprocessors do not fit the network.
        """
        return inference_loader(
            opened, self.pipeline, self.input_shape, self.threads, preprocessors
        )

    @property
    def groups(self) -> np.ndarray | None:
        """The groups that stayed together where its data was divided, `(N,)`; None for none."""
        path = self.directory.groups
        if not path.exists():
            return None
        groups = load_arrays(path).get("groups", np.zeros(0))
        if groups.ndim != 1 or groups.dtype.kind not in "iu":
            raise DlcvError(f"{path} is damaged: it holds no groups of images")
        return groups

    @functools.cached_property
    def channels(self) -> int:
        """The channels of the images before the preprocessors."""
        return int(self.directory.read_json("environment")["data"]["channels"])

    @property
    def bit_depth(self) -> images.BitDepth:
        """How samples of 16 bits became bytes in training."""
        return images.recorded_bit_depth(self.directory.read_json("environment")["data"])


def restored_network(run: Run, precision: str) -> "keras.Model":
    """Builds a run's network from its configuration, with the weights of the run's checkpoint.

    Args:
        run: The run.
        precision: A Keras dtype policy's name; weights are the same for all of them.

    Raises:
        DlcvError: there is no checkpoint, or it does not fit.
    """
    backend.start(run.threads)
    from dlcv.training import checkpoints
    from dlcv.training.network import build_network

    found = checkpoints.load_chosen(
        run.directory.checkpoints, run.checkpoint, is_finished=run.finished
    )
    if found is None:
        raise DlcvError(f"{run.path} has no checkpoint yet, so there is no network to use")
    checkpoint, path = found
    warn_of_other_versions(run.plugin_versions)
    with naming_packages(run.plugin_versions):
        architecture = registry.create("architecture", run.config.architecture)
    network = build_network(
        architecture, run.pipeline, run.input_shape, len(run.label_names), precision
    )
    # A checkpoint within a stage holds optimizer and metrics after the network's variables.
    used = checkpoint.of_network(len(network.variables))
    checkpoints.restore(used, network.variables, str(path))
    return network
