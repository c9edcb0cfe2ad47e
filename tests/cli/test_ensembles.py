"""Ensembles on the command line: members, any runs, and snapshots."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import forked
import numpy as np
import pytest

SMALL = (
    "--data", "digits(size=8)", "--arch", "mlp(units=4)", "--fraction", "0.1", "--threads", "1",
    "--checkpoint-every", "1",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import cv2

    path = tmp_path_factory.mktemp("work")
    cv2.imwrite(str(path / "digit.png"), np.zeros((8, 8), np.uint8))
    return path


@pytest.fixture(scope="module")
def trained(folder: Path) -> subprocess.CompletedProcess[str]:
    """A run of two members in two cycles each."""
    return forked.dlcv(
        "run", *SMALL, "--epochs", "2", "--schedule", "cyclic(cycles=2)", "--members", "2",
        "--name", "two", folder=folder, has_pictures=False,
    )  # fmt: skip


def test_members_are_trained_one_after_the_other_and_told_together(
    trained: subprocess.CompletedProcess[str],
) -> None:
    assert trained.returncode == 0, trained.stderr
    told = [line for line in trained.stderr.splitlines() if line.startswith("member ")]
    assert told == ["member 1 of 2, seed 42", "member 2 of 2, seed 43"]
    for words in (
        "run       runs/two",
        "trained   2 members in ",
        " % on the 40 held-out images of test",
        "ensemble by mean",
        "evaluate  dlcv evaluate runs/two",
    ):
        assert words in trained.stdout


def test_run_of_members_is_evaluated_and_predicts_as_a_run(
    trained: subprocess.CompletedProcess[str], folder: Path
) -> None:
    found = forked.dlcv("evaluate", "runs/two", "--json", folder=folder)
    said = forked.dlcv("predict", "runs/two", "digit.png", "--json", folder=folder)

    kept = json.loads((folder / "runs" / "two" / "metrics.json").read_text())
    assert json.loads(found.stdout)["metrics"] == kept["metrics"]
    assert json.loads(said.stdout)[0]["image"] == "digit.png"


def test_snapshots_of_a_run_and_of_members_are_evaluated(
    trained: subprocess.CompletedProcess[str], folder: Path
) -> None:
    one = forked.dlcv(
        "evaluate", "runs/two/members/1", "--checkpoint", "snapshots", "--eval", "ensemble",
        folder=folder,
    )  # fmt: skip
    both = forked.dlcv(
        "evaluate", "runs/two", "--checkpoint", "snapshots", "--preproc", "crop", folder=folder
    )

    assert one.returncode == 0, one.stderr
    assert "\nepoch 1 " in one.stdout
    assert "\nepoch 2 " in one.stdout
    assert "\nmember 2, epoch 1 " in both.stdout
    assert "WARNING" not in both.stderr


def test_any_runs_are_evaluated_together(
    trained: subprocess.CompletedProcess[str], folder: Path
) -> None:
    members = ("runs/two/members/1", "runs/two/members/2")

    done = forked.dlcv(
        "evaluate", *members, "--eval", "ensemble(method=vote)", "--json", folder=folder
    )

    rows = json.loads(done.stdout)["tables"]["ensemble"]["rows"]
    assert [row[0] for row in rows[:3]] == ["1", "2", "average of the members"]


def test_method_that_is_named_or_the_run_has_decides_all_figures_and_answers(
    trained: subprocess.CompletedProcess[str], folder: Path
) -> None:
    import dlcv

    members = [folder / "runs" / "two" / "members" / str(number) for number in (1, 2)]
    expected = dlcv.load(*members, method="vote").predictions().combined.max(axis=1).mean()
    voting = folder / "runs" / "voting"
    shutil.copytree(folder / "runs" / "two", voting)
    config = (voting / "run.toml").read_text()
    (voting / "run.toml").write_text(config.replace("method=mean", "method=vote"))

    named = forked.dlcv(
        "evaluate", *map(str, members), "--eval", "calibration, ensemble(method=vote)", "--json",
        folder=folder,
    )  # fmt: skip
    own = forked.dlcv("evaluate", voting, "--eval", "calibration", "--json", folder=folder)
    digit = folder / "digit.png"
    said = forked.dlcv("predict", "runs/voting", "digit.png", "--json", folder=folder)
    mean = forked.dlcv(
        "predict", "runs/voting", "digit.png", "--json", "--method", "mean", folder=folder
    )

    for done in (named, own):
        assert json.loads(done.stdout)["metrics"]["mean_confidence"] == pytest.approx(expected)
    for done, method in ((said, "vote"), (mean, "mean")):
        (answer,) = dlcv.load(*members, method=method).predict(digit)
        told = json.loads(done.stdout)[0]["classes"][0]["probability"]
        assert told == pytest.approx(answer.probability, abs=1e-5)


MISTAKES = {
    "the same run": (["evaluate", "runs/two", "runs/latest"], "are the same run; name each once"),
    "other settings": (["resume", "runs/two", "--epochs", "3"], "has 2 members, and each takes"),
    "no member": (["run", "--members", "0"], "--members: expected int >= 1, received 0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_gets_one_clear_line(
    trained: subprocess.CompletedProcess[str], folder: Path, mistake: str
) -> None:
    arguments, words = MISTAKES[mistake]

    done = forked.dlcv(*arguments, folder=folder)

    assert done.returncode == 2
    assert done.stderr.startswith("dlcv: ")
    assert words in done.stderr


@pytest.mark.slow
def test_members_that_were_stopped_are_resumed_with_the_command_that_is_told(folder: Path) -> None:
    arguments = ("run", *SMALL, "--epochs", "20", "--members", "2", "--name", "stopped")
    running = forked.Running(*arguments, folder=folder, has_pictures=False)
    second = folder / "runs" / "stopped" / "members" / "2" / "history.csv"
    while running.process.is_alive() and not second.exists():
        time.sleep(0.05)
    assert running.process.pid is not None
    os.kill(running.process.pid, signal.SIGTERM)
    done = running.wait(60)

    assert done.returncode == 143, done.stderr
    assert done.stderr.endswith(
        "stopped; everything is saved. Continue with:\n  dlcv resume runs/stopped\n"
    )
    resumed = forked.dlcv("resume", "runs/stopped", folder=folder, has_pictures=False)
    assert resumed.returncode == 0, resumed.stderr
    assert "member 1 of 2" not in resumed.stderr
    assert "trained   2 members in " in resumed.stdout
