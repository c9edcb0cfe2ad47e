"""Runs side by side: the settings that differ, and what came of them."""

import logging
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from dlcv.api import LATEST, Run, RunDirectory, best_row
from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluation, is_validation
from dlcv_plugins.commands.compare.differences import differing_settings, networks
from dlcv_plugins.recorded_metrics import from_json

logger = logging.getLogger(__name__)
GUESSING = "random guessing"
LARGEST = "largest class"
RANK = re.compile(r"rank(\d+)")
CLEAR = 0.01
"""The largest class has a row of its own where its share is so much above that of guessing."""


@attrs.frozen
class Row:
    """A run, or what a run has to beat.

    Attributes:
        run: Its name; its path where several have the name.
        network: The network, with options that others of the name have otherwise.
        settings: The settings that differ between the runs, as text by name.
        best_accuracy: The validation accuracy of the best epoch, the one with the lowest validation
            loss, as for `--checkpoint best`; from 0 to 1, None where it is not known.
        best_epoch: The best epoch; None without epochs.
        last_accuracy: The validation accuracy of the last epoch.
        last_epoch: The last epoch.
        split: The split that it was tested on; empty while it is not finished.
        images: The number of images that it was tested on.
        evaluation: The figures on them; empty while it is not finished.
        parameters: The parameters of its network, or of all its members; None for older runs.
        seconds: How long it has been trained.
        remarks: What sets it apart, such as `not finished`.
        history: Its epochs.
    """

    run: str
    network: str = ""
    settings: dict[str, str] = attrs.field(factory=dict)
    best_accuracy: float | None = None
    best_epoch: int | None = None
    last_accuracy: float | None = None
    last_epoch: int | None = None
    split: str = ""
    images: int | None = None
    evaluation: Evaluation = attrs.field(factory=lambda: Evaluation({}))
    parameters: int | None = None
    seconds: float | None = None
    remarks: tuple[str, ...] = ()
    history: list[dict[str, Any]] = attrs.field(factory=list, repr=False)

    @property
    def metrics(self) -> dict[str, float]:
        """The figures by name."""
        return self.evaluation.metrics

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % intervals of figures, by their names."""
        return self.evaluation.intervals


@attrs.frozen
class _Found:
    """A run with what it recorded; the metrics are empty while it is not finished."""

    run: Run
    environment: dict[str, Any]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]

    @classmethod
    def read(cls, directory: RunDirectory) -> "_Found":
        """Reads a run; raises `DlcvError` if its files are damaged."""
        run = Run(directory)
        metrics = directory.read_json("metrics") if run.finished else {}
        return cls(run, directory.read_json("environment"), metrics, run.history)

    @property
    def held_out(self) -> str:
        """The fingerprint of the images that it was tested on; empty if it was not."""
        fingerprints: dict[str, str] = self.environment["data"]["fingerprints"]
        return fingerprints.get(self.metrics.get("split", ""), "")


def compare(paths: Iterable[str | os.PathLike[str]]) -> list[Row]:
    """Returns runs side by side, random guessing first; no network is loaded.

    Args:
        paths: The runs' directories. A run that is named twice, as by the link `latest`, is there
            once; what is no run, or is damaged, is left out with a warning.

    Raises:
        DlcvError: there is no run among them that can be read.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = _found(given)
    first = next((each for each in found if each.metrics), found[0])
    configs = [each.run.config for each in found]
    rows = [
        _row(each, first, name, network, settings)
        for each, name, network, settings in zip(
            found,
            _names([each.run.path for each in found]),
            networks(configs),
            differing_settings(configs),
            strict=True,
        )
    ]
    return [*_to_beat(first), *rows]


def _found(paths: Sequence[str | os.PathLike[str]]) -> list[_Found]:
    """Returns the runs among paths, each once."""
    found: dict[Path, _Found] = {}
    problems = []
    # The link that names the last run has no say in the order.
    for path in sorted(map(Path, paths), key=lambda path: path.name == LATEST):
        try:
            directory = RunDirectory.existing(path)
            if directory.path not in found:
                found[directory.path] = _Found.read(directory)
        except DlcvError as error:
            problems.append(error)
    if not found:
        raise next(iter(problems), DlcvError("there is no run to compare; name at least one"))
    for problem in problems:
        logger.warning("left out: %s", problem)
    return list(found.values())


def _row(each: _Found, first: _Found, name: str, network: str, settings: dict[str, str]) -> Row:
    history, metrics = each.history, each.metrics
    best = best_row(history) if history else {}
    last = history[-1] if history else {}
    seconds = metrics.get("training_seconds", sum(row["seconds"] for row in history))
    parameters = each.environment.get("parameters")
    return Row(
        run=name,
        network=network,
        settings=settings,
        best_accuracy=best.get("val_accuracy", metrics.get("validation_accuracy")),
        best_epoch=int(best["epoch"]) if best else None,
        last_accuracy=last.get("val_accuracy"),
        last_epoch=int(last["epoch"]) if last else None,
        split=metrics.get("split", ""),
        images=metrics.get("images"),
        evaluation=from_json(metrics),
        parameters=parameters and parameters * each.run.config.members,
        seconds=seconds,
        remarks=_remarks(each, first),
        history=history,
    )


def _remarks(each: _Found, first: _Found) -> tuple[str, ...]:
    """Returns what sets a run apart from the first one."""
    remarks = [] if each.metrics else ["not finished"]
    if {*each.run.label_names} != {*first.run.label_names}:
        remarks.append("other classes")
    if each.metrics and each.held_out != first.held_out:
        remarks.append("other held-out images")
    if each.metrics and is_validation(each.environment, each.metrics["split"]):
        remarks.append("tested on validation images")
    return tuple(remarks)


def _to_beat(first: _Found) -> list[Row]:
    """Returns what a run has to beat: guessing, and the largest class where that is more."""
    classes = len(first.run.label_names)
    share = 1 / classes
    figures: dict[str, float] = first.metrics.get("metrics", {})
    chance = {name: min(1.0, rank / classes) for name, rank in ranks_of(figures).items()}
    guessing = Evaluation(chance, units=dict.fromkeys(chance, "%"))
    rows = [Row(GUESSING, best_accuracy=share, last_accuracy=share, evaluation=guessing)]
    largest = figures.get("largest_class", 0.0)
    if largest > share + CLEAR:
        rows.append(Row(LARGEST, evaluation=Evaluation({"rank1": largest}, units={"rank1": "%"})))
    return rows


def ranks_of(metrics: Iterable[str]) -> dict[str, int]:
    """Returns the ranks of those metrics that are rank-k accuracies, by the metric's name."""
    return {name: int(found[1]) for name in metrics if (found := RANK.fullmatch(name))}


def _names(paths: Sequence[Path]) -> list[str]:
    """Returns the runs' names, or their paths where a name is not the only one."""
    names = [path.name for path in paths]
    return [
        str(path) if names.count(name) > 1 else name
        for path, name in zip(paths, names, strict=True)
    ]
