"""Ensembles of anything that predicts: whose classes, images and names they take."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlcv
from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.evaluation.evaluate import evaluate
from dlcv.interfaces import LabelledImages, Predictions
from dlcv.registry.spec import SpecList
from dlcv.runs.prediction import LabelledPredictions
from dlcv.runs.predictor import PixelSteps, Predictor

SAID = {
    "a": [[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]],
    "b": [[0.1, 0.5, 0.4], [0.4, 0.5, 0.1]],
    "c": [[0.2, 0.6, 0.2], [0.3, 0.3, 0.4]],
}


class Fake(Predictor):
    """Says the same of every image."""

    channels = 3
    evaluators = SpecList.parse("rank, confusion")
    accuracy: float | None = None
    samples = ("x.png", "y.png")
    labels = ("cat", "dog")

    def __init__(self, path: str, classes: str = "cat dog fox", **attributes: Any) -> None:
        self.path = Path(path)
        self.label_names = tuple(classes.split())
        # What is said of cat, dog and fox, wherever these stand.
        order = [("cat", "dog", "fox").index(name) for name in self.label_names]
        self.said = np.array(SAID[self.path.name[0]], np.float32)[:, order]
        for name, value in attributes.items():
            setattr(self, name, value)

    @property
    def validation_accuracy(self) -> float | None:
        return self.accuracy

    def probabilities(self, images: LabelledImages, preprocessors: PixelSteps) -> np.ndarray:
        assert preprocessors in (None, "crop")
        return np.repeat(self.said[:1], len(images), axis=0)

    def test(self, data: Any = None, split: Any = None, **options: Any) -> LabelledPredictions:
        logging.getLogger("dlcv.runs.run").warning("left out: bad.png: cut")
        logging.getLogger("dlcv.progress").info("predicting: 2 images")
        labels = np.array([self.label_names.index(name) for name in self.labels])
        said = Predictions(self.said[np.newaxis], labels, self.label_names, self.samples)
        return LabelledPredictions(
            said, ["bad.png: cut"] if options["bad_images"] == "skip" else []
        )


def test_members_say_together_what_their_mean_is() -> None:
    ensemble = dlcv.Ensemble([Fake("runs/a"), Fake("runs/b"), Fake("runs/c")])
    images = np.zeros((2, 8, 8, 3), np.uint8)

    np.testing.assert_allclose(
        ensemble.predict_proba(images), [[0.3, 1.4 / 3, 0.7 / 3]] * 2, rtol=1e-6
    )
    assert [p.label for p in ensemble.predict(images, preprocessors="crop")] == ["dog", "dog"]


def test_classes_in_another_order_are_matched_by_name() -> None:
    same = dlcv.Ensemble([Fake("a"), Fake("b")])
    other = dlcv.Ensemble([Fake("a"), Fake("b", "fox cat dog")])
    images = np.zeros((1, 8, 8, 3), np.uint8)

    np.testing.assert_array_equal(other.predict_proba(images), same.predict_proba(images))
    np.testing.assert_array_equal(
        other.predictions().probabilities, same.predictions().probabilities
    )
    assert other.predictions().label_names == ("cat", "dog", "fox")
    assert list(other.predictions().labels) == [0, 1]
    # The first one's order is the ensemble's.
    turned = dlcv.Ensemble([Fake("b", "fox cat dog"), Fake("a")])
    assert turned.label_names == ("fox", "cat", "dog")
    np.testing.assert_array_equal(
        turned.predict_proba(images), same.predict_proba(images)[:, [2, 0, 1]]
    )


def test_predictions_hold_each_member_with_name_and_accuracy() -> None:
    found = dlcv.Ensemble([Fake("a", accuracy=0.5), Fake("b", accuracy=1.0)]).test(
        bad_images="skip"
    )

    assert found.predictions.probabilities.shape == (2, 2, 3)
    np.testing.assert_allclose(found.predictions.probabilities[1], SAID["b"])
    assert found.predictions.member_names == ("a", "b")
    assert found.predictions.validation_accuracies == (0.5, 1.0)
    assert found.skipped == ["bad.png: cut"]


def test_evaluators_set_the_members_beside_their_combination_first() -> None:
    ensemble = dlcv.Ensemble([Fake("a"), Fake("b")], method="vote")

    assert str(ensemble.evaluators) == 'ensemble(method="vote"), rank, confusion'
    made = registry.create_list("evaluator", ensemble.evaluators)
    found = evaluate(ensemble.predictions(), made)
    # Of the two images a finds cat, cat and b finds dog, dog; it is a cat and a dog.
    assert found.metrics["members_rank1"] == 0.5


def test_all_figures_are_of_the_way_that_members_are_combined() -> None:
    # Two of three find a cat, but one is so sure of a dog that the mean is a dog.
    members = [Fake("a1"), Fake("a2"), Fake("b")]
    said = [[0.6, 0.4, 0], [0.6, 0.4, 0], [0, 1, 0]]
    for member, row in zip(members, said, strict=True):
        member.said = np.array([row, row], np.float32)
        member.labels = ("cat", "cat")

    averaging, voting = dlcv.Ensemble(members), dlcv.Ensemble(members, method="vote")

    figures = [
        evaluate(e.predictions(), registry.create_list("evaluator", e.evaluators)).metrics
        for e in (averaging, voting)
    ]
    assert [(f["rank1"], f["ensemble_rank1"]) for f in figures] == [(0, 0), (1, 1)]


def test_what_all_members_say_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    ensemble = dlcv.Ensemble([Fake("a"), Fake("b"), Fake("c")])
    with caplog.at_level("INFO"):
        ensemble.predictions()
        assert caplog.messages.count("left out: bad.png: cut") == 1
        assert caplog.messages.count("predicting: 2 images") == 3

        ensemble.predictions()
        assert caplog.messages.count("left out: bad.png: cut") == 2


def test_accuracies_are_weights_where_all_are_known() -> None:
    images = np.zeros((1, 8, 8, 3), np.uint8)
    members = [Fake("a", accuracy=1.0), Fake("b", accuracy=0.5)]

    weighted = dlcv.Ensemble(members, method="weighted")

    expected = (2 * np.array(SAID["a"][0]) + np.array(SAID["b"][0])) / 3
    np.testing.assert_allclose(weighted.predict_proba(images)[0], expected, rtol=1e-6)
    unknown = dlcv.Ensemble([*members, Fake("c")], method="weighted")
    assert unknown.predictions().validation_accuracies == ()
    with pytest.raises(DlcvError, match="can't be weighted"):
        unknown.predict_proba(images)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/a", "runs/b"], ("a", "b")),
        (["one/a", "two/a"], ("one/a", "two/a")),
        (["runs/a", "runs/a"], ("1: runs/a", "2: runs/a")),
    ],
)
def test_members_have_names_that_tell_them_apart(paths: list[str], names: tuple[str, ...]) -> None:
    assert dlcv.Ensemble([Fake(path) for path in paths]).names == names


def test_an_ensemble_among_the_members_counts_as_its_members() -> None:
    inner = dlcv.Ensemble([Fake("a"), Fake("b")], path=Path("runs/both"))
    outer = dlcv.Ensemble([inner, Fake("c")])

    assert outer.names == ("both, a", "both, b", "c")
    assert outer.predictions().probabilities.shape == (3, 2, 3)
    np.testing.assert_allclose(
        outer.predict_proba(np.zeros((1, 8, 8, 3), np.uint8)), [[0.3, 1.4 / 3, 0.7 / 3]], rtol=1e-6
    )


REFUSED = {
    "no members": ([], {}, "an ensemble needs at least one member"),
    "no such method": ([Fake("a")], {"method": "median"}, 'one of mean, .*, received "median"'),
    "a class is missing": (
        [Fake("a"), Fake("b", "cat dog")], {},
        "b and a do not have the same classes: the first of them lacks fox",
    ),
    "a class is more": ([Fake("a", "cat dog"), Fake("b")], {}, "the first of them also has fox"),
    "another class": (
        [Fake("a", "cat dog"), Fake("b", "cat fox")], {}, "lacks dog and also has fox",
    ),
    "grey images": (
        [Fake("a"), Fake("b", channels=1)], {},
        "b takes images of 1 channels, and a of 3; they can't take the same images",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_members_that_do_not_belong_together_are_refused(name: str) -> None:
    members, options, message = REFUSED[name]

    with pytest.raises(DlcvError, match=message):
        dlcv.Ensemble(members, **options)


@pytest.mark.parametrize("other", [{"samples": ("y.png", "z.png")}, {"labels": ("cat", "cat")}])
def test_members_that_held_out_different_images_are_refused(other: dict[str, Any]) -> None:
    ensemble = dlcv.Ensemble([Fake("a"), Fake("b", **other)])

    with pytest.raises(DlcvError, match=r"b and a held out different images.* with --data"):
        ensemble.predictions()
