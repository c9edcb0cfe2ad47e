"""What a report is about: a run, or several together, and what they left behind."""

import os
from typing import Any

import attrs

from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv.evaluation.evaluate import Evaluated
from dlcv.interfaces import Predictions
from dlcv.runs.directory import RunDirectory
from dlcv.runs.ensemble import Ensemble
from dlcv.runs.predictor import Predictor
from dlcv.runs.results import Results, is_validation
from dlcv.runs.run import Run

REPORT = "report.html"


@attrs.frozen(eq=False)
class Subject:
    """A finished run, or several that answer together, with what was recorded of it.

    Attributes:
        run: What is reported on.
        members: The runs that it consists of: itself, or those of an ensemble.
        predictions: What it says about the held-out images.
        environment: What it was made with, as `environment.json` has it.
        metrics: What `metrics.json` has.
        evaluated: What the run's evaluators found, where that is known already.
    """

    run: Predictor
    members: tuple[Run, ...]
    predictions: Predictions
    environment: dict[str, Any]
    metrics: dict[str, Any]
    evaluated: tuple[Evaluated, ...] = ()

    @classmethod
    def of(cls, run: Predictor) -> "Subject":
        """Reads what there is to report.

        Raises:
            DlcvError: the run is not finished, its files are damaged, or it is an ensemble without
                a directory of its own.
        """
        members = tuple(_members(run))
        if not members or (isinstance(run, Ensemble) and run.path in {m.path for m in members}):
            raise DlcvError(
                f"{run.path}: only a run has a report; dlcv evaluate tells about exported models, "
                "and about several runs together"
            )
        results: Results | None = getattr(run, "results", None)
        predictions = results.predictions if results else run.predictions()
        directories = [RunDirectory(path) for path in (run.path, members[0].path)]
        environment, metrics = (
            next(d for d in directories if (d.path / f"{name}.json").exists()).read_json(name)
            for name in ("environment", "metrics")
        )
        evaluated = results.evaluated if results else ()
        return cls(run, members, predictions, environment, metrics, evaluated)

    @property
    def config(self) -> RunConfig:
        """The configuration; of several that were not trained together, the first's."""
        found = getattr(self.run, "config", None) or self.members[0].config
        assert isinstance(found, RunConfig)
        return found

    @property
    def name(self) -> str:
        """What names the run to people."""
        path = self.run.path
        whole = RunDirectory(path).whole.path
        return path.name if whole == path else f"{whole.name}, member {path.name}"

    @property
    def is_ensemble(self) -> bool:
        """Whether there are several members."""
        return isinstance(self.run, Ensemble)

    @property
    def split(self) -> str:
        """The split that was held out."""
        return str(self.metrics["split"])

    @property
    def training_seconds(self) -> float:
        """How long the training took, of all members."""
        return float(self.metrics["training_seconds"])

    @property
    def largest_class(self) -> float:
        """The share of the held-out images that the largest class has."""
        import numpy as np

        return float(np.bincount(self.predictions.labels).max() / len(self.predictions.labels))

    def images(self, split: str) -> int:
        """Returns how many images a split has; 0 where there is none."""
        return int(self.environment["data"].get("images", {}).get(split, 0))

    @property
    def tests_what_it_validates(self) -> bool:
        """Whether the held-out images are those of the validation."""
        return is_validation(self.environment, self.split)

    @property
    def histories(self) -> dict[str, list[dict[str, Any]]]:
        """The epochs of the members that have any, by the member's name."""
        names = self.predictions.member_names or (self.name,)
        pairs = zip(names, self.members, strict=True)
        return {name: rows for name, member in pairs if (rows := member.history)}

    def member_reports(self) -> list[tuple[str, str]]:
        """Returns the members' names with the addresses of their reports, seen from this one."""
        pages = [os.path.relpath(member.path / REPORT, self.run.path) for member in self.members]
        return list(zip(self.predictions.member_names, pages, strict=True))


def _members(run: Predictor) -> list[Run]:
    if isinstance(run, Run):
        return [run]
    inner = run.members if isinstance(run, Ensemble) else ()
    return [member for member in inner if isinstance(member, Run)]
