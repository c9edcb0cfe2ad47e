"""Steps that mix images with their labels, by hand and against the papers' formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.preprocessors.cutmix import Cutmix
from dlcv_plugins.preprocessors.mixup import Mixup


class Dice:
    """A source of randomness that gives what was written down."""

    def __init__(self, partners, shares, middles=None):
        self.partners, self.shares, self.middles = map(np.array, (partners, shares, middles))

    def permutation(self, count):
        assert count == len(self.partners)
        return self.partners

    def beta(self, a, b, count):
        assert a == b
        assert count == len(self.shares)
        return self.shares

    def integers(self, low, high, shape):
        assert low == 0
        assert (self.middles < high).all()
        assert self.middles.shape == shape
        return self.middles


def numbered(count, height=8, width=10):
    """Images of which each has one value, its number, and their one-hot labels."""
    images = np.zeros((count, height, width, 3), np.uint8)
    images += np.arange(count, dtype=np.uint8)[:, None, None, None]
    return images, np.eye(count, dtype=np.float32)


def test_mixup_by_hand():
    images = np.array([[0, 10], [100, 255], [200, 30]], np.uint8).reshape(3, 1, 2, 1)
    labels = np.eye(3, dtype=np.float32)
    mixed, shares = Mixup().mix(images, labels, Dice([1, 2, 0], [0.75, 0.5, 1]))
    # 2.5 + 63.75 = 71.25 where 7.5 + 63.75; 142.5 is rounded to even.
    assert mixed.reshape(3, 2).tolist() == [[25, 71], [150, 142], [200, 30]]
    assert shares.tolist() == [[0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]]
    assert shares.dtype == np.float32


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(0, 99), st.floats(0.01, 5))
def test_mixup_is_the_papers_formula(count, seed, alpha):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 5, 6, 3), np.uint8)
    labels = np.eye(count, dtype=np.float32)
    mixed, shares = Mixup(alpha=alpha).mix(images, labels, np.random.default_rng(seed))
    # The labels tell which images went in, and how much of them.
    expected = np.tensordot(shares.astype(float), images.astype(float), axes=1)
    assert np.abs(mixed - expected).max() <= 0.5 + 1e-4
    assert ((shares > 0).sum(axis=1) <= 2).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


def test_cutmix_by_hand():
    images, labels = numbered(3, height=8, width=10)
    # sqrt(1 - 0.75) = 0.5 of each side: 4 x 5, from 2 before the middle to 2 after it. The whole
    # image, its middle in a corner: a quarter. Nothing.
    dice = Dice([1, 2, 0], [0.75, 0, 1], [[3, 4], [0, 0], [5, 5]])
    mixed, shares = Cutmix().mix(images, labels, dice)
    expected = images.copy()
    expected[0, 1:5, 2:6] = 1
    expected[1, 0:4, 0:5] = 2
    np.testing.assert_array_equal(mixed, expected)
    np.testing.assert_allclose(shares, [[0.8, 0.2, 0], [0, 0.75, 0.25], [0, 0, 1]], rtol=1e-6)
    assert shares.dtype == np.float32


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_labels_of_cutmix_are_the_shares_of_the_pixels(count, height, width, seed):
    images, labels = numbered(count, height, width)
    mixed, shares = Cutmix().mix(images, labels, np.random.default_rng(seed))
    for image, share in zip(mixed, shares, strict=True):
        pixels = np.bincount(image[..., 0].ravel(), minlength=count) / (height * width)
        np.testing.assert_allclose(share, pixels, atol=1e-6)


def papers_share(rng, height, width):
    """What is left of an image: `rand_bbox` of Yun et al. 2019, with alpha 1."""
    cut = np.sqrt(1 - rng.beta(1, 1))
    row, column = rng.integers(height), rng.integers(width)
    top, bottom = np.clip([row - height * cut / 2, row + height * cut / 2], 0, height)
    left, right = np.clip([column - width * cut / 2, column + width * cut / 2], 0, width)
    return 1 - (bottom - top) * (right - left) / (height * width)


def test_cutmix_cuts_as_much_as_the_paper():
    images, _ = numbered(2000, 64, 48)
    labels = np.eye(2, dtype=np.float32)[[0] * 1000 + [1] * 1000]
    found = Cutmix().mix(images, labels, np.random.default_rng(0))[1]
    rng = np.random.default_rng(1)
    left = np.array([papers_share(rng, 64, 48) for _ in range(4000)])
    # A partner has the other label half of the time.
    other = found[np.arange(2000), [1] * 1000 + [0] * 1000]
    assert other.mean() == pytest.approx((1 - left).mean() / 2, abs=0.02)
    assert np.quantile(other, 0.95) == pytest.approx(np.quantile(1 - left, 0.9), abs=0.06)


def test_shares_come_from_the_beta_distribution():
    images, labels = numbered(3000, 1, 1)
    for alpha in (0.2, 1, 4):
        shares = Mixup(alpha=alpha).mix(images, labels, np.random.default_rng(0))[1].max(axis=1)
        # The variance of Beta(a, a) is 1 / (4 (2 a + 1)); the larger share is mirrored about 1/2.
        assert ((shares - 0.5) ** 2).mean() == pytest.approx(0.25 / (2 * alpha + 1), rel=0.05)


@pytest.mark.parametrize("step", [Mixup(), Cutmix()], ids=["mixup", "cutmix"])
class TestBoth:
    def test_each_pair_has_a_share_of_its_own(self, step):
        _, shares = step.mix(*numbered(20), np.random.default_rng(0))
        assert len(np.unique(shares.max(axis=1))) > 10

    def test_labels_that_are_mixed_already_are_mixed_again(self, step):
        images, _ = numbered(2)
        labels = np.array([[0.5, 0.5, 0], [0, 0.25, 0.75]], np.float32)
        _, shares = step.mix(images, labels, np.random.default_rng(2))
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        for share in shares:
            own = (0.75 - share[2]) / 0.75
            np.testing.assert_allclose(share, own * labels[0] + (1 - own) * labels[1], atol=1e-6)

    def test_an_image_alone_stays_as_it_is(self, step):
        images, labels = numbered(1)
        mixed, shares = step.mix(images + 7, labels, np.random.default_rng(0))
        assert (mixed == 7).all()
        assert shares.tolist() == [[1]]

    def test_what_came_in_is_left_as_it_is(self, step):
        images, labels = numbered(6)
        step.mix(images, labels, np.random.default_rng(0))
        expected = numbered(6)
        np.testing.assert_array_equal(images, expected[0])
        np.testing.assert_array_equal(labels, expected[1])

    def test_without_labels_nothing_is_done(self, step):
        images, _ = numbered(6)
        for rng in (None, np.random.default_rng(0)):
            np.testing.assert_array_equal(step(images, rng), images)

    @pytest.mark.parametrize("alpha", ["0", "-1"])
    def test_bad_options_are_refused(self, step, alpha):
        name = registry.spec_of(step).name
        with pytest.raises(DlcvError, match="alpha: expected float > 0"):
            registry.create("preprocessor", f"{name}(alpha={alpha})")
