"""Data with a planted structure: its best accuracy, calibration and leak are known, and found.

Metrics are compared with scikit-learn's in `plugins/test_evaluators*.py`.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from made_predictions import predictions
from scipy import stats

import dlcv
from dlcv.interfaces import DatasetStore, LabelledImages, option, plugin
from dlcv.registry import registry
from dlcv_plugins.evaluators.binary_scores import BinaryScores, _scores
from dlcv_plugins.evaluators.ensemble import Ensemble
from dlcv_plugins.evaluators.intervals import difference, paired_difference, wilson

SIMULATIONS = 2000


class Arrays(LabelledImages):
    def __init__(self, images: np.ndarray, labels: np.ndarray, split: str) -> None:
        self.images, self.labels, self.split = images, labels.astype(np.int64), split
        self.label_names = tuple(f"class{label}" for label in range(labels.max() + 1))
        self.image_shape = images.shape[1:]

    def read(self, indices):
        return self.images[indices]

    def sample_id(self, index):
        return f"{self.split}[{index}]"

    def fingerprint(self):
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()


@plugin
class Planted(DatasetStore):
    """Data with a known answer."""

    what: str = option(help="which")

    def splits(self):
        return ("train", "val", "test")

    def open(self, split):
        return Arrays(*MADE[self.what](np.random.default_rng(self.splits().index(split))), split)


def wrong_labels(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Four classes that brightness tells apart, and 20 % of the labels are another class's."""
    true = np.arange(2000) % 4
    images = rng.integers(60 * true[:, None], 60 * true[:, None] + 40, (2000, 16))
    wrong = rng.random(2000) < 0.2
    labels = np.where(wrong, (true + rng.integers(1, 4, 2000)) % 4, true)
    return images.reshape(-1, 4, 4, 1).astype(np.uint8), labels


def known_chances(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two classes: the darker an image of ten greys, the rarer the second, 5 % to 95 %."""
    level = rng.integers(0, 10, 3000)
    images = np.repeat((25 * level)[:, None], 16, axis=1).reshape(-1, 4, 4, 1)
    return images.astype(np.uint8), (rng.random(3000) < (level + 0.5) / 10).astype(int)


def copies_of_noise(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Nothing to learn: noise with labels by chance; half of the test are training images."""
    train = np.random.default_rng(7)
    shape = (400, 12, 12, 1)
    images, labels = train.integers(0, 256, shape, np.uint8), train.integers(0, 2, 400)
    if rng.integers(0, 1000) == np.random.default_rng(0).integers(0, 1000):
        return images, labels
    new, by_chance = rng.integers(0, 256, shape, np.uint8), rng.integers(0, 2, 400)
    return np.concatenate([images, new]), np.concatenate([labels, by_chance])


MADE = {f.__name__: f for f in (wrong_labels, known_chances, copies_of_noise)}


@pytest.fixture(scope="module", autouse=True)
def planted() -> Iterator[None]:
    with registry.register("store", "planted", Planted):
        yield


def trained(what: str, folder: object, **options: object) -> dlcv.Run:
    return dlcv.run(
        data=f"planted(what={what})", preprocessors="mean, scale(factor=0.01)", threads=1,
        evaluators="rank, calibration", optimizer="adam(learning_rate=0.01)", name=what,
        runs=folder, **options,
    )  # fmt: skip


@pytest.mark.slow
def test_a_network_reaches_the_best_accuracy_that_wrong_labels_leave_and_not_more(tmp_path) -> None:
    run = trained("wrong_labels", tmp_path, architecture="mlp(units=8)", epochs=6)

    low, high = wilson(round(2000 * run.metrics["rank1"]), 2000)
    assert low <= 0.8 <= high


def test_calibration_is_good_where_the_chances_are_known(tmp_path) -> None:
    run = trained("known_chances", tmp_path, architecture="mlp(units=8)", epochs=4)

    # The mean of 95, 85, 75, 65 and 55 %.
    assert run.metrics["rank1"] == pytest.approx(0.75, abs=0.02)
    assert run.metrics["mean_confidence"] == pytest.approx(0.75, abs=0.02)
    assert run.metrics["expected_calibration_error"] < 0.04


def test_a_leak_is_found_and_taken_out_of_the_accuracy(tmp_path) -> None:
    run = trained("copies_of_noise", tmp_path, architecture="mlp(units=128)", epochs=16)

    assert run.metrics["copies_in_training"] == 0.5
    # The copies are known by heart, of the others half are right by chance.
    assert run.metrics["rank1"] == pytest.approx(0.75, abs=0.05)
    assert run.metrics["accuracy_without_copies"] == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("samples", [20, 50, 200, 1000])
def test_intervals_of_shares_cover_them_as_often_as_they_promise(samples: int) -> None:
    """For a share, Wilson's coverage goes up and down with it: 95 % is its mean, and exact here."""
    low, high = np.array([wilson(right, samples) for right in range(samples + 1)]).T
    covered = [
        stats.binom.pmf(np.flatnonzero((low <= share) & (share <= high)), samples, share).sum()
        for share in np.linspace(0.02, 0.98, SIMULATIONS)
    ]
    assert 0.945 <= np.mean(covered) <= 0.955


@pytest.mark.parametrize("samples", [20, 200])
def test_intervals_of_differences_cover_them_as_often_as_they_promise(samples: int) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0.02, 0.98, (2, SIMULATIONS))
    right = rng.binomial(samples, [first, second])
    covered = 0
    for p, q, a, b in zip(first, second, *right, strict=True):
        low, high = difference((int(a), samples), (int(b), samples))
        covered += low <= p - q <= high
    assert 0.94 <= covered / SIMULATIONS <= 0.96


@pytest.mark.parametrize(("samples", "highest"), [(20, 0.97), (50, 0.96), (90, 0.96)])
def test_intervals_on_the_same_images_cover_them_as_often_as_they_promise(
    samples: int, highest: float
) -> None:
    """An image counts for the first, the second or neither: the mean over their chances, exact.

    Of 20 images it covers a little more. Efron's percentile interval covers 85 to 93 % of 20, and
    half of that where hardly any differ.
    """
    first, second = np.divmod(np.arange((samples + 1) ** 2), samples + 1)
    counts = np.stack([first, second, samples - first - second], 1)[first + second <= samples]
    ends = [paired_difference(np.repeat([1.0, -1, 0], row), 1) for row in counts]
    low, high = np.array(ends).T
    covered = []
    for share in np.linspace(0.15, 0.6, 10):
        for part in np.linspace(0.5, 0.8, 4):
            p, q = share * part, share * (1 - part)
            chance = stats.multinomial.pmf(counts, samples, [p, q, 1 - p - q])
            covered.append(chance[(low <= p - q) & (p - q <= high)].sum())
    assert 0.945 <= np.mean(covered) <= highest
    assert min(covered) >= 0.94


def test_the_gain_of_an_ensemble_has_the_interval_of_accuracies_on_the_same_images() -> None:
    right = np.random.default_rng(2).random((3, 300)) < 0.7
    score = np.where(right, 0.9, 0.1)
    found = Ensemble().evaluate(predictions(np.stack([score, 1 - score], 2), np.zeros(300)))
    gains = (right.sum(axis=0) >= 2) - right.mean(axis=0)
    assert found.metrics["ensemble_gain"] == pytest.approx(gains.mean())
    assert found.intervals["ensemble_gain"] == pytest.approx(paired_difference(gains, 1 / 3))


@pytest.mark.slow
def test_bootstrap_intervals_of_two_classes_cover_their_figures() -> None:
    """Of normal scores one apart, the area is `Phi(1 / sqrt(2))`; others by a million samples."""
    rng, of_all = np.random.default_rng(5), _scored(np.random.default_rng(9), 1_000_000)
    truth, _ = _scores(of_all.combined[:, 1].astype(float), of_all.labels, "second")
    covered = dict.fromkeys(("mean_squared_error", "correlation", "roc_auc"), 0)
    for _ in range(SIMULATIONS):
        intervals = BinaryScores().evaluate(_scored(rng, 200)).intervals
        for name in covered:
            low, high = intervals[name]
            covered[name] += low <= truth[name] <= high
    assert truth["roc_auc"] == pytest.approx(stats.norm.cdf(0.5**0.5), abs=0.002)
    assert all(0.94 <= count / SIMULATIONS <= 0.96 for count in covered.values()), covered


def _scored(rng: np.random.Generator, samples: int):
    labels = np.append([0, 1], rng.integers(0, 2, samples - 2))
    score = 1 / (1 + np.exp(0.5 - rng.normal(labels, 1)))
    return predictions(np.stack([1 - score, score], axis=1), labels)
