"""What `mutations.py` changes and how it is used: a target for each kind of file that is read."""

import hashlib
import json
import logging
import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import mutators
import numpy as np
import samples
from mutators import of_file

Change = Callable[[Path, random.Random], Any]


@attrs.frozen
class Target:
    """A kind of file.

    Attributes:
        make: Writes whole files or folders into an empty folder, and returns them.
        use: Reads one as its users do, and returns what came of it.
        changes: Ways to change one in place, one of which is taken by chance.
        count: How many changes the whole campaign tries.
        has_checksum: Whether what is read after a change must be what was read before.
    """

    make: Callable[[Path], list[Path]]
    use: Callable[[Path], Any]
    changes: tuple[Change, ...]
    count: int
    has_checksum: bool = False


def digest(*parts: Any) -> str:
    """Returns a checksum of arrays, their shapes and types, and of whatever has a `repr`."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(repr((part.shape, part.dtype.str)).encode())
            part = (
                part.tolist() if part.dtype.kind in "OU" else np.ascontiguousarray(part).tobytes()
            )
        found.update(part if isinstance(part, bytes) else repr(part).encode(errors="replace"))
    return found.hexdigest()


def use_image(path: Path) -> str:
    """Decodes an image in color, in grey and with fewer bits, and reads its header."""
    from dlcv import images
    from dlcv.images.header import size_of
    from dlcv_plugins.commands.data.check.header import read_header

    read_header(path.read_bytes())
    color = images.read_image(path)
    assert color.dtype == np.uint8, color.dtype
    assert color.ndim == 3, color.shape
    assert color.shape[2] == 3, color.shape
    size = size_of(path.read_bytes())
    assert size is not None
    assert sorted(size) == sorted(color.shape[:2]), f"header {size}, image {color.shape}"
    grey = images.read_image(path, "grayscale")
    assert grey.shape == (*color.shape[:2], 1), f"{grey.shape} and {color.shape}"
    few = images.read_image(path, "rgb", 12)
    assert few.shape == color.shape, f"{few.shape} and {color.shape}"
    return digest(color)


def use_store(store: str, path: Path) -> str:
    """Opens all splits of a data set and reads their rows."""
    from dlcv import registry

    opened = registry.create("store", f"{store}(path={json.dumps(str(path))})")
    parts: list[Any] = []
    for split in opened.splits():
        images = opened.open(split)
        names = [os.path.basename(images.sample_id(i)) for i in range(len(images))]
        assert len(images.labels) == len(names)
        parts += [split, images.labels, images.label_names, images.image_shape, names]
        if images.image_shape[0] is not None or store in ("zip", "webdataset", "parquet"):
            parts += [np.asarray(image) for image in images.read(range(len(images)))]
    return digest(*parts)


def use_run(path: Path) -> str:
    """Reads all that a run holds but its weights."""
    import dlcv
    from dlcv import registry
    from dlcv.evaluation.evaluate import evaluate
    from dlcv.evaluation.predict import load_predictions
    from dlcv_plugins.commands.compare.rows import compare

    run = dlcv.load(path)
    predictions = load_predictions(run.directory.predictions)
    parts = [run.metrics, run.history, run.groups, run.channels, run.bit_depth, run.label_names]
    _ = run.pipeline.values(np.zeros((1, *run.input_shape), np.uint8))
    evaluate(predictions, registry.create_list("evaluator", run.evaluators))
    compare([path])
    if run.history:
        _ = run.validation_accuracy
    return digest(predictions.probabilities, predictions.labels, predictions.sample_ids, *parts[4:])


def use_command(*arguments: str) -> Callable[[Path], str]:
    """Returns what runs a command on a folder; RUN stands for it."""

    def use(path: Path) -> str:
        from click.testing import CliRunner

        from dlcv.cli.main import dlcv

        line = [argument.replace("RUN", str(path)) for argument in arguments]
        result = CliRunner().invoke(dlcv, line, catch_exceptions=True, standalone_mode=False)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code in (0, None), f"exit code {result.exit_code}: {result.output}"
        return ""

    return use


def use_config(path: Path) -> str:
    """Reads a configuration, which must be the same when it is written and read again."""
    from dlcv.config import RunConfig

    config = RunConfig.load(path / "run.toml" if path.is_dir() else path)
    again = path.with_name("again.toml")
    again.write_text(config.to_toml(), encoding="utf-8")
    assert RunConfig.load(again) == config, "written and read again, it differs"
    return ""


def use_checkpoint(path: Path) -> str:
    """Reads a run's newest checkpoint and gives its weights to the run's network."""
    import dlcv
    from dlcv.training import checkpoints

    (newest,) = sorted(path.glob("checkpoints/*"))[-1:]
    found = checkpoints.load(newest)
    if "model" not in _kept:
        _kept["model"] = dlcv.load(path).model
    network = _kept["model"]
    checkpoints.restore(found.of_network(len(network.variables)), network.variables, str(newest))
    checkpoints.load_chosen(path / "checkpoints", "best")
    return digest(*found.arrays, found.paths, found.position)


_kept: dict[str, Any] = {}


def change_checkpoint(folder: Path, chance: random.Random) -> None:
    """Changes the newest checkpoint's arrays or its description, and mends the checksum."""
    path = sorted(folder.glob("checkpoints/*"))[-1]
    body = path.read_bytes()[40:]
    if chance.random() < 0.5:
        body = mutators.change_arrays(body, chance)
    else:
        import io

        with np.load(io.BytesIO(body)) as archive:
            arrays = dict(archive)
        meta = mutators.change_tree(json.loads(str(arrays["meta"])), chance)
        arrays["meta"] = np.array(json.dumps(meta))
        file = io.BytesIO()
        np.savez(file, **arrays)
        body = file.getvalue()
    path.write_bytes(b"DLCVCKP1" + hashlib.sha256(body).digest() + body)


def use_weights(path: Path) -> str:
    """Reads the weights of a file of Keras."""
    from dlcv_plugins.weights.keras_files import open_weights

    with open_weights(path) as layers:
        return digest(*((x.name, a.shape, np.asarray(a)) for x in layers for a in x.arrays))


def use_estimator(path: Path) -> str:
    """Loads a fitted classifier, and predicts."""
    from dlcv_plugins.trainers.features import estimators

    rows = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    found = np.asarray(estimators.load(path, 6, 3).predict_proba(rows))
    assert found.shape == (20, 3), found.shape
    return digest(found)


def use_features(path: Path) -> str:
    """Opens a folder of features and reads all of it."""
    from dlcv_plugins.trainers.features.features import Features

    found = Features.open(path)
    parts: list[Any] = [found.has_copy]
    for name, split in found.splits.items():
        parts += [name, np.asarray(split.values), split.labels, split.label_names, split.sample_ids]
    return digest(*parts)


def change_features(folder: Path, chance: random.Random) -> None:
    """Changes what a file of features holds, and mends its record."""
    import tomllib

    import tomli_w

    from dlcv_plugins import storage

    path = of_file(mutators.change_hdf5, "*.hdf5")(folder, chance)
    about = tomllib.loads((folder / "features.toml").read_text())
    about["files"][path.name] = storage.record(path)
    (folder / "features.toml").write_text(tomli_w.dumps(about))


def use_exported(path: Path) -> str:
    """Opens an exported model, and predicts."""
    import dlcv

    exported = dlcv.load(path)
    found = exported.predict_proba(np.full((2, 8, 8, 1), 100, np.uint8))
    assert found.shape == (2, len(exported.label_names)), found.shape
    return digest(found)


def change_model(folder: Path, chance: random.Random) -> None:
    """Changes a file of an exported model, and mends its record."""
    about = samples.described(folder)
    name = chance.choice(list(about["files"]))
    path = folder / name
    change = MESSAGES.get(path.suffix) if chance.random() < 0.7 else None
    path.write_bytes((change or mutators.change_bytes)(path.read_bytes(), chance))
    content = path.read_bytes()
    about["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "model.json").write_text(json.dumps(about))


def _change_onnx(content: bytes, chance: random.Random) -> bytes:
    import onnx

    model = onnx.ModelProto.FromString(content)
    mutators.change_message(model, chance)
    return bytes(model.SerializeToString())


def _change_saved_model(content: bytes, chance: random.Random) -> bytes:
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel.FromString(content)
    # What a network computes is in functions; the rest is much more, and used less.
    graph = model.meta_graphs[0]
    part = chance.choice((model, graph.graph_def.library, graph.object_graph_def))
    mutators.change_message(part, chance)
    return bytes(model.SerializeToString())


MESSAGES = {".onnx": _change_onnx, ".pb": _change_saved_model}
"""Ways to change a message of Protocol Buffers that stays one, by the file's suffix."""


def use_state_dict(path: Path) -> str:
    """Reads the arrays of a weight file of another library."""
    from dlcv_plugins.weights.state_dict import read_state_dict

    found = read_state_dict(path)
    return digest(*((name, found[name]) for name in sorted(found)))


def use_spec(path: Path) -> str:
    """Makes the plugin that a text names, which must be the same when it is written and read."""
    from dlcv import registry

    text = path.read_bytes().decode(errors="surrogateescape")
    kind, _, spec = text.partition(": ")
    made = registry.create(kind, spec)
    written = str(registry.spec_of(made))
    assert registry.create(kind, written) == made, f"{spec!r} becomes {written!r}"
    return ""


def use_variable(path: Path) -> str:
    """Sets an environment variable, and uses what reads it."""
    from dlcv import images, registry
    from dlcv_plugins.similarity.cache import cached

    name, _, value = path.read_bytes().decode(errors="surrogateescape").partition("=")
    if not name.startswith("DLCV_") or "\0" in name + value:
        return ""
    os.environ[name] = value
    try:
        images.largest_image_pixels()
        registry.create("preprocessor", "mean")
        assert cached("key", lambda: np.ones(3)).tolist() == [1, 1, 1]
    finally:
        del os.environ[name]
    return ""


def use_cache(path: Path) -> str:
    """Asks for what was kept of images, which is found anew where it can't be read."""
    from dlcv_plugins.similarity.cache import cached

    os.environ["DLCV_CACHE"] = str(path.parent)
    name = hashlib.sha256(b"key").hexdigest()[:32]
    (path.parent / "duplicates").mkdir(exist_ok=True)
    shutil.copy(path, path.parent / "duplicates" / f"{name}.npz")
    return digest(cached("key", lambda: np.arange(12).reshape(4, 3)))


BYTES = of_file(mutators.change_bytes)
JSON, TOML = mutators.change_json, mutators.change_toml
IN_RUN = (
    of_file(TOML, "run.toml"), of_file(JSON, "labels.json"), of_file(JSON, "environment.json"),
    of_file(JSON, "metrics.json"), of_file(mutators.change_text, "history.csv"),
    *(of_file(mutators.change_arrays, f"{name}.npz")
      for name in ("preprocessing", "predictions", "groups")),
)  # fmt: skip


def in_place(change: mutators.Mutator) -> Change:
    """Returns what changes a file's content."""

    def changes(path: Path, chance: random.Random) -> None:
        path.write_bytes(change(path.read_bytes(), chance))

    return changes


PLAIN = in_place(mutators.change_bytes)
FORMS = ("jpeg", "png", "webp", "bmp", "tiff", "gif", "avif", "jpeg2000", "heif", "jxl")
EXPORTED = {"saved_model": 600, "onnx": 1500, "litert": 1500, "openvino": 600}
"""How many changes are tried: TensorFlow and OpenVINO take long to open a model."""
TARGETS: dict[str, Target] = {
    **{
        f"image {form}": Target(partial(samples.write_images, form=form), use_image, (PLAIN,), 1600)
        for form in FORMS
    },
    "image png, chunks": Target(
        partial(samples.write_images, form="png"), use_image, (in_place(mutators.change_png),), 1000
    ),
    "packed set": Target(
        samples.write_packed,
        partial(use_store, "hdf5"),
        (of_file(mutators.change_bytes, "*.hdf5"), of_file(mutators.change_hdf5, "*.hdf5"),
         of_file(TOML, "dataset.toml")),
        1000,
        has_checksum=True,
    ),
    "hdf5 of others": Target(
        samples.write_foreign,
        partial(use_store, "hdf5"),
        (in_place(mutators.change_hdf5), in_place(mutators.change_hdf5), PLAIN),
        1500,
    ),
    "csv": Target(
        samples.write_tables,
        partial(use_store, "csv"),
        (in_place(mutators.change_text), in_place(mutators.change_text), PLAIN),
        2500,
    ),
    "tiny_imagenet": Target(
        samples.write_tiny_imagenet,
        partial(use_store, "tiny_imagenet"),
        (of_file(mutators.change_text, "*.txt"), of_file(mutators.change_bytes, "*.txt")),
        1000,
    ),
    "zip": Target(
        samples.write_zip,
        partial(use_store, "zip"),
        (PLAIN, in_place(mutators.change_zip)),
        800,
    ),
    "webdataset": Target(samples.write_tar, partial(use_store, "webdataset"), (PLAIN,), 800),
    "parquet": Target(samples.write_parquet, partial(use_store, "parquet"), (PLAIN,), 800),
    "run": Target(
        samples.write_run, use_run, (*IN_RUN, of_file(mutators.change_bytes, "*.npz")), 2000
    ),
    "run, compare": Target(
        samples.write_run, use_command("compare", "RUN"), IN_RUN[:5], 300
    ),
    "run, report": Target(samples.write_run, use_command("report", "RUN"), IN_RUN, 150),
    "run, evaluate": Target(
        samples.write_run, use_command("evaluate", "RUN", "--json"), IN_RUN, 120
    ),
    "run, resume": Target(samples.write_run, use_command("resume", "RUN"), (*IN_RUN, BYTES), 100),
    "run.toml": Target(samples.write_run, use_config, (of_file(TOML, "run.toml"),), 2000),
    "checkpoint": Target(
        samples.write_run, use_checkpoint, (of_file(mutators.change_bytes, "*.checkpoint"),), 500,
        has_checksum=True,
    ),
    "checkpoint, right checksum": Target(
        samples.write_run, use_checkpoint, (change_checkpoint,), 600
    ),
    "model.keras, .h5": Target(
        samples.write_keras,
        use_weights,
        (PLAIN, in_place(lambda c, r: mutators.change_hdf5(c, r) if c[:4] == b"\x89HDF"
                         else mutators.change_zip(c, r, mutators.change_hdf5, ".h5"))),
        1200,
    ),
    "skops": Target(
        samples.write_fitted,
        use_estimator,
        (PLAIN, in_place(partial(mutators.change_zip, change=JSON, pattern="schema.json")),
         in_place(partial(mutators.change_zip, pattern=".npy"))),
        1000,
    ),
    "features": Target(
        samples.write_features,
        use_features,
        (of_file(mutators.change_bytes, "*.hdf5"), of_file(TOML, "features.toml"), change_features),
        800,
    ),
    **{
        f"exported {form}": Target(
            partial(samples.write_exported, form=form), use_exported,
            (BYTES, of_file(JSON, "model.json")), count // 3,
        )
        for form, count in EXPORTED.items()
    },
    **{
        f"exported {form}, right checksum": Target(
            partial(samples.write_exported, form=form), use_exported, (change_model,), count
        )
        for form, count in EXPORTED.items()
    },
    ".pth": Target(
        samples.write_state_dicts,
        use_state_dict,
        (PLAIN, in_place(lambda c, r: mutators.change_zip(c, r, pattern="data.pkl")
                         if c[:2] == b"PK" else mutators.change_bytes(c, r))),
        2500,
    ),
    ".safetensors": Target(
        samples.write_safetensors,
        use_state_dict,
        (PLAIN, in_place(mutators.change_safetensors)),
        1500,
    ),
    "spec": Target(
        samples.write_specs, use_spec, (in_place(mutators.change_text),), 4000
    ),
    "environment": Target(
        samples.write_variables, use_variable, (in_place(mutators.change_text),), 500
    ),
    "cache of summaries": Target(
        samples.write_cache, use_cache, (PLAIN,), 500, has_checksum=True
    ),
}  # fmt: skip


def quiet() -> None:
    """Lets nothing be printed: of warnings there are thousands."""
    import warnings

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
