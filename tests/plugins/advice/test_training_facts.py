"""From a run to the facts that advice after a training is from."""

import json

import pytest
from written_runs import FINGERPRINTS, history, predicted, write_run

from dlcv.runs.load import load
from dlcv_plugins.advice.finished import facts_of, grid_end
from dlcv_plugins.advice.training import ClassCount, Measured, Way
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


def test_what_the_data_brings_and_what_was_taken_from_it(tmp_path):
    found = predicted([True, False], "12")
    own = facts(write_run(tmp_path / "own", predictions=found))
    assert (own.own_validation, own.own_test) == (True, True)
    path = write_run(tmp_path / "divided", predictions=found, test=0.2, validation=0.1)
    divided = facts(path)
    assert (divided.own_validation, divided.own_test) == (False, False)


def test_classes_have_counts_where_they_were_recorded(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, True, False], "123"))
    assert facts(path).classes == ()
    content = json.loads((path / "environment.json").read_text())
    content["data"]["training_images"] = {"cat": 97, "dog": 3}
    (path / "environment.json").write_text(json.dumps(content))
    assert facts(path).classes == (ClassCount("cat", 97, 2, 1), ClassCount("dog", 3, 1, 1))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"preprocessors": "flip, scale"}, {"augments": True}),
        ({"preprocessors": "dlcv.flip, scale"}, {"augments": True}),
        ({"preprocessors": "alternating_flip, scale"}, {"augments": True}),
        ({"preprocessors": "around_mean(step=affine(rotation=5)), mean"}, {"augments": True}),
        ({"preprocessors": "simple(size=16), mean"}, {}),
        ({"architecture": "fc_head(base=vgg16(weights=imagenet))"}, {"pretrained": True}),
        ({"early_stopping": 3, "trainable": "head"}, {"stops_early": True, "frozen": True}),
    ],
)
def test_the_way_of_training_is_known(tmp_path, options, expected):
    found = facts(write_run(tmp_path / "run", predictions=predicted([True], "1"), **options))
    assert found.way == Way(color=True, **expected)


def test_data_is_named_by_its_path_where_that_is_enough(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = predicted([True, False], "12")
    for number, (data, expected) in enumerate(
        {
            f'folder(path="{tmp_path}/photos", color_mode=rgb)': "photos",
            f'folder(path="{tmp_path}/photos", color_mode=grey)': (
                f"'folder(path=\"{tmp_path}/photos\", color_mode=grey)'"
            ),
            "digits(size=36)": "'digits(size=36)'",
        }.items()
    ):
        known = facts(write_run(tmp_path / f"{number}", data, predictions=found))
        assert (known.data, known.run) == (expected, str(number))


@pytest.mark.parametrize(
    ("scores", "end", "beyond"),
    [
        ({"C=0.1": 0.9, "C=1": 0.8, "C=10": 0.7}, "lowest", "C=(0.001, 0.01)"),
        ({"C=0.1": 0.7, "C=1": 0.8, "C=10": 0.9}, "highest", "C=(100, 1000)"),
        ({"C=0.1": 0.9, "C=1": 0.897, "C=10": 0.7}, None, None),
        ({"C=0.1": 0.8, "C=1": 0.9, "C=10": 0.7}, None, None),
        ({"C=10": 0.9, "C=1": 0.8, "C=0.1": 0.7}, "highest", "C=(100, 1000)"),
        ({"C=1, gamma=2": 0.9, "C=10, gamma=2": 0.7}, None, None),
        ({"C=1": 0.9, "C=0.01": 0.8, "C=0.1": 0.85}, "highest", "C=(10, 100)"),
        ({}, None, None),
    ],
)
def test_the_end_of_a_grid_counts_if_it_is_clearly_the_best(scores, end, beyond):
    found = grid_end(scores)
    assert (found.get("grid_end"), found.get("beyond")) == (end, beyond)


def test_facts_of_members_name_the_whole_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = ["1", "2", "3", "4"]
    whole = predicted([True, True, True, False], paths, members=2)
    path = write_run(tmp_path / "all", predictions=whole, rows=[], members=2)
    for number in (1, 2):
        each = predicted([True, number == 1, True, False], paths)
        write_run(path / "members" / str(number), predictions=each, rows=history())
    found = facts(path)
    assert found.run == "all"
    assert found.members.count == 2


def test_an_older_run_without_counts_has_facts(tmp_path):
    path = write_run(tmp_path / "run", predictions=predicted([True, False], "12"))
    text = (path / "environment.json").read_text()
    (path / "environment.json").write_text(text.replace('"images"', '"other"'))
    assert facts(path).training.images == 2
