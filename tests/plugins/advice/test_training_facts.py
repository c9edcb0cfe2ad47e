"""From a run to the facts that advice after a training is from."""

from written_runs import FINGERPRINTS, history, predicted, write_run

from dlcv.runs.load import load
from dlcv_plugins.advice.training import Measured, facts_of
from dlcv_plugins.report.finished import finished_run


def facts(path):
    return facts_of(finished_run(load(path)))


def test_facts_are_those_of_the_epoch_that_the_weights_are_from(tmp_path):
    found = predicted([True, True, True, False], "1234")
    rows = history((0.5, 0.75, 0.7), accuracy=[0.6, 0.8, 0.9])
    last = facts(write_run(tmp_path / "last", predictions=found, rows=rows))
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
    assert facts_of(finished_run(run)).train_validation == Measured(0.75, 4)


def test_train_validation_images_that_are_gone_cost_no_report(tmp_path, caplog):
    found = predicted([True, False], "12")
    parts = {**FINGERPRINTS, "train_val": "d" * 64}
    path = write_run(tmp_path / "run", predictions=found, fingerprints=parts)
    assert facts(path).train_validation is None
    assert caplog.messages[0].startswith("the advice leaves out the train-validation images")


def test_without_epochs_there_are_no_facts(tmp_path):
    found = predicted([True, False], "12")
    assert facts(write_run(tmp_path / "a", predictions=found, rows=[])) is None


def test_training_accuracy_is_the_one_measured_after_the_training(tmp_path):
    """Under mixup, the accuracy while training is low, and says nothing about the network."""
    rows = history((0.5, 0.75, 0.97), accuracy=[0.3, 0.5, 0.62])
    found = predicted([True, False], "12")
    old = facts(write_run(tmp_path / "old", predictions=found, rows=rows))
    assert (old.training, old.is_augmented) == (Measured(0.62, 100), True)
    measured = {
        "train": {"accuracy": 0.99, "images": 50},
        "train_val": {"accuracy": 0.9, "images": 7},
    }
    parts = {**FINGERPRINTS, "train_val": "d" * 64}
    path = write_run(
        tmp_path / "new", predictions=found, rows=rows, accuracies=measured, fingerprints=parts
    )
    new = facts(path)
    assert (new.training, new.is_augmented) == (Measured(0.99, 50), False)
    assert new.train_validation == Measured(0.9, 7)


def test_an_older_run_without_counts_has_facts(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    text = (path / "environment.json").read_text()
    (path / "environment.json").write_text(text.replace('"images"', '"other"'))
    assert facts(path).training.images == 2
