"""`dlcv run`, `resume`, `evaluate` and `predict` through real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import forked
import numpy as np
import pytest
from written_runs import write_run

import dlcv as api
from dlcv.api import GradientDescent, load_run
from dlcv.cli.run import finish
from dlcv.config import StageConfig

SMALL = ("--arch", "lenet(width=0.2)", "--input-size", "16", "--threads", "1", "--batch-size", "8")


def dlcv(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return forked.dlcv(*arguments, folder=folder, has_pictures=False)


def dlcv_anew(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a process that imports what it needs."""
    return subprocess.run(
        [sys.executable, "-m", "dlcv", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def make_images(folder: Path, classes: dict[str, int], size: int | None = None) -> Path:
    rng = np.random.default_rng(0)
    for label, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            height, width = (size, size) if size else rng.integers(18, 40, 2)
            image = rng.integers(0, 60, (height, width, 3), np.uint8)
            image[..., label % 3] += 180
            cv2.imwrite(str(folder / name / f"{number:02d}.jpg"), image)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    make_images(folder / "photos", {"blue": 12, "green": 12, "red": 12})
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> subprocess.CompletedProcess[str]:
    return dlcv_anew(
        "run", "--data", "photos", "--preproc", "scale", *SMALL,
        "--epochs", "6", "--name", "small", folder=folder,
    )  # fmt: skip


def test_run_tells_what_it_does_and_what_to_do_next(
    trained: subprocess.CompletedProcess[str],
) -> None:
    assert trained.returncode == 0, trained.stderr
    messages = trained.stderr.splitlines()
    assert "photos: recognized as folder" in messages
    assert any("added aspect_aware(size=(16, 16)" in m for m in messages)
    assert sum(m.startswith("epoch ") and "validation loss" in m for m in messages) == 6
    assert "epoch 6 of 6: loss " in messages[-1]
    assert "\x1b" not in trained.stderr
    for line in (
        "run       runs/small",
        "look at   runs/small/report.html",
        "evaluate  dlcv evaluate runs/small",
        "predict   dlcv predict runs/small IMAGE_OR_FOLDER",
    ):
        assert line in trained.stdout
    assert "% on the 7 held-out images of test" in trained.stdout


def test_quiet_leaves_the_path_alone_for_scripts(folder: Path) -> None:
    done = dlcv(
        "run", "--data", "photos", "--preproc", "scale", *SMALL, "--epochs", "1", "--name", "q",
        "--quiet", folder=folder,
    )  # fmt: skip
    assert done.stdout == "runs/q\n"
    assert [m for m in done.stderr.splitlines() if not m.startswith('warning: "')] == []


def test_standard_error_holds_nothing_from_the_libraries(
    trained: subprocess.CompletedProcess[str],
) -> None:
    known = (
        "photos: recognized",
        'warning: "blue" has',
        "epoch ",
        "the images differ",
        "lenet with ",
        "computes on cpu (1 thread) with ",
    )

    assert [m for m in trained.stderr.splitlines() if not m.startswith(known)] == []


def test_evaluate_prints_figures_by_class(
    trained: subprocess.CompletedProcess[str], folder: Path
) -> None:
    shown = dlcv("evaluate", "runs/latest", folder=folder)
    chosen = dlcv("evaluate", "runs/small", "--eval", "rank(k=2)", "--json", folder=folder)

    assert "7 images" in shown.stdout
    assert "precision" in shown.stdout
    assert set(json.loads(chosen.stdout)["metrics"]) == {"rank1", "rank2", "largest_class"}


def test_evaluate_takes_other_data(trained: subprocess.CompletedProcess[str], folder: Path) -> None:
    done = dlcv("evaluate", "runs/small", "--data", "photos", "--json", folder=folder)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["tables"]["by_class"]["rows"][-1][-1] == 36
    assert found["metrics"]["rank1"] > 0.6


def test_predict_prints_json_for_files_and_folders(
    trained: subprocess.CompletedProcess[str], folder: Path
) -> None:
    done = dlcv(
        "predict", "runs/small", "photos/red/03.jpg", "photos/blue", "--top", "2", "--json",
        folder=folder,
    )  # fmt: skip

    rows = json.loads(done.stdout)
    assert [r["image"] for r in rows][:2] == ["photos/red/03.jpg", "photos/blue/00.jpg"]
    assert len(rows) == 13
    assert all(len(r["classes"]) == 2 for r in rows)
    assert rows[0]["classes"][0]["probability"] >= rows[0]["classes"][1]["probability"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
        (signal.SIGKILL, -9),
    ],
)
def test_stopped_run_is_resumed_to_its_end(
    trained: subprocess.CompletedProcess[str], folder: Path, number: int, code: int
) -> None:
    name = f"stopped-{number}"
    running = forked.Running(
        "run", "--config", "runs/small/run.toml", "--checkpoint-every", "1", "--epochs", "20",
        "--name", name, folder=folder, has_pictures=False,
    )  # fmt: skip
    history = folder / "runs" / name / "history.csv"
    while running.process.is_alive():
        if history.exists() and len(history.read_text().splitlines()) > 3:
            break
        time.sleep(0.05)
    assert running.process.pid is not None
    os.kill(running.process.pid, number)
    done = running.wait(60)

    assert done.returncode == code, done.stderr
    if number != signal.SIGKILL:
        assert f"dlcv resume runs/{name}" in done.stderr
    # The others leave what the first one leaves.
    if number in (signal.SIGINT, signal.SIGKILL):
        done_before = len(history.read_text().splitlines()) - 1
        resumed = dlcv("resume", f"runs/{name}", folder=folder)
        assert resumed.returncode == 0, resumed.stderr
        assert f"epoch {done_before} of" not in resumed.stderr or number == signal.SIGKILL
        assert "trained   20 epochs" in resumed.stdout


def test_resuming_after_the_data_changed_is_refused(
    trained: subprocess.CompletedProcess[str], folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    subprocess.run(["cp", "-r", str(folder / "runs" / "small"), str(run)], check=True)
    (run / "metrics.json").unlink()
    photos = make_images(tmp_path / "photos", {"blue": 12, "green": 12, "red": 13})
    config = (run / "run.toml").read_text()
    (run / "run.toml").write_text(config.replace(str(folder / "photos"), str(photos)))

    done = dlcv("resume", str(run), folder=folder)

    assert done.returncode == 2
    assert "changed since the run began" in done.stderr


def test_finished_run_goes_on_by_hand(
    trained: subprocess.CompletedProcess[str], folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    subprocess.run(["cp", "-r", str(folder / "runs" / "small"), str(run)], check=True)
    options = ("--learning-rate", "0.0005", "--schedule", "constant", "--epochs", "2")

    done = dlcv("resume", str(run), *options, "--from-epoch", "5", folder=folder)

    assert done.returncode == 0, done.stderr
    assert "learning rate 0.0005 (so far 0.00" in done.stderr
    assert "stage 2, epoch 2 of 2: loss" in done.stderr
    assert "trained   7 epochs" in done.stdout
    rows = (run / "history.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[5:]] == [["1", "5"], ["2", "6"], ["2", "7"]]
    wrong = dlcv("resume", str(run), *options, "--from-epoch", "9", folder=folder)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("dlcv: ")
    assert "no checkpoint of epoch 9; there are those of" in wrong.stderr


@pytest.fixture(scope="module")
def flawed(folder: Path) -> Path:
    """Data sets that can't be trained on, each in its own way."""
    make_images(folder / "one_class", {"cat": 5})
    make_images(folder / "too_few", {"cat": 20, "rare": 1})
    make_images(folder / "tiny", {"cat": 10, "dog": 10}, size=12)
    cut = make_images(folder / "cut", {"cat": 10, "dog": 10}, size=24) / "dog" / "07.jpg"
    cut.write_bytes(cut.read_bytes()[:-60])
    (folder / "empty").mkdir()
    (folder / "no_images" / "cat").mkdir(parents=True)
    (folder / "typo.toml").write_text('architecure = "lenet"\n')
    return folder


# What a user got wrong, and words of the one line that says so.
MISTAKES = {
    "unknown network": (["--arch", "resnest"], 'unknown architecture "resnest"', '"resnet"'),
    "unknown option": (["--arch", "resnet(stage=3)"], 'no option "stage"', '"stages"'),
    "out of range": (["--arch", "resnet(l2=-1)"], "l2: expected float >= 0, received -1"),
    "broken spec": (["--preproc", "mean, patch(size="], "can't read", "column"),
    "a name before data": (["--data", "nowhere", "--name", "a/b"], "can't be the name of a run"),
    "no such folder": (["--data", "nowhere"], "no such file or folder: nowhere"),
    "no class folders": (["--data", "empty"], "no data set is recognized"),
    "no images": (["--data", "no_images"], "no data set is recognized"),
    "one class": (["--data", "one_class"], "at least two classes", "cat"),
    "too few images": (["--data", "too_few"], "rare (1 image)", "too few images"),
    "cut image": (["--data", "cut"], "cut/dog/07.jpg", "can't be decoded completely"),
    "existing run": (["--name", "small"], "runs/small exists already", "--force"),
    "name of the link": (["--name", "latest"], "always names the last run"),
    "file in place of a folder": (["--runs", "typo.toml"], "typo.toml is no folder"),
    "mistyped key": (
        ["--config", "typo.toml"], 'typo.toml: unknown key "architecure"', '"architecture"',
    ),
    "number of epochs": (["--epochs", "0"], "--epochs: expected int >= 1, received 0"),
    "sizes disagree": (
        ["--data", "photos", "--preproc", "simple(size=8), scale", "--input-size", "16"],
        "end with 8 x 8 pixels", "16 x 16",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_gets_one_clear_line_before_anything_is_written(
    trained: subprocess.CompletedProcess[str], flawed: Path, mistake: str
) -> None:
    arguments, *words = MISTAKES[mistake]
    before = sorted(p.name for p in (flawed / "runs").iterdir())

    done = dlcv("run", *arguments, folder=flawed)

    line = done.stderr.splitlines()[-1]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert line.startswith("dlcv: ")
    assert all(word in line for word in words), line
    assert sorted(p.name for p in (flawed / "runs").iterdir()) == before


# These need the network, and so Keras.
LATE_MISTAKES = {
    "patch too large": (
        ["--data", "tiny", "--arch", "shallownet", "--preproc", "patch(size=20), scale"],
        "tiny/", "12 x 12 pixels is smaller than the patch (20 x 20)",
    ),
    "input too small": (
        ["--data", "photos", "--arch", "lenet", "--preproc", "simple(size=2), scale"],
        "can't take images of 2 x 2 pixels",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", LATE_MISTAKES)
def test_mistake_that_the_network_shows_leaves_no_run_behind(
    trained: subprocess.CompletedProcess[str], flawed: Path, mistake: str
) -> None:
    arguments, *words = LATE_MISTAKES[mistake]

    done = dlcv("run", *arguments, "--runs", "late", folder=flawed)

    line = done.stderr.splitlines()[-1]
    assert done.returncode == 2, done.stderr
    assert line.startswith("dlcv: ")
    assert all(word in line for word in words), line
    assert not list((flawed / "late").glob("*"))


def test_missing_back_end_is_named(flawed: Path) -> None:
    done = dlcv_anew("run", "--runs", "late", folder=flawed, KERAS_BACKEND="torch")

    assert done.returncode == 2
    assert 'back end "torch"' in done.stderr.splitlines()[-1]


def test_bad_images_are_skipped_and_counted_on_request(flawed: Path) -> None:
    done = dlcv(
        "run", "--data", "cut", "--bad-images", "skip", *SMALL, "--epochs", "1",
        "--name", "skipping", folder=flawed,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "unreadable images are left out: 1" in done.stderr
    record = json.loads((flawed / "runs" / "skipping" / "environment.json").read_text())
    assert sum(record["data"]["images"].values()) == 19
    assert "cut/dog/07.jpg" in record["data"]["skipped"][0]


def test_classes_that_the_model_does_not_know_are_named(
    trained: subprocess.CompletedProcess[str], flawed: Path
) -> None:
    done = dlcv("evaluate", "runs/small", "--data", "tiny", folder=flawed)

    assert done.returncode == 2
    assert "does not know the classes cat, dog" in done.stderr


def test_resuming_on_another_back_end_is_warned_of(tmp_path: Path) -> None:
    run = api.run(
        data="digits(size=8)", architecture="mlp(units=4)", epochs=1, fraction=0.1, threads=1,
        runs=tmp_path, name="run",
    ).path  # fmt: skip
    (run / "metrics.json").unlink()
    record = json.loads((run / "environment.json").read_text())
    record["libraries"]["keras"], record["back_end"] = "3.0.0", "jax"
    (run / "environment.json").write_text(json.dumps(record))

    done = dlcv("resume", str(run), folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "warning: back end jax, now tensorflow: the run may end with different" in done.stderr
    assert "warning: keras 3.0.0, now 3." in done.stderr


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "70.00 % accuracy after the last epoch"),
        ({"early_stopping": 1}, "80.00 % accuracy after epoch 3, the best"),
        (
            {"early_stopping": 1, "early_stopping_weights": "last"},
            "70.00 % accuracy after the last epoch",
        ),
    ],
)
def test_accuracy_is_that_of_the_epoch_that_the_weights_are_from(
    tmp_path: Path, settings: dict[str, Any], expected: str
) -> None:
    losses, accuracies = (0.1, 0.9, 0.5, 0.6), (0.9, 0.6, 0.8, 0.7)
    rows = [
        {
            "stage": 1 + (i > 0),
            "epoch": i + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": loss,
            "val_accuracy": accuracy,
            "seconds": 1.0,
        }
        for i, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True))
    ]
    stages = (StageConfig(), StageConfig(**settings))
    path = write_run(tmp_path / "run", rows=rows, stages=stages, metrics={"rank1": 0.7})

    lines = GradientDescent().summary(load_run(path))

    assert lines[1] == f"validated {expected}"


@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_a_stopped_run_offers_only_what_can_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], has_checkpoint: bool
) -> None:
    run = load_run(write_run(tmp_path / "run", rows=[]))
    if has_checkpoint:
        run.directory.checkpoints.mkdir()
        (run.directory.checkpoints / "epoch_0001_step_000000010_stage_0.checkpoint").touch()
    run.stopped_by = signal.SIGINT
    with pytest.raises(SystemExit, match="130"):
        finish(run)

    output = capsys.readouterr().err
    assert f"dlcv resume {run.path}\n" in output
    assert ("everything is saved" in output) == has_checkpoint
    assert ("nothing is trained yet" in output) != has_checkpoint
    assert ("--learning-rate RATE" in output) == has_checkpoint
