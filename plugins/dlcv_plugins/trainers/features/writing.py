"""The directory of a run whose classifier was fitted."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from dlcv import files, registry
from dlcv.api import Results, Run, RunConfig, RunDirectory, write_results
from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluator, Plugin, Predictions
from dlcv_plugins.trainers.features import estimators
from dlcv_plugins.trainers.features.features import Features, SplitFeatures
from dlcv_plugins.trainers.features.fitting import Fitted
from dlcv_plugins.trainers.features.linear import as_layer, softmax
from dlcv_plugins.trainers.features.trainer import ESTIMATOR
from dlcv_plugins.trainers.gradient_descent.accuracies import MEASURED

if TYPE_CHECKING:
    from pathlib import Path

    from dlcv.api import checkpoints
    from dlcv_plugins.trainers.features.body import Body

COMPARED = 256
"""Samples on which a classifier and the layer made of it must agree."""
ROWS_AT_ONCE = 1024
NEW_KINDS = ("classifier", "evaluator", "hook")
"""The kinds of plugins that fitting uses; the others were used by the extraction."""


def check_complete(features: Features) -> None:
    """Raises a `DlcvError` if no run can be made of features, before hours of fitting to them."""
    source = features.directory
    for name in ("labels", "environment"):
        source.read_json(name)
    files.load_arrays(source.preprocessing)
    _saved_weights(features)
    for name, split in features.splits.items():
        _refuse_not_finite(features.path / f"{name}.hdf5", split)


def write_network(
    features: Features,
    config: RunConfig,
    plugins: Sequence[Plugin],
    fitted: Fitted,
    directory: RunDirectory,
) -> None:
    """Writes all of a run's files but its predictions and figures.

    Args:
        features: What the classifier was fitted to.
        config: The run's configuration, complete.
        plugins: The classifier and the evaluators.
        fitted: What came of it.
        directory: An empty directory.

    Raises:
        DlcvError: the features' folder is damaged, or the estimator can't be saved.
    """
    _write_record(directory, features, config, plugins)
    body = _restored_body(Run(directory), features)
    layer = _as_layer(features, fitted)
    if layer is None:
        estimators.save(directory.path / ESTIMATOR, fitted.estimator)
        kernel, bias = body.network.model.layers[-1].get_weights()
        body.set_last(np.zeros_like(kernel), np.zeros_like(bias))
    else:
        body.set_last(*layer)
    _write_network(directory, body, has_last=layer is not None)


def write_figures(
    directory: RunDirectory, features: Features, evaluators: Sequence[Evaluator], fitted: Fitted
) -> Results:
    """Writes the predictions for the held-out images, and the figures, which finish the run.

    Args:
        directory: The run's directory.
        features: What the classifier was fitted to.
        evaluators: The run's evaluators.
        fitted: What came of it.
    """
    layer = _as_layer(features, fitted)

    def predict(rows: np.ndarray) -> np.ndarray:
        if layer is None:
            return np.asarray(fitted.estimator.predict_proba(rows), np.float32)
        return softmax(rows @ layer[0] + layer[1])

    held_out = features.splits[features.held_out]
    predictions = attrs.evolve(_predictions(held_out, predict), has_copy=features.has_copy)
    known: dict[str, Any] = {"accuracies": _accuracies(features, predict)}
    if "val" in features.splits:
        of_val = predictions if features.held_out == "val" else None
        found = of_val or _predictions(features.splits["val"], predict)
        right = found.combined.argmax(axis=1) == found.labels
        known["validation_accuracy"] = float(right.mean())
    return write_results(
        directory,
        predictions,
        evaluators,
        split=features.held_out,
        seconds=fitted.seconds,
        **known,
        fit={
            "features": features.about["features"],
            "layer": features.about["layer"],
            "images": len(features.splits["train"]),
            "in_memory": fitted.in_memory,
            "best": fitted.best,
            "scores": fitted.scores,
        },
    )


def _accuracies(
    features: Features, predict: Callable[[np.ndarray], np.ndarray]
) -> dict[str, dict[str, float]]:
    """Returns the accuracy on what was fitted to, and on the train-validation images.

    They are for advice, in the form of those that a trained network has. Rows are in random order,
    so the first of them are a sample.
    """
    found: dict[str, dict[str, float]] = {}
    for name in ("train", "train_val"):
        if name in features.splits:
            split = features.splits[name]
            labels = split.labels[:MEASURED]
            probabilities = predict(np.asarray(split.values[:MEASURED]))
            right = probabilities.argmax(axis=1) == labels
            found[name] = {"accuracy": float(right.mean()), "images": len(labels)}
    return found


def _as_layer(features: Features, fitted: Fitted) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the classifier as the weights of a layer; None where it is no layer."""
    return as_layer(fitted.estimator, np.asarray(features.splits["train"].values[:COMPARED]))


def _write_record(
    directory: RunDirectory, features: Features, config: RunConfig, new: Sequence[Plugin]
) -> None:
    """Writes the configuration, and what the extraction recorded, with the plugins used now."""
    from dlcv.api import record

    files.write_atomically(directory.config, config.to_toml())
    source = features.directory
    directory.write_json("labels", source.read_json("labels"))
    recorded = source.read_json("environment")
    others = [p for p in recorded["plugins"] if p["kind"] not in NEW_KINDS]
    libraries = {"libraries": record.libraries(), "plugins": [*others, *record.plugins_used(new)]}
    directory.write_json("environment", {**recorded, **libraries})
    files.write_atomically(directory.preprocessing, source.preprocessing.read_bytes())
    if source.groups.exists():
        files.write_atomically(directory.groups, source.groups.read_bytes())


def _restored_body(run: Run, features: Features) -> "Body":
    """Builds the network with the weights that the features were extracted with.

    Raises:
        DlcvError: they are not those that the features were extracted with.
    """
    from dlcv.api import build_parts, checkpoints
    from dlcv_plugins.trainers.features.body import Body

    checkpoint, path = _saved_weights(features)

    network = build_parts(
        registry.create("architecture", run.config.architecture),
        run.pipeline,
        run.input_shape,
        len(run.label_names),
        run.config.precision,
    )
    body = Body.of(network)
    checkpoints.restore(checkpoint, body.features.variables, str(path))
    expected, ours = features.about.get("weights_sha256"), body.sha256()
    if expected != ours:
        raise DlcvError(
            f"{path} holds other weights (sha256 {ours[:12]}) than the features were extracted "
            f"with ({str(expected)[:12]}); it is of another network"
        )
    return body


def _refuse_not_finite(path: "Path", split: SplitFeatures) -> None:
    """Raises a `DlcvError` for features that are no numbers, which nothing can be fitted to."""
    for start in range(0, len(split), ROWS_AT_ONCE):
        finite = np.isfinite(split.values[start : start + ROWS_AT_ONCE]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise DlcvError(
                f"{path}: the features of {split.sample_ids[row]} (row {row}) are not finite "
                "numbers; extract them again"
            )


def _saved_weights(features: Features) -> "tuple[checkpoints.Checkpoint, Path]":
    """Reads the weights of the body; raises `DlcvError` if there are none, or none that are whole.

    They are in the folder, since the run or the file that they came from may change.
    """
    from dlcv.api import checkpoints

    folder = features.directory.checkpoints
    found = checkpoints.load_newest(folder)
    if found is None:
        raise DlcvError(f"{folder} holds no weights of the body; extract the features again")
    return found


def _write_network(directory: RunDirectory, body: "Body", *, has_last: bool) -> None:
    """Writes a checkpoint of all weights, and the network for everyone else."""
    from dlcv.api import checkpoints

    model = body.network.model
    taken = checkpoints.take(model.variables, checkpoints.Position(), [])
    checkpoints.save(directory.checkpoints, taken)
    with files.atomic_path(directory.model) as temporary:
        (model if has_last else body.features).save(temporary)


def _predictions(split: SplitFeatures, predict: Callable[[np.ndarray], np.ndarray]) -> Predictions:
    """Returns the predictions for a split's images, in the order of the data."""
    rows = [
        predict(np.asarray(split.values[start : start + ROWS_AT_ONCE]))
        for start in range(0, len(split), ROWS_AT_ONCE)
    ]
    order = np.argsort(split.indices)
    return Predictions(
        np.concatenate(rows).astype(np.float32)[np.newaxis, order],
        split.labels[order],
        split.label_names,
        tuple(split.sample_ids[i] for i in order),
    )
