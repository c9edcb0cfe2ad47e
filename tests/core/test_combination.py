"""Combining what several networks say: exact values, and what holds for any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv.errors import DlcvError
from dlcv.interfaces import combine

# Three networks about two images of three classes.
THREE = np.array(
    [
        [[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]],
        [[0.1, 0.5, 0.4], [0.4, 0.5, 0.1]],
        [[0.2, 0.6, 0.2], [0.3, 0.3, 0.4]],
    ],
    np.float32,
)


def test_mean_is_the_average_of_the_members() -> None:
    expected = [[0.3, 1.4 / 3, 0.7 / 3], [0.4, 0.4, 0.2]]

    np.testing.assert_allclose(combine(THREE), expected, rtol=1e-6)


def test_weighted_counts_members_by_their_accuracy() -> None:
    # Weights of 1, 1/2 and 0 are shares of 2/3, 1/3 and none.
    expected = [[1.3 / 3, 1.1 / 3, 0.6 / 3], [1.4 / 3, 1.3 / 3, 0.3 / 3]]

    np.testing.assert_allclose(combine(THREE, "weighted", (1, 0.5, 0)), expected, rtol=1e-6)


def test_geometric_takes_roots_of_products() -> None:
    roots = np.array([[0.012, 0.09, 0.008], [0.06, 0.06, 0.004]]) ** (1 / 3)
    expected = roots / roots.sum(axis=1, keepdims=True)

    np.testing.assert_allclose(combine(THREE, "geometric"), expected, rtol=1e-5)


def test_a_member_that_excludes_a_class_does_not_exclude_it_for_good() -> None:
    certain = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.1, 0.9]]], np.float32)

    assert combine(certain, "geometric").argmax() == 1
    assert np.all(np.isfinite(combine(certain, "geometric")))


def test_vote_counts_what_each_member_finds_most_probable() -> None:
    # The first image has votes for 0, 1, 1; the second one for each class.
    combined = combine(THREE, "vote")

    np.testing.assert_allclose(combined[0], [1 / 3, 2 / 3, 0], atol=1e-3)
    np.testing.assert_allclose(combined[1], [1 / 3, 1 / 3, 1 / 3], atol=1e-3)


def test_a_tie_of_votes_is_decided_by_the_mean() -> None:
    two = np.array([[[0.7, 0.2, 0.1]], [[0.1, 0.8, 0.1]]], np.float32)

    combined = combine(two, "vote")

    # One vote each; the means are 0.4, 0.5 and 0.1.
    assert combined[0].argmax() == 1
    np.testing.assert_allclose(combined[0], [0.5, 0.5, 0], atol=1e-3)


@pytest.mark.parametrize("accuracies", [(), (0.5, 0.5), (0, 0, 0)])
def test_weights_that_are_not_known_are_refused(accuracies: tuple[float, ...]) -> None:
    with pytest.raises(DlcvError, match=r"can't be weighted: the validation accuracy .* use mean"):
        combine(THREE, "weighted", accuracies)


@st.composite
def predictions(draw: st.DrawFn) -> np.ndarray:
    members, samples, classes = draw(st.tuples(*[st.integers(1, 5)] * 2, st.integers(2, 5)))
    seed, sharpness = draw(st.integers(0, 2**32 - 1)), draw(st.floats(0.01, 10))
    logits = np.random.default_rng(seed).normal(0, sharpness, (members, samples, classes))
    odds = np.exp(logits - logits.max(axis=2, keepdims=True))
    return (odds / odds.sum(axis=2, keepdims=True)).astype(np.float32)


METHODS = st.sampled_from(["mean", "weighted", "geometric", "vote"])


@given(predictions(), METHODS)
def test_every_method_gives_probabilities(said: np.ndarray, method: str) -> None:
    combined = combine(said, method, [0.1 * (i + 1) for i in range(len(said))])

    assert combined.shape == said.shape[1:]
    assert combined.dtype == np.float32
    assert np.all(combined >= 0)
    np.testing.assert_allclose(combined.sum(axis=1), 1, rtol=1e-5)


@given(predictions(), METHODS, st.integers(2, 4))
def test_members_that_agree_say_what_each_says(said: np.ndarray, method: str, count: int) -> None:
    same = np.repeat(said[:1], count, axis=0)
    combined = combine(same, method, [0.5] * count)

    assert np.array_equal(combined.argmax(axis=1), said[0].argmax(axis=1))
    if method != "vote":
        np.testing.assert_allclose(combined, said[0], rtol=1e-4, atol=1e-6)


@given(predictions(), METHODS, st.randoms(use_true_random=False))
def test_the_order_of_the_members_does_not_matter(said: np.ndarray, method: str, random) -> None:
    weights = [0.1 * (i + 1) for i in range(len(said))]
    order = list(range(len(said)))
    random.shuffle(order)

    shuffled = combine(said[order], method, [weights[i] for i in order])

    np.testing.assert_allclose(shuffled, combine(said, method, weights), atol=1e-6)


@given(predictions(), st.integers(0, 2**32 - 1))
def test_the_mean_is_no_worse_than_its_members_on_average(said: np.ndarray, seed: int) -> None:
    """Jensen: the logarithm of a mean is not below the mean of the logarithms."""
    labels = np.random.default_rng(seed).integers(0, said.shape[2], said.shape[1])

    def loss(probabilities: np.ndarray) -> float:
        of_truth = probabilities.astype(float)[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(of_truth, 1e-30)).mean())

    average = np.mean([loss(member) for member in said])

    assert loss(combine(said, "mean")) <= average + 1e-5 * (1 + average)
