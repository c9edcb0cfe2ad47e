"""The report of a run that was just trained, and what it takes from the training."""

import attrs
import pytest

import dlcv
from dlcv.interfaces import Evaluation, Evaluator, RunView, plugin
from dlcv.registry import registry
from dlcv.runs.load import load
from dlcv_plugins.report.finished import finished_run

SMALL = {"data": "digits(size=8)", "architecture": "mlp(units=16)", "fraction": 0.3, "threads": 1}


@pytest.mark.usefixtures("with_pictures")
def test_evaluators_run_once_when_a_run_ends(tmp_path):
    calls = []

    @plugin
    class Counted(Evaluator):
        """Counts how often it runs."""

        def evaluate(self, predictions):
            """Returns how many images there are."""
            calls.append(len(predictions.labels))
            return Evaluation({"counted": len(predictions.labels)})

    with registry.register("evaluator", "counted", Counted):
        run = dlcv.run(**SMALL, evaluators="rank, counted", epochs=1, runs=tmp_path, name="once")
        page = (run.path / "report.html").read_text()
    assert len(calls) == 1
    assert "counted" in page


def test_accuracies_for_advice_are_those_of_prediction(tmp_path):
    """They are measured without mixed labels, which make the accuracy while training lower."""
    run = dlcv.run(
        **SMALL, preprocessors="mixup, scale", optimizer="adam(learning_rate=0.01)", epochs=12,
        runs=tmp_path, name="mixed",
    )  # fmt: skip
    found = run.directory.read_json("metrics")["accuracies"]["train"]
    predictions = load(run.path).predictions(split="train")
    right = (predictions.combined.argmax(axis=1) == predictions.labels).mean()
    assert found["images"] == len(predictions.labels)
    assert abs(found["accuracy"] - right) < 1e-6
    assert found["accuracy"] > run.history[-1]["accuracy"] + 0.02


def test_what_sections_see_is_a_run_as_hooks_see_it(digits_run):
    run = digits_run
    seen: RunView = finished_run(load(run.path))
    assert seen.finished
    assert seen.metrics == run.metrics
    assert list(seen.label_names) == list(run.label_names)
    assert seen.history == run.history
    assert (seen.path, seen.config) == (run.path, run.config)


def test_folder_of_all_images_is_found_once(digits_run):
    run = finished_run(load(digits_run.path))
    names = tuple(f"/data/{i}.png" for i in range(len(run.predictions.labels)))
    run = attrs.evolve(run, predictions=attrs.evolve(run.predictions, sample_ids=names))
    assert run.folder == "/data"
    assert run.folder is run.folder
