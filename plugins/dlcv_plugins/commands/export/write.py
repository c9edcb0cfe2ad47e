"""Exporting a run: convert, describe, compare; the folder is whole or not there."""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import files, registry
from dlcv.api import (
    EXPORT_DESCRIPTION,
    EXPORT_STATE,
    EXPORT_VERSION,
    Exported,
    Predictor,
    Run,
    backend,
    deferred_signals,
    is_export,
    load,
    open_session,
    require_installed,
    states_of,
)
from dlcv.errors import DlcvError, reason_of
from dlcv.interfaces import Exporter, LabelledImages, Session
from dlcv_plugins.commands.export import description, parity

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)
BYTES_A_WEIGHT = 4


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
        format: An exporter, such as `saved_model`, `litert`, `onnx`, `openvino`.
        out: The folder to write; by default `exported/RUN-FORMAT`.
        checkpoint: Whose weights are used: `last`, `best`, or the number of an epoch.
        force: Whether an exported model in that folder may be replaced.

    Raises:
        DlcvError: there is no such exporter or its converter is missing, there is no finished run,
            the folder exists, the network can't be converted, or what came out is not close to the
            run; then nothing is left of it.
    """
    exporter: Exporter = registry.create("exporter", format)
    name = registry.spec_of(exporter).name
    require_installed(exporter, to_write=True)
    run = _exportable(path, checkpoint)
    folder = Path(out) if out is not None else Path("exported") / f"{run.path.name}-{name}"
    _refuse_existing(folder, force=force)
    images, source = parity.images_to_compare(run)
    network = run.build("float32")
    with files.atomic_folder(folder, force=force) as temporary:
        logger.info("converting to %s", name)
        files.require_space(temporary, BYTES_A_WEIGHT * network.count_params())
        _convert(network, exporter, temporary / exporter.file)
        session = open_session(exporter, temporary / exporter.file, run.threads)
        content = _describe(run, exporter, session, images, temporary)
        content["run"]["path"] = os.path.relpath(run.path, folder.resolve())
        _write_description(temporary, content)
        same = Run(run.directory, network, checkpoint)
        found = parity.compare(
            same.probabilities(images, None),
            Exported(temporary).probabilities(images, None),
            source,
            name,
        )
        _write_description(temporary, {**content, "parity": attrs.asdict(found)})
    return Exported(folder)


def _write_description(folder: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    files.write_atomically(folder / EXPORT_DESCRIPTION, text)


def _exportable(path: str | os.PathLike[str], checkpoint: str | int) -> Run:
    loaded = load(path, checkpoint=checkpoint)
    if isinstance(loaded, Exported):
        raise DlcvError(f"{path} is an exported model; export the run that it came from")
    if not isinstance(loaded, Run):
        raise DlcvError(
            f"{path} is an ensemble; export its members one by one, such as {_member(loaded)}"
        )
    if not loaded.finished:
        raise DlcvError(f"{path} is not finished; continue with: dlcv resume {path}")
    return loaded


def _member(ensemble: Predictor) -> Path:
    return next((member.path for member in getattr(ensemble, "members", ())), ensemble.path)


def _refuse_existing(folder: Path, *, force: bool) -> None:
    files.refuse_existing(folder, force=force)
    if os.path.lexists(folder) and not is_export(folder):
        raise DlcvError(f"{folder} holds no exported model, so --force does not replace it")


def _convert(network: "keras.Model", exporter: Exporter, path: Path) -> None:
    """Writes a network.

    Converters catch what a signal raises within them and go on, so signals wait until the end.

    Raises:
        DlcvError: the converter can't write this network, or the disk is full.
        KeyboardInterrupt: after ctrl+c.
        SystemExit: after SIGTERM.
    """
    import keras

    try:
        with deferred_signals() as asked, backend.captured_stderr():
            exporter.write(network, path)
    except OSError as error:
        raise DlcvError(
            f"can't write {path.name}: {error.strerror or error}; make room, or name another place "
            "with --out"
        ) from error
    except Exception as error:
        # Each converter has its own exceptions.
        used, name = keras.backend.backend(), registry.spec_of(exporter).name
        cure = "try another format"
        if used != "tensorflow":
            cure = f"the back end is {used}; try KERAS_BACKEND=tensorflow"
        raise DlcvError(
            f"can't export this network as {name}: {reason_of(error)}; {cure}"
        ) from error
    if asked.signal == signal.SIGINT:
        raise KeyboardInterrupt
    if asked.signal:
        sys.exit(128 + asked.signal)


def _describe(
    run: Run, exporter: Exporter, session: Session, images: LabelledImages, folder: Path
) -> dict[str, Any]:
    """Returns the content of `model.json`, and writes what the pixel steps learned beside it."""
    height, width, channels = run.input_shape
    some = images.read(range(min(8, len(images))))
    kept = description.without_augmentation(run.pipeline.pixel_steps, some)
    pipeline = attrs.evolve(run.pipeline, pixel_steps=tuple(kept))
    state = states_of(kept)
    if state:
        files.save_arrays(folder / EXPORT_STATE, state)
    return {
        "dlcv_export": EXPORT_VERSION,
        "format": registry.spec_of(exporter).name,
        "file": exporter.file,
        "hint": exporter.hint,
        "input": {
            "name": session.input_name,
            "shape": [None, height, width, channels],
            "axes": "image, row, column, channel (channels last)",
            "height": height,
            "width": width,
            "channels": channels,
            "dtype": "uint8",
            "range": "0 to 255",
            "color_order": "red, green, blue" if channels == 3 else "grey",
        },
        "output": {
            "name": session.output_name,
            "shape": [None, len(run.label_names)],
            "dtype": "float32",
            "meaning": "the probability of each class, in the order of classes",
        },
        "classes": list(run.label_names),
        "preprocessing": description.preprocessing(pipeline, run.input_shape),
        "pixel_steps": description.described(kept),
        "value_steps": description.described(run.pipeline.value_steps),
        "evaluators": str(run.config.evaluators),
        "run": _origin(run),
        "files": {
            str(path.relative_to(folder)): _record(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
        "environment": _environment(exporter),
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


def _environment(exporter: Exporter) -> dict[str, Any]:
    # The record knows Keras, which starts when the network is built, not before.
    from dlcv.api import record

    used = {name: record.version(name) for name in exporter.packages}
    return {"python": sys.version.split()[0], "libraries": {**record.libraries(), **used}}


def _record(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
