"""The checks of trackers catch trackers that are wrong."""

import json

import pytest

from dlcv.errors import DlcvError
from dlcv.interfaces import Tracker, plugin
from dlcv.testing import check_plugin


@plugin
class Good(Tracker):
    """A line for each event in a file of its own."""

    def started(self, run):
        self._write(run, "started")

    def epoch(self, run, row):
        self._write(run, "epoch", **row)

    def finished(self, run):
        self._write(run, "finished", **run.metrics)

    def _write(self, run, event, **content):
        with open(run.path / "events.jsonl", "a") as file:
            file.write(json.dumps({"event": event, **content}) + "\n")


def wrong(name, **methods):
    """Returns a tracker that differs from the good one in some methods."""
    return plugin(type(name, (Good,), {"__doc__": "A wrong tracker.", **methods}))()


def fails(self, *arguments):
    raise DlcvError("no such server")


def changes_the_row(self, run, row):
    row.pop("seconds")


def changes_the_metrics(self, run):
    run.metrics["best"] = 1.0


def replaces_the_history(self, run, row):
    (run.path / "history.csv").write_text("mine")


def removes_the_metrics(self, run):
    (run.path / "metrics.json").unlink()


def needs_epochs(self, run):
    run.history[-1]


def repeats_no_epoch(self, run, row):
    with open(run.path / f"{row['epoch']}.json", "x") as file:
        json.dump(row, file)


def test_good_tracker_passes():
    check_plugin(Good())


@pytest.mark.parametrize(
    ("tracker", "message"),
    [
        (wrong("Missing", require=fails), "can't be checked here: no such server"),
        (wrong("Failing", epoch=fails), "epoch fails for a made-up run"),
        (wrong("Changing", epoch=changes_the_row), "changes the rows of the history"),
        (wrong("Adding", finished=changes_the_metrics), "changes the metrics"),
        (wrong("Replacing", epoch=replaces_the_history), "changes history.csv of the run"),
        (wrong("Removing", finished=removes_the_metrics), "removes metrics.json of the run"),
        (wrong("Greedy", finished=needs_epochs), "check_run_without_epochs_is_followed"),
        (wrong("Once", epoch=repeats_no_epoch), "check_run_is_followed_after_an_interruption"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Tracker) else "",
)
def test_wrong_tracker_is_caught(tracker, message):
    with pytest.raises(AssertionError, match=message):
        check_plugin(tracker)
