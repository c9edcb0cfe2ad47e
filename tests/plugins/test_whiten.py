"""Whitened patches, against scikit-learn's whitening of patches cut by scikit-learn."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_extraction.image import PatchExtractor

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import PreparationContext
from dlcv_plugins.preprocessors.whiten import Whiten

NOISE = np.random.default_rng(0).normal(0, 30, (40, 9, 7, 3))
SMOOTH = NOISE + np.roll(NOISE, 1, 1) + np.roll(NOISE, 1, 2) + np.roll(NOISE, 1, 3)
PIXELS = np.clip(128 + SMOOTH, 0, 255).astype(np.uint8)


def fitted(**options):
    """A step that knows PIXELS, which come in two batches."""
    return Whiten(**options).prepare(
        PreparationContext((9, 7), lambda: iter((PIXELS[:30], PIXELS[30:])))
    )


def patches(size):
    return PatchExtractor(patch_size=(size, size)).transform(PIXELS).reshape(40, -1, size**2 * 3)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_components_are_those_of_scikit_learn_and_their_negatives(size):
    values = fitted(size=size, epsilon=1e-9)(PIXELS)
    flat = patches(size)
    expected = PCA(whiten=True).fit_transform(flat.reshape(-1, flat.shape[-1]))
    count = size**2 * 3

    assert values.dtype == np.float32
    assert values.shape == (40, 10 - size, 8 - size, 2 * count)
    # Processors may compute the two halves of the channels in another order.
    np.testing.assert_allclose(values[..., count:], -values[..., :count], rtol=1e-4, atol=1e-5)
    found = values[..., :count].reshape(-1, count)[:, ::-1]  # There, the largest come first.
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=2e-3)


def test_epsilon_is_added_to_each_variance_as_a_share_of_their_mean():
    flat = patches(2).reshape(-1, 12)
    variances = np.linalg.eigvalsh(np.cov(flat.T, bias=True))
    found = fitted(epsilon=0.5)(PIXELS)[..., :12].reshape(-1, 12).var(axis=0)

    np.testing.assert_allclose(found, variances / (variances + variances.mean() / 2), rtol=1e-4)


def test_images_of_one_color_are_no_division_by_zero():
    grey = np.full((3, 4, 4, 3), 7, np.uint8)
    step = Whiten().prepare(PreparationContext((4, 4), lambda: iter((grey,))))

    np.testing.assert_array_equal(step(grey), 0)


def test_what_it_learned_survives_keeping_and_is_not_learned_anew():
    step = fitted()
    again = registry.create("preprocessor", "whiten").with_state(step.state_dict())

    np.testing.assert_array_equal(again(PIXELS), step(PIXELS))
    assert again.prepare(PreparationContext((9, 7), lambda: iter((PIXELS[:1],)))) is again


def test_its_layer_is_not_trained():
    layer = fitted().as_layer()

    assert layer.trainable_weights == []
    assert layer.count_params() == 2 * 2 * 3 * 24 + 24


def test_mistakes_are_told():
    for use in (lambda: Whiten()(PIXELS), Whiten().as_layer):
        with pytest.raises(DlcvError, match="call prepare with training images"):
            use()
    with pytest.raises(DlcvError, match=r"an image of 9 x 7 pixels .* \(8 x 8\)"):
        fitted(size=8)
