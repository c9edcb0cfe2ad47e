"""From a run's directory to what its report is about."""

import functools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcv import registry
from dlcv.api import (
    Predictor,
    Results,
    Run,
    RunConfig,
    RunDirectory,
    find_store,
)
from dlcv.errors import DlcvError, first_line
from dlcv.interfaces import UNSPLIT, Evaluation, LabelledImages, Predictions
from dlcv.registry import Spec
from dlcv_plugins.kinds.finished_run import FinishedRun, Rows
from dlcv_plugins.report.neighbors import neighbors_of

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)


def finished_run(run: Predictor) -> FinishedRun:
    """Returns what there is to report about a run.

    What training found in this process is used as it is; for an older run, its evaluators run on
    its predictions.

    Raises:
        DlcvError: the run is not finished, its files are damaged, or it is an ensemble without a
            directory of its own.
    """
    members = _members(run)
    is_ensemble = bool(run.members)
    if not members or (is_ensemble and run.path in {member.path for member in members}):
        raise DlcvError(
            f"{run.path}: only a run has a report; use dlcv evaluate for exported models, and for "
            "several runs together"
        )
    results: Results | None = getattr(run, "results", None)
    predictions = results.predictions if results else run.predictions()
    name, config = _name(run.path), getattr(run, "config", None) or members[0].config
    environment, recorded = (
        _recorded(what, run, members[0]) for what in ("environment", "metrics")
    )
    found: list[tuple[str, Evaluation]] = []
    problems: dict[str, str] = {}
    if results:
        found = [(each.name, each.evaluation) for each in results.evaluated]
    else:
        for spec in run.evaluators:
            try:
                found.append((spec.name, _evaluated(spec, predictions)))
            except Exception as error:
                problems[spec.name] = _reason(error)
    return FinishedRun(
        name=name,
        path=run.path,
        config=config,
        environment=environment,
        results=recorded,
        predictions=predictions,
        histories=dict(_histories(predictions.member_names or (name,), members)),
        trained_row=members[0].trained_row if members[0].history and not is_ensemble else None,
        members=tuple(member.path for member in members) if is_ensemble else (),
        evaluations=tuple(found),
        problems=problems,
        further=_further(predictions, problems),
        predict=lambda split: run.predictions(split=split),
        member=lambda number: finished_run(members[number]),
        neighbors=functools.cache(
            lambda sample_ids, asked: neighbors_of(
                members, predictions, sample_ids, asked=asked, is_new=bool(results)
            )
        ),
        image=_Images(predictions, config, recorded["split"], getattr(run, "data", None)).image,
    )


def _members(run: Predictor) -> list[Run]:
    if isinstance(run, Run):
        return [run]
    return [member for member in run.members if isinstance(member, Run)]


def _name(path: Path) -> str:
    whole = RunDirectory(path).whole.path
    return path.name if whole == path else f"{whole.name}, member {path.name}"


def _recorded(what: str, *runs: Predictor) -> Any:
    """Reads a JSON file of the first run that has it; snapshots have those of their run."""
    directories = [RunDirectory(run.path) for run in runs]
    return next(d for d in directories if (d.path / f"{what}.json").exists()).read_json(what)


def _histories(names: tuple[str, ...], members: list[Run]) -> Iterator[tuple[str, Rows]]:
    for name, member in zip(names, members, strict=True):
        if rows := member.history:
            yield name, rows


def _evaluated(spec: Spec, predictions: Predictions) -> Evaluation:
    found: Evaluation = registry.create("evaluator", spec).evaluate(predictions)
    return found


def _further(
    predictions: Predictions, problems: dict[str, str]
) -> Callable[[str], Evaluation | None]:
    """Returns what runs evaluators that the run has not, each once."""

    @functools.cache
    def further(name: str) -> Evaluation | None:
        if name in problems:
            raise DlcvError(f"the evaluator {name} failed: {problems[name]}")
        if name not in registry.names("evaluator"):
            return None
        try:
            return _evaluated(Spec(name), predictions)
        except Exception as error:
            raise DlcvError(f"the evaluator {name} failed: {_reason(error)}") from error

    return further


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, DlcvError) else first_line(error)


class _Images:
    """The images of a run by their names; the data is opened with the first of them."""

    def __init__(self, predictions: Predictions, config: RunConfig, split: str, data: Any) -> None:
        self._labels = {
            sample_id: predictions.label_names[label]
            for sample_id, label in zip(predictions.sample_ids, predictions.labels, strict=True)
        }
        self._config, self._split, self._data = config, split, data

    def image(self, sample_id: str) -> "np.ndarray | None":
        """Returns an image; None if it is not there, or is held out and has another class now."""
        images, index = self._places.get(sample_id, (None, 0))
        if images is None:
            return None
        label = images.label_names[images.labels[index]]
        if self._labels.get(sample_id, label) != label:
            return None
        try:
            return images.read([index])[0]
        except (DlcvError, OSError, ValueError):
            return None

    @functools.cached_property
    def _places(self) -> dict[str, tuple[LabelledImages, int]]:
        splits = self._data.splits if self._data else self._opened()
        places: dict[str, tuple[LabelledImages, int]] = {}
        # The held-out images come last, so that their names mean them.
        for name in sorted(splits, key=self._split.__eq__):
            images = splits[name]
            places |= {images.sample_id(i): (images, i) for i in range(len(images))}
        return places

    def _opened(self) -> dict[str, LabelledImages]:
        """Opens all images by split, those last whose names mean the held-out ones.

        Data that the run divided need not be divided again: its images keep their names.
        """
        store = find_store(self._config.data)
        order = ("train", UNSPLIT, self._split)
        names = sorted(store.splits(), key=lambda n: order.index(n) if n in order else -1)
        return {name: store.open(name) for name in names}
