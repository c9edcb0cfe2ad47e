"""Runs written by hand: what a training leaves behind, without a training."""

import json
from pathlib import Path

import numpy as np

from dlcv.config import RunConfig
from dlcv.evaluation.evaluate import as_json
from dlcv.evaluation.predict import save_predictions
from dlcv.files import save_arrays
from dlcv.interfaces import Evaluation, Predictions
from dlcv.training.history import write_csv

FINGERPRINTS = {"train": "a" * 64, "val": "b" * 64, "test": "c" * 64}
PLUGINS = ("architecture lenet", "schedule cosine", "store folder", "evaluator rank")


def history(val_accuracies=(0.5, 0.75, 0.7), **columns):
    """Rows of one stage; `columns` replace whole columns."""
    rows = []
    for index, accuracy in enumerate(val_accuracies):
        row = {
            "stage": 1,
            "epoch": index + 1,
            "accuracy": 0.9,
            "loss": 1 / (index + 1),
            "val_accuracy": accuracy,
            "val_loss": 1 - accuracy,
            "learning_rate": 0.01,
            "seconds": 2.0,
        }
        rows.append({**row, **{name: values[index] for name, values in columns.items()}})
    return rows


def write_run(
    path: Path,
    data="folder(path=gone)",
    *,
    predictions: Predictions | None = None,
    label_names=("cat", "dog"),
    rows=None,
    fingerprints=FINGERPRINTS,
    parameters=1234,
    metrics=None,
    intervals=None,
    seconds=None,
    accuracies=None,
    **options,
) -> Path:
    """Writes a run's files; it is finished if there are predictions or metrics."""
    path.mkdir(parents=True)
    config = RunConfig().with_options(**{"data": data, "architecture": "lenet", **options})
    (path / "run.toml").write_text(config.to_toml())
    names = predictions.label_names if predictions else label_names
    (path / "labels.json").write_text(json.dumps(names))
    plugins = [p.split() for p in PLUGINS]
    environment = {
        "libraries": {"dlcv": "0.1.0", "keras": "3.15.1"},
        "back_end": "tensorflow",
        "image_data_format": "channels_last",
        "processor": "a processor",
        "input_shape": [16, 16, 3],
        "plugins": [
            {"kind": kind, "name": name, "distribution": "dlcv", "version": "0.1.0"}
            for kind, name in plugins
        ],
        "data": {
            "fingerprints": fingerprints,
            "channels": 3,
            "images": dict.fromkeys(fingerprints, 100),
        },
        **({"parameters": parameters} if parameters else {}),
    }
    (path / "environment.json").write_text(json.dumps(environment))
    save_arrays(path / "preprocessing.npz", {})
    rows = history() if rows is None else rows
    if rows:
        write_csv(path / "history.csv", rows)
    if predictions:
        save_predictions(path / "predictions.npz", predictions)
    if predictions or metrics:
        content = {
            "split": "test",
            "images": len(predictions.labels) if predictions else 100,
            **({"accuracies": accuracies} if accuracies else {}),
            "training_seconds": seconds or sum((row["seconds"] for row in rows), 0.0),
            **as_json(
                Evaluation(
                    metrics or {},
                    intervals=intervals or {},
                    units=dict.fromkeys(metrics or {}, "%"),
                )
            ),
        }
        (path / "metrics.json").write_text(json.dumps(content))
    return path


def predicted(right, sample_ids, label_names=("cat", "dog"), *, members=1) -> Predictions:
    """Predictions that are right or wrong as asked, by samples in turn of each class."""
    classes = len(label_names)
    labels = np.arange(len(right)) % classes
    answers = np.where(right, labels, (labels + 1) % classes)
    probabilities = np.full((members, len(right), classes), 0.2 / classes, np.float32)
    probabilities[:, np.arange(len(right)), answers] += 0.8
    names = tuple(f"member {n}" for n in range(1, members + 1)) if members > 1 else ()
    return Predictions(probabilities, labels, tuple(label_names), tuple(sample_ids), names)
