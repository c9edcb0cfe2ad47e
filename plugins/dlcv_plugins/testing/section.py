"""Checks of sections of the report.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

from pathlib import Path

from dlcv.interfaces import Evaluation, Plugin, Predictions
from dlcv.testing import Check
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for sections."""
    return (check_content_can_be_shown, check_same_run_same_content)


def check_content_can_be_shown(section: Section) -> None:
    """A section gives None or content that the page can lay out, for every kind of run."""
    from dlcv_plugins.report.parts import Preparation

    for what, run in _runs().items():
        content = _rendered(section, what, run)
        if content is None:
            continue
        assert isinstance(content, SectionContent), f"{section} returns a {type(content).__name__}"
        try:
            Preparation(run).parts(content.parts)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"the page can't show what {section} returns: {error}") from None


def check_same_run_same_content(section: Section) -> None:
    """A section is a pure function, which leaves its run alone."""
    for what, run in _runs().items():
        before = _state(run)
        first = repr(_rendered(section, what, run))
        second = repr(_rendered(section, what, run))
        assert first == second, f"{section} renders the same run in two ways"
        assert _state(run) == before, f"{section} changes the run that it is given"


def _rendered(section: Section, what: str, run: FinishedRun) -> SectionContent | None:
    try:
        return section.render(run)
    except Exception as error:
        raise AssertionError(f"{section} fails for {what}: {error!r}; return None") from error


def _state(run: FinishedRun) -> tuple[object, ...]:
    """Returns all that a section could change about a run, to compare."""
    predictions = run.predictions
    arrays = (predictions.probabilities.tobytes(), predictions.labels.tobytes())
    return (*map(repr, (run.environment, run.results, run.histories, run.config)), *arrays)


def _runs() -> dict[str, FinishedRun]:
    """Returns each kind of run, by what it is called."""
    rows = [
        {
            "stage": 1, "epoch": epoch, "loss": 1 / epoch, "accuracy": 0.5, "val_loss": 1.0,
            "val_accuracy": 0.5, "learning_rate": 0.1, "seconds": 1.0,
        }
        for epoch in (1, 2)
    ]  # fmt: skip
    return {
        "a network": _run(1, {"run": rows}),
        "a fitted classifier, which has no epochs": _run(1, {}),
        "an ensemble": _run(2, {"member 1": rows, "member 2": rows}),
    }


def _run(members: int, histories: dict[str, list[dict[str, float]]]) -> FinishedRun:
    import numpy as np

    from dlcv import registry
    from dlcv.api import RunConfig

    probabilities = np.tile(np.array([0.7, 0.3], np.float32), (members, 4, 1))
    names = tuple(f"member {n + 1}" for n in range(members)) if members > 1 else ()
    labels = np.array([0, 1, 0, 1])
    predictions = Predictions(probabilities, labels, ("<b>a", "b"), tuple("1234"), names)

    def further(name: str) -> Evaluation | None:
        if name not in registry.names("evaluator"):
            return None
        found: Evaluation = registry.create("evaluator", name).evaluate(predictions)
        return found

    return FinishedRun(
        name="<i>run",
        path=Path("run"),
        config=RunConfig(),
        environment={
            "libraries": {}, "back_end": "tensorflow", "processor": "", "plugins": [],
            "input_shape": [8, 8, 3],
            "data": {"fingerprints": {"val": "a", "test": "b"}, "images": {"val": 4, "test": 4}},
        },
        results={"split": "test", "images": 4, "training_seconds": 1.0, "metrics": {}},
        predictions=predictions,
        histories=histories,
        trained_row=histories["run"][-1] if "run" in histories else None,
        members=tuple(Path("run/members") / str(n + 1) for n in range(members)) if names else (),
        further=further,
        predict=lambda split: predictions,
        member=lambda number: _run(1, {"run": [*histories.values()][number]}),
    )  # fmt: skip
