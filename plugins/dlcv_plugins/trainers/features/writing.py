"""The directory of a run whose classifier was fitted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcv import files, registry
from dlcv.api import Results, Run, RunConfig, RunDirectory, hook_calls, write_results
from dlcv.errors import DlcvError
from dlcv.interfaces import Classifier, Evaluator, Plugin, Predictions
from dlcv.registry import provenance
from dlcv_plugins.trainers.features import estimators
from dlcv_plugins.trainers.features.features import Features, SplitFeatures
from dlcv_plugins.trainers.features.fitted_run import FittedRun, open_fitted
from dlcv_plugins.trainers.features.fitting import Fitted
from dlcv_plugins.trainers.features.linear import as_layer, softmax
from dlcv_plugins.trainers.features.trainer import ESTIMATOR

if TYPE_CHECKING:
    from pathlib import Path

    from dlcv.api import checkpoints
    from dlcv_plugins.trainers.features.body import Body

COMPARED = 256
"""Samples on which a classifier and the layer made of it must agree."""
ROWS_AT_ONCE = 1024


def check_complete(features: Features) -> None:
    """Raises a `DlcvError` if a run can't be made of features, before hours of fitting to them."""
    source = features.directory
    for name in ("labels", "environment"):
        source.read_json(name)
    files.load_arrays(source.preprocessing)
    _kept_weights(features)


def write_run(
    directory: RunDirectory,
    features: Features,
    config: RunConfig,
    classifier: Classifier,
    evaluators: Sequence[Evaluator],
    fitted: Fitted,
) -> FittedRun:
    """Writes all of a run's files, and returns the run.

    Args:
        directory: An empty directory, locked.
        features: What the classifier was fitted to.
        config: The run's configuration, complete.
        classifier: The classifier.
        evaluators: Those of the configuration.
        fitted: What came of it.

    Raises:
        DlcvError: the features' folder is damaged, or the estimator can't be kept.
    """
    _write_record(directory, features, config, (classifier, *evaluators))
    body = _restored_body(Run(directory), features)
    train = features.splits["train"]
    layer = as_layer(fitted.estimator, np.asarray(train.values[:COMPARED]))
    if layer is None:
        estimators.save(directory.path / ESTIMATOR, fitted.estimator)
        kernel, bias = body.network.model.layers[-1].get_weights()
        body.set_last(np.zeros_like(kernel), np.zeros_like(bias))
    else:
        body.set_last(*layer)
    _write_network(directory, body, has_last=layer is not None)
    hook_calls.started(open_fitted(directory.path))

    def answer(rows: np.ndarray) -> np.ndarray:
        if layer is None:
            return np.asarray(fitted.estimator.predict_proba(rows), np.float32)
        return softmax(rows @ layer[0] + layer[1])

    results = _write_figures(directory, features, evaluators, fitted, answer)
    run = open_fitted(directory.path)
    run.results = results
    return run


def _write_record(
    directory: RunDirectory, features: Features, config: RunConfig, new: Sequence[Plugin]
) -> None:
    """Writes the configuration, and what the extraction recorded, with the plugins used now."""
    from dlcv.api import record

    files.write_atomically(directory.config, config.to_toml())
    source = features.directory
    directory.write_json("labels", source.read_json("labels"))
    recorded = source.read_json("environment")
    kept = [p for p in recorded["plugins"] if p["kind"] not in ("classifier", "evaluator")]
    used = [
        {"kind": d.kind, "name": d.name, "distribution": d.distribution, "version": d.version}
        for d in provenance(new)
    ]
    libraries = {"libraries": record.libraries(), "plugins": [*kept, *used]}
    directory.write_json("environment", {**recorded, **libraries})
    files.write_atomically(directory.preprocessing, source.preprocessing.read_bytes())


def _restored_body(run: Run, features: Features) -> "Body":
    """Builds the network with the weights that the features were extracted with.

    Raises:
        DlcvError: they are not those that the features tell of.
    """
    from dlcv.api import build_parts, checkpoints
    from dlcv_plugins.trainers.features.body import Body

    checkpoint, path = _kept_weights(features)

    network = build_parts(
        registry.create("architecture", run.config.architecture),
        run.pipeline,
        run.input_shape,
        len(run.label_names),
        run.config.precision,
    )
    body = Body.of(network)
    checkpoints.restore(checkpoint, body.features.variables, str(path))
    told, ours = features.about.get("weights_sha256"), body.sha256()
    if told != ours:
        raise DlcvError(
            f"{path} holds other weights (sha256 {ours[:12]}) than the features were extracted "
            f"with ({str(told)[:12]}); it is of another network"
        )
    return body


def _kept_weights(features: Features) -> "tuple[checkpoints.Checkpoint, Path]":
    """Reads the weights of the body; raises `DlcvError` if there are none, or none that are whole.

    They are in the folder, since the run or the file that they came from may change.
    """
    from dlcv.api import checkpoints

    folder = features.directory.checkpoints
    found = checkpoints.load_newest(folder)
    if found is None:
        raise DlcvError(f"{folder} holds no weights of the body; extract the features anew")
    return found


def _write_network(directory: RunDirectory, body: "Body", *, has_last: bool) -> None:
    """Writes a checkpoint of all weights, and the network for everyone else."""
    from dlcv.api import checkpoints

    model = body.network.model
    taken = checkpoints.take(model.variables, checkpoints.Position(), [])
    checkpoints.save(directory.checkpoints, taken)
    with files.atomic_path(directory.model) as temporary:
        (model if has_last else body.features).save(temporary)


def _write_figures(
    directory: RunDirectory,
    features: Features,
    evaluators: Sequence[Evaluator],
    fitted: Fitted,
    answer: Any,
) -> Results:
    """Writes predictions for the held-out images, and the figures."""
    held_out = features.splits[features.held_out]
    predictions = _predictions(held_out, answer)
    known: dict[str, Any] = {}
    if "val" in features.splits:
        of_val = predictions if features.held_out == "val" else None
        found = of_val or _predictions(features.splits["val"], answer)
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


def _predictions(split: SplitFeatures, answer: Any) -> Predictions:
    """Returns what is said of a split's images, in the order of the data."""
    rows = [
        answer(np.asarray(split.values[start : start + ROWS_AT_ONCE]))
        for start in range(0, len(split), ROWS_AT_ONCE)
    ]
    order = np.argsort(split.indices)
    return Predictions(
        np.concatenate(rows).astype(np.float32)[np.newaxis, order],
        split.labels[order],
        split.label_names,
        tuple(split.sample_ids[i] for i in order),
    )
