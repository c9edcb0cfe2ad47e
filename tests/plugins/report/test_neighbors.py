"""The training images beside a mistake: those with the smallest angle between features."""

from types import SimpleNamespace

import numpy as np
from written_runs import predicted, write_run

from dlcv.runs.load import load
from dlcv_plugins.report.finished import finished_run
from dlcv_plugins.report.neighbors import neighbors_of


def nearest(features, others, names):
    """Returns the names of the others by their cosine, one at a time."""
    cosines = [
        float(np.dot(features, other) / np.linalg.norm(features) / np.linalg.norm(other))
        for other in others
    ]
    order = sorted(range(len(others)), key=lambda i: -cosines[i])
    return [names[i] for i in order[:6]], [cosines[i] for i in order[:6]]


def test_features_that_a_classifier_was_fitted_to_are_compared(tmp_path):
    """Images of the true and of the predicted class are, and no others."""
    names = ("ant", "bee", "cat")
    found = predicted([True, False, True], "abc", names)
    run = load(write_run(tmp_path / "run", predictions=found))
    rng = np.random.default_rng(0)

    def split(ids):
        labels = np.arange(len(ids)) % 3
        return SimpleNamespace(
            values=rng.normal(size=(len(ids), 8)).astype(np.float32),
            labels=labels,
            label_names=names,
            sample_ids=tuple(ids),
        )

    run.features = {"train": split([f"t{n}" for n in range(30)]), "test": split("bca")}
    near = neighbors_of([run], found, ("b",), asked=False)
    train = run.features["train"]
    # The bee is taken for a cat.
    of_classes = [n for n in range(30) if n % 3 != 0]
    expected, cosines = nearest(
        run.features["test"].values[0], train.values[of_classes], [f"t{n}" for n in of_classes]
    )
    assert (near.compared, near.candidates) == (20, 20)
    assert [neighbor.sample_id for neighbor in near.of["b"]] == expected
    np.testing.assert_allclose([n.similarity for n in near.of["b"]], cosines, atol=1e-6)
    assert {neighbor.label for neighbor in near.of["b"]} <= {"bee", "cat"}


def test_a_network_that_was_trained_finds_them_and_a_report_loads_none(digits_run):
    run = load(digits_run.path)
    predictions = run.predictions()
    sample = predictions.sample_ids[0]
    assert finished_run(run).neighbors((sample,), False) is None
    near = finished_run(run).neighbors((sample,), True)
    assert near.compared == near.candidates > 20
    similar = near.of[sample]
    assert [n.similarity for n in similar] == sorted((n.similarity for n in similar), reverse=True)
    assert all(0.3 < neighbor.similarity <= 1 + 1e-6 for neighbor in similar)
    numbers = predictions.labels[0], predictions.combined[0].argmax()
    assert {n.label for n in similar} <= {predictions.label_names[number] for number in numbers}
    assert finished_run(run).image(similar[0].sample_id) is not None


def test_members_find_them_by_the_mean_of_their_cosines(digits_run):
    one = load(digits_run.path)
    other = load(digits_run.path)
    last = next(layer for layer in reversed(other.model.layers) if layer.weights)
    before = next(layer for layer in reversed(other.model.layers[:-1]) if layer.weights)
    before.kernel.assign(before.kernel[:, ::-1] * 2 - 0.1)
    assert last is not before
    predictions = one.predictions()
    samples = predictions.sample_ids[:2]

    def cosines(*members):
        near = neighbors_of(members, predictions, samples, asked=True)
        return {(s, n.sample_id): n.similarity for s in samples for n in near.of[s]}

    alone, changed, together = cosines(one), cosines(other), cosines(one, other)
    assert alone != changed
    shared = {*alone} & {*changed} & {*together}
    assert shared
    for key in shared:
        np.testing.assert_allclose(together[key], (alone[key] + changed[key]) / 2, atol=1e-5)


def test_without_training_images_a_report_does_without(tmp_path):
    found = predicted([True, False], "12")
    run = load(write_run(tmp_path / "run", predictions=found))
    assert neighbors_of([run], found, ("2",), asked=True) is None
