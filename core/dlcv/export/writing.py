"""Exporting a run: convert, describe, compare; the folder is whole or not there."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import backend, files
from dlcv.data.states import states_of
from dlcv.errors import DlcvError
from dlcv.export import description, parity, words
from dlcv.export.exported import Exported
from dlcv.export.formats import FORMATS, Format
from dlcv.export.onnx_constants import settle_constants
from dlcv.export.openvino_import import import_openvino
from dlcv.export.runtimes import Session, first_line, open_session
from dlcv.interfaces import LabelledImages
from dlcv.runs.load import load
from dlcv.runs.predictor import Predictor
from dlcv.runs.run import Run

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def export_run(
    path: str | os.PathLike[str],
    format: str,
    out: str | os.PathLike[str] | None = None,
    *,
    checkpoint: str | int = "last",
    force: bool = False,
) -> Exported:
    """Exports a run's network, with its value steps, and compares it with the run.

    Args:
        path: The run's directory.
        format: One of `saved_model`, `litert`, `onnx`, `openvino`.
        out: The folder to write; by default `exported/RUN-FORMAT`.
        checkpoint: Whose weights are used: `last`, `best`, or the number of an epoch.
        force: Whether an exported model in that folder may be replaced.

    Raises:
        DlcvError: the format is not known or its converter is missing, there is no finished run,
            the folder exists, the network can't be converted, or what came out is not close to the
            run; then nothing is left of it.
    """
    if format not in FORMATS:
        raise DlcvError(f'unknown format "{format}"; there are {", ".join(FORMATS)}')
    chosen = FORMATS[format]
    chosen.require_converter()
    run = _exportable(path, checkpoint)
    folder = Path(out) if out is not None else Path("exported") / f"{run.path.name}-{format}"
    _refuse_existing(folder, force=force)
    images, source = parity.images_to_compare(run)
    network = run.build("float32")
    with files.atomic_folder(folder, force=force) as temporary:
        logger.info("converting to %s", format)
        _convert(network, chosen, temporary / chosen.file)
        session = open_session(format, temporary / chosen.file, run.threads)
        content = _describe(run, chosen, session, images, temporary)
        content["run"]["path"] = os.path.relpath(run.path, folder.resolve())
        description.write(temporary, content)
        same = Run(run.directory, network, checkpoint)
        found = parity.compare(
            same.probabilities(images, None),
            Exported(temporary).probabilities(images, None),
            source,
            format,
        )
        description.write(temporary, {**content, "parity": attrs.asdict(found)})
    return Exported(folder)


def _exportable(path: str | os.PathLike[str], checkpoint: str | int) -> Run:
    loaded = load(path, checkpoint=checkpoint)
    if isinstance(loaded, Exported):
        raise DlcvError(f"{path} is an exported model; export the run that it came from")
    if not isinstance(loaded, Run):
        raise DlcvError(
            f"{path} is an ensemble; export its members one by one, such as {_member(loaded)}"
        )
    if not loaded.finished:
        raise DlcvError(f"{path} is not finished; go on with: dlcv resume {path}")
    return loaded


def _member(ensemble: Predictor) -> Path:
    return next((member.path for member in getattr(ensemble, "members", ())), ensemble.path)


def _refuse_existing(folder: Path, *, force: bool) -> None:
    files.refuse_existing(folder, force=force)
    if os.path.lexists(folder) and not description.is_export(folder):
        raise DlcvError(f"{folder} is no exported model, so it is not replaced")


def _convert(network: "keras.Model", format: Format, path: Path) -> None:
    import keras

    pixels = keras.InputSpec(shape=network.input_shape, dtype="uint8", name="pixels")
    options: dict[str, Any] = {"input_signature": [pixels]}
    try:
        with backend.captured_stderr():
            if format.name == "openvino":
                import_openvino()
            if format.name == "litert":
                import tensorflow as tf

                # Others would need a library that ai-edge-litert does not have.
                options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
            network.export(str(path), format=format.keras_name, verbose=False, **options)
            if format.name == "onnx" and keras.backend.backend() == "tensorflow":
                settle_constants(path, network)
    except Exception as error:
        # Each converter has its own exceptions.
        used = keras.backend.backend()
        cure = "try another format"
        if used != "tensorflow":
            cure = f"the back end is {used}; try KERAS_BACKEND=tensorflow"
        raise DlcvError(
            f"Keras can't export this network as {format.name}: {first_line(error)}; {cure}"
        ) from error


def _describe(
    run: Run, format: Format, session: Session, images: LabelledImages, folder: Path
) -> dict[str, Any]:
    """Returns the content of `model.json`, and writes what the pixel steps learned beside it."""
    height, width, channels = run.input_shape
    some = images.read(range(min(8, len(images))))
    kept = words.without_augmentation(run.pipeline.pixel_steps, some)
    pipeline = attrs.evolve(run.pipeline, pixel_steps=tuple(kept))
    state = states_of(kept)
    if state:
        files.save_arrays(folder / description.STATE, state)
    return {
        "dlcv_export": description.VERSION,
        "format": format.name,
        "file": format.file,
        "hint": format.hint,
        "input": {
            "name": session.input_name,
            "shape": [None, height, width, channels],
            "axes": "image, row, column, channel (channels last)",
            "height": height,
            "width": width,
            "channels": channels,
            "dtype": "uint8",
            "range": "0 to 255",
            "colour_order": "red, green, blue" if channels == 3 else "grey",
        },
        "output": {
            "name": session.output_name,
            "shape": [None, len(run.label_names)],
            "dtype": "float32",
            "meaning": "the probability of each class, in the order of classes",
        },
        "classes": list(run.label_names),
        "preprocessing": words.preprocessing(pipeline, run.input_shape),
        "pixel_steps": words.described(kept),
        "value_steps": words.described(run.pipeline.value_steps),
        "evaluators": str(run.config.evaluators),
        "run": _origin(run),
        "files": {
            str(path.relative_to(folder)): _record(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
        "environment": _environment(format),
    }


def _origin(run: Run) -> dict[str, Any]:
    environment, metrics = (
        run.directory.read_json("environment"),
        run.directory.read_json("metrics"),
    )
    return {
        "name": run.path.name,
        "checkpoint": run.checkpoint,
        "epoch": None if run.config.classifier else run.trained_row["epoch"],
        "architecture": str(run.config.architecture),
        "precision": run.config.precision,
        "back_end": environment["back_end"],
        "data": run.config.data,
        "split": metrics["split"],
        "fingerprint": environment["data"]["fingerprints"].get(metrics["split"], ""),
        "metrics": metrics["metrics"],
        "validation_accuracy": run.validation_accuracy,
    }


def _environment(format: Format) -> dict[str, Any]:
    # The record knows Keras, which starts when the network is built, not before.
    from dlcv.runs.record import libraries, version

    used = {name: version(name) for name in format.packages}
    return {"python": sys.version.split()[0], "libraries": {**libraries(), **used}}


def _record(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
