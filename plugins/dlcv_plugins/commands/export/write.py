"""Exporting a run: convert, describe, compare; the folder is whole or not there."""

import errno
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import files, registry
from dlcv.api import Predictor, Run, backend, load, states_of
from dlcv.errors import DlcvError, json_text, reason_of
from dlcv.interfaces import LabelledImages
from dlcv_plugins import storage
from dlcv_plugins.commands.export import description, parity
from dlcv_plugins.exporters.exported import (
    STATE,
    VERSION,
    Exported,
    open_session,
    require_installed,
)
from dlcv_plugins.exporters.hooks import DESCRIPTION, is_export
from dlcv_plugins.kinds.exporter import Exporter, Session
from dlcv_plugins.training.interruption import deferred_signals

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)
BYTES_A_WEIGHT = 4
LEAST_ROOM = 1_000_000
"""Bytes that even the smallest model is given, for its graph."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A full disk, a used-up quota, and the limit of a file's size."""


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
    network = run.build("float32")
    with storage.atomic_folder(folder, force=force) as temporary:
        _fill(temporary, folder, run, network, exporter)
    return Exported(folder)


def _fill(
    temporary: Path, folder: Path, run: Run, network: "keras.Model", exporter: Exporter
) -> None:
    """Writes model and description to a temporary folder, and compares the model with the run."""
    name, model = registry.spec_of(exporter).name, temporary / exporter.file
    images, source = parity.images_to_compare(run)
    logger.info("converting to %s", name)
    storage.require_space(temporary, BYTES_A_WEIGHT * network.count_params())
    with _stopped_afterwards():
        _convert(network, exporter, model, folder)
    try:
        with _stopped_afterwards():
            session = open_session(exporter, model, run.threads)
    except DlcvError as error:
        cause = error.__cause__ or error
        raise DlcvError(
            f"{name} can't run the network that it converted: {reason_of(cause)}; {_other_format()}"
        ) from error
    content = _describe(run, exporter, session, images, temporary)
    content["run"]["path"] = os.path.relpath(run.path, folder.resolve())
    _write_description(temporary, content)
    same = Run(run.directory, network, run.checkpoint)
    with _stopped_afterwards():
        of_run = same.probabilities(images, None)
        exported = Exported(temporary).probabilities(images, None)
    found = parity.compare(of_run, exported, source, name)
    _write_description(temporary, {**content, "parity": attrs.asdict(found)})


def _write_description(folder: Path, content: dict[str, Any]) -> None:
    files.write_atomically(folder / DESCRIPTION, json_text(content) + "\n")


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
    if os.path.lexists(folder) and not (is_export(folder) and _is_ours(folder / DESCRIPTION)):
        raise DlcvError(f"{folder} holds no exported model, so --force does not replace it")


def _is_ours(description: Path) -> bool:
    """Returns whether a description is of an exported model: other programs have a model.json."""
    try:
        content = json.loads(files.read(description))
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "dlcv_export" in content


@contextmanager
def _stopped_afterwards() -> Iterator[None]:
    """Acts on ctrl+c and SIGTERM when the block ends, also where it fails.

    Converters and runtimes catch what a signal raises within them: they go on, or report an error
    of their own.

    Raises:
        KeyboardInterrupt: after ctrl+c.
        SystemExit: after SIGTERM.
    """
    failure: Exception | None = None
    with deferred_signals() as asked:
        try:
            yield
        except Exception as error:
            failure = error
    if asked.signal == signal.SIGINT:
        raise KeyboardInterrupt
    if asked.signal:
        sys.exit(128 + asked.signal)
    if failure is not None:
        raise failure


def _convert(network: "keras.Model", exporter: Exporter, path: Path, folder: Path) -> None:
    """Writes a network.

    Args:
        network: The network.
        exporter: The format.
        path: The model's file or folder, in the temporary folder.
        folder: The folder that errors name.

    Raises:
        DlcvError: the converter can't write this network, or the disk is full.
    """
    try:
        with backend.captured_stderr():
            exporter.write(network, path)
    except Exception as error:
        # Each converter has its own exceptions.
        size = BYTES_A_WEIGHT * network.count_params()
        raise _refusal(error, exporter, path, folder, size) from error


def _refusal(
    failure: Exception, exporter: Exporter, path: Path, folder: Path, size: int
) -> DlcvError:
    """Returns the error to report for what a converter raised."""
    if cause := _lack_of_room(path.parent, size):
        return _cannot_write(folder / path.name, cause)
    if isinstance(failure, OSError):
        return _cannot_write(folder / path.name, failure)
    name = registry.spec_of(exporter).name
    return DlcvError(
        f"can't export this network as {name}: {reason_of(failure)}; {_other_format()}"
    )


def _lack_of_room(folder: Path, size: int) -> OSError | None:
    """Returns why a folder can't hold a file of `size` bytes; None if it can.

    A full disk reaches Python as an `OSError` only from converters written in Python. OpenVINO
    reports "basic_ios::clear", TensorFlow and HDF5 errors of their own.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(probe.fileno(), 0, max(size, LEAST_ROOM))
    except OSError as error:
        return error
    return None


def _cannot_write(path: Path, cause: OSError) -> DlcvError:
    cure = "choose another folder with --out"
    if cause.errno in NO_ROOM:
        cure = f"make room there, or {cure}"
    return DlcvError(f"can't write {path}: {cause.strerror or cause}; {cure}")


def _other_format() -> str:
    """Returns what to do where a network can't be converted."""
    import keras

    used = keras.backend.backend()
    if used == "tensorflow":
        return "choose another format; `dlcv plugins list exporter` lists them"
    return f"the back end is {used}; try KERAS_BACKEND=tensorflow"


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
        files.save_arrays(folder / STATE, state)
    return {
        "dlcv_export": VERSION,
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
            "bit_depth": run.bit_depth,
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
