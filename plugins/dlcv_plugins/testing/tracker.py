"""Checks of trackers, on a made-up run of two epochs in a temporary folder.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces import Plugin, RunView, Tracker
from dlcv.testing import Check


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for trackers."""
    return (
        check_run_is_followed,
        check_run_is_followed_after_an_interruption,
        check_run_without_epochs_is_followed,
        check_rows_and_run_stay_unchanged,
        check_files_of_the_run_stay_unchanged,
    )


def check_run_is_followed(tracker: Tracker) -> None:
    """A run is followed from its start to its end, and so is a second one in the same process."""
    for _ in range(2):
        with _made_run(tracker) as run:
            tracker.started(run)
            _train(tracker, run, 2)
            _finish(tracker, run)


def check_run_is_followed_after_an_interruption(tracker: Tracker) -> None:
    """A run that is stopped and continues has one start more, and may repeat an epoch."""
    with _made_run(tracker) as run:
        tracker.started(run)
        _train(tracker, run, 1)
        tracker.stopped(run)
        run.history.clear()
        tracker.started(run)
        _train(tracker, run, 2)
        _finish(tracker, run)


def check_run_without_epochs_is_followed(tracker: Tracker) -> None:
    """A fitted classifier has no epochs; several members together have no start, either."""
    with _made_run(tracker) as run:
        tracker.started(run)
        _finish(tracker, run)
    with _made_run(tracker) as run:
        _finish(tracker, run)


def check_rows_and_run_stay_unchanged(tracker: Tracker) -> None:
    """The same row goes to the history and to other trackers."""
    with _made_run(tracker) as run:
        tracker.started(run)
        _train(tracker, run, 2)
        _finish(tracker, run)
        assert run.history == [_row(1), _row(2)], (
            f"{tracker} changes the rows of the history to {run.history}; copy them first"
        )
        assert run.metrics == METRICS, f"{tracker} changes the metrics to {run.metrics}"


def check_files_of_the_run_stay_unchanged(tracker: Tracker) -> None:
    """A tracker adds files of its own, and leaves those of the run alone."""
    with _made_run(tracker) as run:
        before = {name: (run.path / name).read_bytes() for name in RUN_FILES}
        tracker.started(run)
        _train(tracker, run, 1)
        _finish(tracker, run)
        for name, content in before.items():
            path = run.path / name
            assert path.is_file(), f"{tracker} removes {name} of the run"
            assert path.read_bytes() == content, f"{tracker} changes {name} of the run"


METRICS = {"rank1": 0.75}
RUN_FILES = ("run.toml", "history.csv", "metrics.json")


@attrs.define
class _Named:
    name: str
    options: dict[str, Any] = attrs.field(factory=dict)

    def __str__(self) -> str:
        return self.name


@attrs.define
class _Stage:
    epochs: int = 2
    batch_size: int | None = None
    optimizer: _Named = attrs.field(factory=lambda: _Named("sgd", {"learning_rate": 0.1}))
    schedule: _Named = attrs.field(factory=lambda: _Named("steady"))
    loss: _Named = attrs.field(factory=lambda: _Named("categorical_crossentropy"))
    trainable: str = "all"


@attrs.define
class _Config:
    data: str = "photos"
    preprocessors: tuple[_Named, ...] = ()
    architecture: _Named = attrs.field(factory=lambda: _Named("network"))
    classifier: _Named | None = None
    evaluators: tuple[_Named, ...] = ()
    batch_size: int = 32
    seed: int = 42
    members: int = 1
    stages: tuple[_Stage, ...] = attrs.field(factory=lambda: (_Stage(),))


@attrs.define
class _Run:
    """A `RunView` that was not trained."""

    path: Path
    config: _Config = attrs.field(factory=_Config)
    label_names: tuple[str, ...] = ("cat", "dog")
    history: list[dict[str, Any]] = attrs.field(factory=list)
    metrics: dict[str, float] = attrs.field(factory=dict)
    finished: bool = False


@contextmanager
def _made_run(tracker: Tracker) -> Iterator[_Run]:
    try:
        tracker.require()
    except DlcvError as error:
        raise AssertionError(f"{tracker} can't be checked here: {error}") from None
    with tempfile.TemporaryDirectory() as folder:
        run = _Run(Path(folder) / "run")
        run.path.mkdir()
        for name in RUN_FILES:
            (run.path / name).write_text("{}\n")
        yield run


def _row(epoch: int) -> dict[str, Any]:
    measured = {"loss": 1 / epoch, "accuracy": 0.5, "val_loss": 2 / epoch, "val_accuracy": 0.25}
    return {"stage": 1, "epoch": epoch, **measured, "learning_rate": 0.1, "seconds": 1.5}


def _train(tracker: Tracker, run: _Run, epochs: int) -> None:
    for epoch in range(1, epochs + 1):
        run.history.append(_row(epoch))
        _call(tracker, "epoch", run, run.history[-1])


def _finish(tracker: Tracker, run: _Run) -> None:
    run.finished = True
    run.metrics = dict(METRICS)
    _call(tracker, "finished", run)


def _call(tracker: Tracker, method: str, run: RunView, *arguments: Any) -> None:
    try:
        getattr(tracker, method)(run, *arguments)
    except Exception as error:
        raise AssertionError(f"{tracker}: {method} fails for a made-up run: {error!r}") from error
