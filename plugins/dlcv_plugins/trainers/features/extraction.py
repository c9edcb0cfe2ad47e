"""Extraction: images through a trained body, into a folder of features."""

import json
import logging
import os
import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import tomli_w

from dlcv import files
from dlcv.api import (
    ORDER_STREAM,
    Experiment,
    RunConfig,
    RunDirectory,
    backend,
    states_of,
    track,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import LabelledImages
from dlcv_plugins import hdf5, storage
from dlcv_plugins.executors.stopping import end_if_asked
from dlcv_plugins.groupings.training_copies import copies_in_training
from dlcv_plugins.trainers.features.features import (
    COPIES,
    DESCRIPTION,
    Features,
    columns,
    differences,
)
from dlcv_plugins.trainers.features.rows import rows_of
from dlcv_plugins.trainers.held_out import seen
from dlcv_plugins.training.interruption import Interruption, deferred_signals

if TYPE_CHECKING:
    from dlcv_plugins.trainers.features.body import Body

logger = logging.getLogger(__name__)
BEGUN, PROGRESS = "extraction.json", "progress.json"
"""In a folder that is not finished: what is extracted, and how many rows of each split are safe."""
SECONDS_BETWEEN_KEEPING = 10.0
STOPPED = "stopped; what is extracted so far is saved: the same command continues"


def extract_to(
    out: Path,
    config: RunConfig,
    *,
    yielding: list[str],
    force: bool = False,
    reuse: bool = False,
) -> Features:
    """Extracts the features of all splits, or continues an extraction that was begun.

    Args:
        out: The folder to write; it appears when everything is in it. What is not finished is in
            `.NAME.part` beside it.
        config: What is extracted; its architecture ends with the layer that is to be fitted.
        yielding: What `Experiment.prepare` takes.
        force: Whether a folder of features that exists may be replaced, or one that is begun.
        reuse: Whether a folder that holds just these features is taken as it is.

    Raises:
        DlcvError: the folder exists, is another process's, or was begun with other settings; or
            what is extracted can't be.
        KeyboardInterrupt: after ctrl+c; what is done is saved.
        SystemExit: after SIGTERM, likewise.
    """
    refuse_existing(out, force=force)
    experiment = seen(Experiment.prepare(config, yielding=yielding))
    backend.start(experiment.config.threads or 1)
    from dlcv_plugins.trainers.features.body import build

    body = build(experiment)
    about = _describe(experiment, body)
    if reuse and out.exists() and (found := Features.open(out)).about == about:
        return found
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = out.with_name(f".{out.name}.part.lock")
    with files.lock(lock, f"another process is writing {out}"):
        work = out.with_name(f".{out.name}.part")
        _begin(work, about, experiment, body, force=force, out=out)
        with deferred_signals() as asked:
            for split, images in experiment.data.splits.items():
                _Split(work, split, images, experiment, body).extract(asked)
                if asked.signal:
                    logger.warning(STOPPED)
                end_if_asked(asked)
            # It takes a moment; a signal that comes now has nothing left to stop.
            _finish(work, out, about, force=force)
    return Features.open(out)


def refuse_existing(out: Path, *, force: bool) -> None:
    """Refuses to replace anything but features: `out` may hold a person's photos."""
    files.refuse_existing(out, force=force)
    if out.exists() and not (out / DESCRIPTION).is_file():
        raise DlcvError(f"{out} holds no features, so --force does not replace it; move it away")


def _describe(experiment: Experiment, body: "Body") -> dict[str, Any]:
    """Returns all that the features depend on, as TOML and JSON have it."""
    import keras

    config = experiment.config
    state = states_of(experiment.pipeline.steps)
    learned = b"".join(name.encode() + state[name].tobytes() for name in sorted(state))
    return {
        "base": str(config.architecture),
        "weights": body.weights_from or "random",
        "weights_sha256": body.sha256(),
        "layer": body.cut,
        "features": body.count,
        "input_shape": list(experiment.input_shape),
        "preprocessors": str(config.preprocessors),
        "preprocessing_sha256": _sha256(learned),
        "precision": config.precision,
        "back_end": keras.backend.backend(),
        "data": config.data,
        "fingerprints": experiment.fingerprints(),
        "classes": list(experiment.data.label_names),
        "rows": {name: len(images) for name, images in experiment.data.splits.items()},
        "seed": config.seed,
        "batch_size": config.batch_size,
    }


def _begin(
    work: Path,
    about: dict[str, Any],
    experiment: Experiment,
    body: "Body",
    *,
    force: bool,
    out: Path,
) -> None:
    """Makes the folder to work in, or takes up one that was begun with the same settings."""
    begun = _read_json(work / BEGUN)
    if begun is not None and begun != about and not force:
        raise DlcvError(
            f"the extraction to {out} was begun with other settings ({differences(about, begun)}); "
            "repeat those to continue, choose another folder, or start again with --force"
        )
    if begun == about:
        files.sweep(work)
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    total = 4 * body.count * sum(about["rows"].values())
    try:
        storage.require_space(work, total)
        write_record(RunDirectory(work), experiment, body)
        files.write_atomically(work / BEGUN, json.dumps(about, indent=2))
    except BaseException:
        # Without the last of these files nothing is begun, and nothing could continue.
        shutil.rmtree(work, ignore_errors=True)
        raise


def write_record(directory: RunDirectory, experiment: Experiment, body: "Body") -> None:
    """Writes what a run needs beside the features."""
    from dlcv.api import checkpoints, record

    files.write_atomically(directory.config, experiment.config.to_toml())
    directory.write_json("labels", experiment.data.label_names)
    recorded = record.environment(experiment)
    weights = {"path": body.weights_from, "sha256": body.sha256()}
    parameters = body.network.model.count_params()
    directory.write_json(
        "environment", {**recorded, "parameters": parameters, "initial_weights": weights}
    )
    if (has_copy := copies_in_training(experiment)) is not None:
        files.save_arrays(directory.path / COPIES, {"has_copy": has_copy})
    if experiment.data.groups is not None:
        files.save_arrays(directory.groups, {"groups": experiment.data.groups})
    files.save_arrays(directory.preprocessing, states_of(experiment.pipeline.steps))
    taken = checkpoints.take(body.features.variables, checkpoints.Position(), [])
    checkpoints.save(directory.checkpoints, taken)


@attrs.frozen(eq=False)
class _Split:
    """The extraction of one split."""

    work: Path
    name: str
    images: LabelledImages
    experiment: Experiment
    body: "Body"

    def extract(self, asked: Interruption) -> None:
        """Writes what is missing of the split's file; stops after a batch when asked to."""
        final = self.work / f"{self.name}.hdf5"
        if final.exists():
            return
        progress = _read_json(self.work / PROGRESS) or {}
        partial = self.work / f".{self.name}.part.hdf5"
        done = min(int(progress.get(self.name, 0)), len(self.images)) if partial.exists() else 0
        rng = np.random.default_rng([self.experiment.config.seed, ORDER_STREAM, 0])
        order = rng.permutation(len(self.images))
        accompanying = columns(
            self.images.labels[order],
            self.images.label_names,
            order,
            [self.images.sample_id(int(i)) for i in order],
        )
        shape, kind = (len(order), self.body.count), np.dtype("<f4")
        with open(partial, "r+b" if done else "w+b") as file:
            writer = hdf5.RowWriter(file, "features", shape, kind, accompanying)
            done = self._write_rows(writer, file, order, done, asked)
            if done == len(order):
                writer.finish(accompanying)
                files.flush(partial)
        if done == len(order):
            os.replace(partial, final)

    def _write_rows(
        self, writer: hdf5.RowWriter, file: Any, order: np.ndarray, done: int, asked: Interruption
    ) -> int:
        """Writes the rows from `done` on, and returns how many there are then."""
        size = self.experiment.config.batch_size
        kept_at = time.monotonic()
        # The last batch may be short: where it is done already, it is done once more.
        first = done = done - done % size
        with (
            track(f"extracting {self.name}", len(order), "images", done=done) as advance,
            closing(
                rows_of(self.experiment, self.body, self.images, order, done, advance, asked)
            ) as found,
        ):
            for rows in found:
                if not np.isfinite(rows).all():
                    raise DlcvError(
                        f"the body gives features that are not finite numbers, for one of "
                        f"{self.images.sample_id(int(order[done]))} and the {len(rows) - 1} images "
                        "after it; are its weights whole?"
                    )
                writer.write(done, rows)
                done += len(rows)
                if asked.signal or time.monotonic() - kept_at > SECONDS_BETWEEN_KEEPING:
                    self._keep(file, done)
                    kept_at = time.monotonic()
                if asked.signal:
                    break
        if first < done:
            self._keep(file, done)
        return done

    def _keep(self, file: Any, done: int) -> None:
        """Flushes the rows so far to disk, and then records their number."""
        file.flush()
        files.flush(Path(file.name))
        progress = {**(_read_json(self.work / PROGRESS) or {}), self.name: done}
        files.write_atomically(self.work / PROGRESS, json.dumps(progress))


def _finish(work: Path, out: Path, about: dict[str, Any], *, force: bool) -> None:
    """Describes the files and gives the folder its name."""
    names = [f"{split}.hdf5" for split in about["rows"]]
    records = {name: storage.record(work / name) for name in sorted(names)}
    text = tomli_w.dumps({"extraction": about, "files": records})
    files.write_atomically(work / DESCRIPTION, text)
    with storage.atomic_folder(out, force=force) as folder:
        # From here on nothing is begun: a kill leaves no part to continue.
        for name in (BEGUN, PROGRESS):
            (work / name).unlink(missing_ok=True)
        folder.rmdir()
        os.replace(work, folder)


def _read_json(path: Path) -> Any:
    """Returns what a file of ours holds; None where it is not there, or was not finished."""
    try:
        return json.loads(files.read(path))
    except (OSError, ValueError, RecursionError):
        return None


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
