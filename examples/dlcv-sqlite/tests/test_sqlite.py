"""The tracker keeps dlcv's rules, and the command lists what it kept."""

import json
import sqlite3
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from dlcv_sqlite import FILE, Sqlite, leaderboard

from dlcv.errors import DlcvError
from dlcv.testing import conformance

test_rules_are_kept = conformance(Sqlite())
ROW = {
    "stage": 1, "epoch": 1, "loss": 2.0, "accuracy": 0.5, "val_loss": 3.0, "val_accuracy": 0.25,
    "learning_rate": 0.1, "seconds": 4.0,
}  # fmt: skip


def follow(folder, name, rank1, rows=(ROW,)):
    """Follows a run that was not trained."""
    run = SimpleNamespace(
        path=folder / name,
        config=SimpleNamespace(data="photos", architecture="resnet", seed=1),
        history=[],
        metrics={"rank1": rank1, "loss": 1 - rank1},
    )
    tracker = Sqlite()
    tracker.started(run)
    for row in rows:
        tracker.epoch(run, row)
    tracker.finished(run)


def told(folder, *arguments):
    """Returns what the command prints, as JSON."""
    given = [*arguments, "--json", "--file", str(folder / FILE)]
    return json.loads(CliRunner().invoke(leaderboard, given, catch_exceptions=False).output)


def test_the_best_run_comes_first(tmp_path):
    """By any metric, from either end."""
    for name, rank1 in (("one", 0.5), ("two", 0.75), ("three", 0.25)):
        follow(tmp_path, name, rank1)
    assert [row["run"] for row in told(tmp_path)] == ["two", "one", "three"]
    assert [row["run"] for row in told(tmp_path, "loss", "--lowest")] == ["two", "one", "three"]
    assert told(tmp_path)[0] == {
        "run": "two", "rank1": 0.75, "architecture": "resnet", "data": "photos"
    }  # fmt: skip


def test_a_run_that_begins_anew_replaces_the_one_before(tmp_path):
    """Its epochs, too; an epoch that comes twice is there once."""
    follow(tmp_path, "one", 0.5, [ROW, ROW, {**ROW, "epoch": 2}])
    follow(tmp_path, "one", 0.75)
    with sqlite3.connect(tmp_path / FILE) as database:
        assert database.execute("select run, epoch, loss from epochs").fetchall() == [("one", 1, 2)]
        assert database.execute("select value from metrics").fetchall() == [(0.75,), (0.25,)]


def test_what_is_missing_is_said(tmp_path):
    """An error that a user can mend."""
    with pytest.raises(DlcvError, match="train with --trackers sqlite"):
        told(tmp_path)
    follow(tmp_path, "one", 0.5)
    with pytest.raises(DlcvError, match='no metric "rank2"; there are loss, rank1'):
        told(tmp_path, "rank2")
