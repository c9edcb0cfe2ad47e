"""Files whose names are not UTF-8: every command works with them, and writes them down in JSON."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from forked import dlcv

LATIN = os.fsdecode(b"caf\xe9.png")
HOSTILE = "a\x1b[31m\u202e\x9b.png"
SETTINGS = ["--arch", "lenet(width=0.1)", "--epochs", "1", "--threads", "1", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, two of them with such names, and a run that was tested on those."""
    folder = tmp_path_factory.mktemp("names")
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4), ("test", 4)):
        for label, name in enumerate("ab"):
            (folder / "d" / split / name).mkdir(parents=True)
            for number in range(count):
                image = rng.integers(0, 80, (24, 24, 3), np.uint8)
                image[..., label] += 150
                file = folder / "d" / split / name / f"{number}.png"
                cv2.imwrite(str(file), image)
    (folder / "d/test/a/0.png").rename(folder / "d/test/a" / LATIN)
    (folder / "d/test/b/0.png").rename(folder / "d/test/b" / HOSTILE)
    evaluators = ["--eval", "rank, worst_mistakes(count=8)"]
    trained = command(folder, "run", "--data", "d", "--name", "run", *SETTINGS, *evaluators)
    assert trained == "runs/run\n"
    return folder


def command(folder: Path, *arguments: str) -> str:
    done = dlcv(*arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_ends_with_its_figures_and_its_report(folder: Path) -> None:
    text = (folder / "runs/run/metrics.json").read_text(encoding="utf-8")
    assert {"\x1b", "\x9b", "\u202e"}.isdisjoint(text)
    assert (folder / "runs/run/report.html").exists()


def test_features_hold_the_bytes_of_names(folder: Path) -> None:
    command(folder, "extract", "--base", "runs/run", "--data", "d", "--out", "f", "--quiet")
    with h5py.File(folder / "f/test.hdf5") as file:
        names = {os.path.basename(name) for name in file["sample_ids"][()]}
    assert {b"caf\xe9.png", os.fsencode(HOSTILE)} <= names
    command(folder, "fit", "f", "--name", "fitted", "--quiet")
    assert json.loads(command(folder, "evaluate", "runs/fitted", "--json"))["images"] == 8


def test_transfer_works(folder: Path) -> None:
    command(folder, "transfer", "--base", "runs/run", "--data", "d", "--name", "tr", "--quiet")
    shown = command(folder, "evaluate", "runs/tr", "--eval", "worst_mistakes", "--json")
    assert json.loads(shown)["images"] == 8


def test_predictions_are_json_that_escapes_and_csv_with_the_bytes(folder: Path) -> None:
    printed = command(folder, "predict", "runs/run", "d/test", "--json")
    assert {"\x1b", "\x9b", "\u202e"}.isdisjoint(printed)
    printed.encode()
    named = {os.path.basename(row["image"]) for row in json.loads(printed)}
    assert {LATIN, HOSTILE} <= named
    rows = csv.DictReader(io.StringIO(command(folder, "predict", "runs/run", "d/test", "--csv")))
    assert {os.path.basename(row["image"]) for row in rows} == named


def test_data_check_names_them(folder: Path) -> None:
    (folder / "d/test/a/twin.png").write_bytes((folder / "d/test/a" / LATIN).read_bytes())
    done = dlcv("data", "check", "d", "--json", folder=folder)
    shown = dlcv("data", "check", "d", "--report", "check.html", folder=folder)
    (folder / "d/test/a/twin.png").unlink()
    assert json.loads(done.stdout)["findings"]
    assert r"caf\udce9.png" in done.stdout
    assert "caf\N{REPLACEMENT CHARACTER}.png" in shown.stdout
    assert (folder / "check.html").exists()


def test_a_folder_of_data_may_have_such_a_name(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / os.fsdecode(b"d\xe9")
    data.symlink_to(folder / "d")
    command(tmp_path, "run", "--data", data.name, "--name", "r", *SETTINGS)
    shown = command(tmp_path, "evaluate", "runs/r", "--split", "val", "--json")
    assert json.loads(shown)["images"] == 8
    command(tmp_path, "data", "build", data.name, "--out", "packed", "--size", "24")
    command(tmp_path, "transfer", "--base", "runs/r", "--data", data.name, "--quiet")


def test_what_a_configuration_can_not_hold_is_refused_before_training(folder: Path) -> None:
    weights = os.fsdecode(b"w\xe9.keras")
    (folder / weights).write_bytes((folder / "runs/run/model.keras").read_bytes())
    done = dlcv(
        "run", "--data", "d", "--name", "w", *SETTINGS, "--initial-weights", weights, folder=folder
    )
    told = (
        "dlcv: initial_weights: w\N{REPLACEMENT CHARACTER}.keras is not UTF-8, so run.toml can't "
        "hold it; rename the file or folder\n"
    )
    assert (done.returncode, done.stderr) == (2, told)
    assert not (folder / "runs/w").exists()


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """Returns what a command prints where the standard output is a terminal."""
    ours, terminal = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "dlcv", *arguments], cwd=folder, stdout=terminal, check=True
    )
    os.close(terminal)
    shown = os.read(ours, 100_000)
    os.close(ours)
    return shown.decode(errors="surrogateescape")


def test_csv_on_a_terminal_does_not_act_on_names(folder: Path) -> None:
    shown = on_a_terminal(folder, "predict", "runs/run", "d/test", "--csv", "--quiet")
    assert "caf\N{REPLACEMENT CHARACTER}.png" in shown
    assert {"\x1b", "\x9b", "\u202e", "\udce9"}.isdisjoint(shown)
