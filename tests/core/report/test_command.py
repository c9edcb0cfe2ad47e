"""`dlcv report` through real processes, and the facts that its advice is from."""

import subprocess
import sys

import pytest
from written_runs import FINGERPRINTS, history, predicted, write_run

from dlcv.evaluation.predict import save_predictions
from dlcv.report.facts import facts_of
from dlcv.report.findings import Measured
from dlcv.report.subject import Subject
from dlcv.runs.load import load


def report(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "dlcv", "report", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_writes_the_page_again_and_says_where(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    (path / "report.html").write_text("old")
    done = report(tmp_path, "run")
    assert done.returncode == 0
    assert done.stdout.startswith("look at  run/report.html (0.")
    assert done.stderr == (
        f"warning: the report lacks 3 pictures: no such folder: {tmp_path}/gone\n"
    )
    assert "<h1>run</h1>" in (path / "report.html").read_text()
    assert sorted(p.name for p in path.iterdir() if p.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "dlcv: no such run: missing\n"),
        ("stopped", "is not finished; continue with: dlcv resume"),
        ("damaged", "history.csv is damaged"),
    ],
)
def test_what_has_no_report_is_refused_in_one_line(tmp_path, name, message):
    write_run(tmp_path / "stopped")
    damaged = write_run(tmp_path / "damaged", predictions=predicted([True, False], "12"))
    (damaged / "history.csv").write_text("stage,epoch\n1,x\n")
    done = report(tmp_path, name)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / name / "report.html").exists()


def facts(path, accuracy=0.5):
    return facts_of(Subject.of(load(path)), accuracy)


def test_facts_are_those_of_the_epoch_that_the_weights_are_from(tmp_path):
    found = predicted([True, True, True, False], "1234")
    rows = history((0.5, 0.75, 0.7), accuracy=[0.6, 0.8, 0.9])
    last = facts(write_run(tmp_path / "last", predictions=found, rows=rows), 0.75)
    assert last.training == Measured(0.9, 100)
    assert last.validation == Measured(0.7, 100)
    assert last.test == Measured(0.75, 4)
    assert (last.largest_class, len(last.epochs)) == (0.5, 3)
    stopped = write_run(tmp_path / "early", predictions=found, rows=rows, early_stopping=1)
    assert facts(stopped).training == Measured(0.8, 100)


def test_test_images_that_were_validated_with_tell_no_over_tuning(tmp_path):
    found = predicted([True, False], "12")
    same = {**FINGERPRINTS, "val": FINGERPRINTS["test"]}
    assert facts(write_run(tmp_path / "a", predictions=found)).test is not None
    assert facts(write_run(tmp_path / "b", predictions=found, fingerprints=same)).test is None


def test_train_validation_images_are_predicted(tmp_path, monkeypatch):
    found = predicted([True, False], "12")
    parts = {**FINGERPRINTS, "train_val": "d" * 64}
    run = load(write_run(tmp_path / "run", predictions=found, fingerprints=parts))
    others = predicted([True, True, True, False], "3456")
    monkeypatch.setattr(
        type(run), "predictions", lambda self, split=None: others if split else found
    )
    assert facts_of(Subject.of(run), 0.5).train_validation == Measured(0.75, 4)


def test_train_validation_images_that_are_gone_cost_no_report(tmp_path, caplog):
    found = predicted([True, False], "12")
    parts = {**FINGERPRINTS, "train_val": "d" * 64}
    path = write_run(tmp_path / "run", predictions=found, fingerprints=parts)
    assert facts(path).train_validation is None
    assert caplog.messages[0].startswith("the report says nothing of the train-validation images")


def test_without_epochs_or_accuracy_there_are_no_facts(tmp_path):
    found = predicted([True, False], "12")
    assert facts(write_run(tmp_path / "a", predictions=found, rows=[])) is None
    assert facts(write_run(tmp_path / "b", predictions=found), None) is None


def test_an_older_run_without_counts_has_facts(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    text = (path / "environment.json").read_text()
    (path / "environment.json").write_text(text.replace('"images"', '"other"'))
    assert facts(path).training.images == 2


def test_predictions_that_changed_are_reported(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    better = predicted([True, True], "12")
    save_predictions(path / "predictions.npz", better)
    assert report(tmp_path, "run").returncode == 0
    assert "100.00 %</b>accuracy on 2 images" in (path / "report.html").read_text()
