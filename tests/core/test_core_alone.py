"""The core needs none of the plugins that ship: with one small foreign package it does its work.

The report is the package's as well: a hook that writes a page from what it sees of the run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_packages import install

import dlcv

CORE = Path(dlcv.__file__).parent
COMMANDS = {
    **{name: f"dlcv.cli.{name}:{name}" for name in ("run", "resume", "evaluate", "predict")},
    "plugins": "dlcv.cli.plugins:plugins",
    "plugins.list": "dlcv.cli.plugins:list_plugins",
}
FOREIGN = '''"""One plugin of each kind that a run needs."""

from functools import partial

import numpy as np

from dlcv.api import (
    Experiment, Observers, Run, RunDirectory, backend, new_directory, predict_labelled,
    write_record, write_results,
)
from dlcv.interfaces import (
    Architecture, Curves, DatasetStore, Evaluation, Evaluator, LabelledImages, Preprocessor,
    Schedule, Trainer, option, plugin,
)


class Squares(LabelledImages):
    label_names = ("dark", "light")

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.labels = np.arange(60) % 2
        self.pixels = rng.integers(0, 90, (60, 8, 8, 3), np.uint8)
        self.pixels += (150 * self.labels).astype(np.uint8)[:, None, None, None]

    @property
    def image_shape(self):
        return (8, 8, 3)

    def read(self, indices):
        return self.pixels[np.asarray(indices)]

    def sample_id(self, index):
        return f"square {index}"

    def fingerprint(self):
        return str(self.pixels.sum())


@plugin
class Shades(DatasetStore):
    """Squares that are dark or light."""

    seed: int = option(0, help="seed of the noise")

    def splits(self):
        return ("train", "test")

    def open(self, split):
        return Squares(self.seed + (split == "test"))


@plugin
class Mirror(Preprocessor):
    """Mirrors every second image in training."""

    def __call__(self, images, rng=None):
        return images if rng is None else images[:, :, ::-1]

    def output_shape(self, shape):
        return shape


@plugin
class Tiny(Architecture):
    """Means of parts of the image."""

    def features(self, x):
        import keras

        x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="center")(x)
        return keras.layers.AveragePooling2D(4, name="pool")(x)


@plugin
class Steady(Schedule):
    """Keeps the learning rate."""

    def learning_rate(self, epoch, epochs, initial):
        return initial


@plugin
class Hits(Evaluator):
    """The share of right predictions."""

    def evaluate(self, predictions):
        right = predictions.probabilities.mean(axis=0).argmax(axis=1) == predictions.labels
        drawn = Curves("Hits", "images", "hits", {"so far": np.stack([right, right], 1)})
        return Evaluation({"hits": float(right.mean())}, drawings={"hits": drawn})


@plugin
class Fit(Trainer):
    """Fits a network with Keras, on all images at once."""

    def train(self, config, *, name, runs, force, yielding):
        experiment = Experiment.prepare(config, yielding=yielding)
        backend.start(1)
        from dlcv.api import build_parts

        network = build_parts(
            experiment.plugins.architecture, experiment.pipeline, experiment.input_shape, 2,
            config.precision,
        )
        write = partial(write_record, experiment, network, {})
        with new_directory(runs, name, "fitted", write, force=force) as directory:
            return self.fit(Run(directory), experiment, network.model, config.stages[0].epochs)

    def resume(self, path, *, from_epoch, changes):
        run = Run(RunDirectory(path))
        experiment = Experiment.reopen(run.config, run.pipeline)
        return self.fit(run, experiment, run.model, changes["epochs"])

    def load(self, path, *, checkpoint, method):
        return Run(RunDirectory(path), checkpoint=checkpoint)

    def summary(self, run):
        return [f"trained   {len(run.history)} epochs"]

    def fit(self, run, experiment, model, epochs):
        import keras

        from dlcv.api import History, checkpoints

        named, (schedule,) = experiment.config.stages[0].optimizer, experiment.plugins.schedules
        rate = schedule.rates(1, 1, named.options["learning_rate"])[0]
        optimizer = keras.optimizers.get({"class_name": named.name, "config": {}})
        optimizer.learning_rate = rate
        model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
        train, val = (
            next(experiment.loader(split).with_batch_size(60).epoch()) for split in ("train", "val")
        )
        observers, rows = Observers(experiment.config), run.history
        with observers.following(run):
            for epoch in range(len(rows) + 1, len(rows) + 1 + epochs):
                found = model.fit(*train, validation_data=val, verbose=0).history
                figures = {name: values[0] for name, values in found.items()}
                rows.append({"stage": 1, "epoch": epoch, **figures, "seconds": 0.0})
            History(run.path, rows).write()
            taken = checkpoints.take(model.variables, checkpoints.Position(1), rows)
            checkpoints.save(run.directory.checkpoints, taken)
            predictions = predict_labelled(model, experiment.loader("test"))
            hits = experiment.plugins.evaluators
            write_results(run.directory, predictions, hits, split="test", seconds=0.0)
            observers.finished(run)
        return run
'''
REPORT = '''"""Reports on a finished run, on a page of its own."""

from html import escape

from dlcv import hook


@hook
def dlcv_run_finished(run, result):
    lines = [
        f"{len(run.history)} epochs of {run.config.architecture} on {run.config.data}",
        f"classes: {', '.join(run.label_names)}",
        f"loss: {run.history[-1]['val_loss']:.3f}",
        *(f"{name}: {value:.0%}" for name, value in result.items()),
    ]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    (run.path / "report.html").write_text(f"<h1>{escape(run.path.name)}</h1><ul>{items}</ul>")
'''
POINTS = {
    "stores": {"shades": "acme_all:Shades"},
    "preprocessors": {"mirror": "acme_all:Mirror"},
    "architectures": {"tiny": "acme_all:Tiny"},
    "schedules": {"steady": "acme_all:Steady"},
    "evaluators": {"hits": "acme_all:Hits"},
    "trainers": {"fit": "acme_all:Fit"},
    "hooks": {"page": "acme_report"},
}
NAMED = {
    "--data": "shades", "--arch": "tiny", "--preproc": "mirror", "--schedule": "steady",
    "--optimizer": "adam(learning_rate=0.05)", "--eval": "hits",
    "--trainer": "fit",
}  # fmt: skip
PROGRAM = """
import contextlib, io, json, sys
from dlcv.__main__ import main

found = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["dlcv", *arguments]
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    found.append([code or 0, out.getvalue(), err.getvalue()])
loaded = sorted(name for name in sys.modules if name.startswith("dlcv_plugins"))
print(json.dumps([found, loaded]))
"""


def environment(folder: Path) -> dict[str, str]:
    """Returns variables with which Python sees the core, one foreign package, and libraries.

    Without the module `site` no path file leads to the plugins; each library is linked.
    """
    packages, libraries = folder / "packages", folder / "libraries"
    packages.mkdir()
    libraries.mkdir()
    (packages / "dlcv").symlink_to(CORE)
    install(packages, "dlcv", {"commands": COMMANDS}, version="0.1.0")
    install(packages, "acme-all", POINTS, {"acme_all": FOREIGN, "acme_report": REPORT})
    for path in map(Path, sys.path):
        if path.name not in ("site-packages", "dist-packages"):
            continue
        for entry in path.iterdir():
            is_ours = entry.name.startswith(("dlcv", "_dlcv")) or entry.suffix == ".pth"
            if not is_ours and not (libraries / entry.name).exists():
                (libraries / entry.name).symlink_to(entry)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (packages, libraries)))}


def flags(**others: str) -> list[str]:
    """Returns the flags that name the foreign package's plugins, some of them changed."""
    named = {**NAMED, **{f"--{name}": value for name, value in others.items()}}
    return [word for pair in named.items() for word in pair if pair[1]]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """The exit code, output and messages of one command after the other, in one process."""
    folder = tmp_path_factory.mktemp("alone")
    common = ["--epochs", "2", "--threads", "1"]
    commands = {
        "help": ["--help"],
        "run help": ["run", "--help"],
        "list": ["plugins", "list", "--check", "--json"],
        "no data": ["run", *flags(data=""), *common],
        "no network": ["run", *flags(arch=""), *common],
        "no schedule": ["run", *flags(schedule=""), *common],
        "no evaluators": ["run", *flags(eval=""), *common],
        "no optimizer": ["run", *flags(optimizer=""), *common],
        "no trainer": ["run", *flags(trainer=""), *common],
        "run": ["run", *flags(), *common, "--name", "made"],
        "resume": ["resume", "runs/made", "--epochs", "3"],
        "evaluate": ["evaluate", "runs/made", "--json"],
        "predict": ["predict", "runs/made", str(folder / "light.png"), "--json"],
        "other run": ["run", *flags(), *common, "--name", "other"],
        "several runs": ["evaluate", "runs/made", "runs/other"],
        "pictures": ["evaluate", "runs/made", "--save-to", "pictures"],
        "video": ["predict", "runs/made", "walk.mp4"],
        "recipe": ["run", "--config", "cifar10-lecture-cnn"],
        "snapshots": ["evaluate", "runs/made", "--checkpoint", "snapshots"],
    }
    import cv2
    import numpy as np

    (folder / "walk.mp4").write_bytes(b"frames")
    cv2.imwrite(str(folder / "light.png"), np.full((8, 8, 3), 230, np.uint8))
    process = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM, json.dumps(list(commands.values()))],
        env=environment(folder), cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    found, loaded = json.loads(process.stdout.splitlines()[-1])
    assert loaded == []
    ended = {name: tuple(result) for name, result in zip(commands, found, strict=True)}
    return {**ended, "report": (0, (folder / "runs" / "made" / "report.html").read_text(), "")}


def succeeded(ended: dict[str, Any], name: str) -> str:
    """Returns what a command printed; it must have ended well."""
    code, out, err = ended[name]
    assert code == 0, err
    return str(out)


def test_help_lists_the_core_s_commands_and_shows_no_default(ended: dict[str, Any]) -> None:
    listed = succeeded(ended, "help").partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line[2:3].isalpha()] == [
        name for name in COMMANDS if "." not in name
    ]
    assert "  --arch, --architecture SPEC     The network.\n" in succeeded(ended, "run help")
    assert "Examples" not in succeeded(ended, "run help")


def test_the_list_holds_the_core_s_commands_and_the_foreign_plugins(ended: dict[str, Any]) -> None:
    found = json.loads(succeeded(ended, "list"))
    assert {row["state"] for row in found} == {"available"}
    names = {row["name"] for row in found}
    assert names == {*(name for group in POINTS.values() for name in group), *COMMANDS}


@pytest.mark.parametrize(
    ("missing", "cure"),
    [
        ("data", "name a data set with --data"),
        ("network", "name a network with --arch"),
        ("schedule", "name a schedule with --schedule"),
        ("evaluators", "name evaluators with --eval"),
        ("optimizer", "name an optimizer with --optimizer"),
        ("trainer", "name a trainer with --trainer"),
    ],
)
def test_a_choice_that_nobody_makes_is_asked_for(
    ended: dict[str, Any], missing: str, cure: str
) -> None:
    code, out, err = ended[f"no {missing}"]
    assert (code, out, err) == (2, "", f"dlcv: {cure}; no default is installed\n")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("several runs", "nothing that is installed combines several runs; name one of them"),
        ("pictures", "--save-to: nothing that is installed draws pictures"),
        ("video", "walk.mp4: is no image of a known format"),
        ("recipe", "can't read cifar10-lecture-cnn: No such file or directory"),
        ("snapshots", 'checkpoint: expected last, best or an epoch, received "snapshots"'),
    ],
)
def test_what_a_missing_plugin_does_is_refused_in_a_line(
    ended: dict[str, Any], command: str, message: str
) -> None:
    code, out, err = ended[command]
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dlcv: {message}")


def test_it_trains(ended: dict[str, Any]) -> None:
    printed = succeeded(ended, "run")
    assert "trained   2 epochs" in printed
    assert "hits" in printed


def test_it_reports_by_the_foreign_hook(ended: dict[str, Any]) -> None:
    assert "look at   runs/made/report.html" in succeeded(ended, "run")
    page = succeeded(ended, "report")
    assert page.startswith("<h1>made</h1>")
    assert "<li>5 epochs of tiny on shades(seed=0)</li>" in page
    assert "<li>classes: dark, light</li>" in page
    assert "<li>hits: 100%</li>" in page


def test_it_resumes_evaluates_and_predicts(ended: dict[str, Any]) -> None:
    assert "trained   5 epochs" in succeeded(ended, "resume")
    evaluated = json.loads(succeeded(ended, "evaluate"))
    assert evaluated["images"] == 60
    assert evaluated["metrics"]["hits"] == 1
    (predicted,) = json.loads(succeeded(ended, "predict"))
    assert predicted["label"] == "light"
