"""From images to probabilities: every sample once, in order, and kept without loss."""

import keras
import numpy as np
import pytest

from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.subset import ArrayImages
from dlcv.errors import DlcvError
from dlcv.evaluation.predict import load_predictions, predict_labelled, save_predictions
from dlcv.interfaces import Predictions
from dlcv_plugins.preprocessors.crop import Crop
from dlcv_plugins.preprocessors.simple import Simple
from dlcv_plugins.stores.digits import Digits


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    x = pixels = keras.Input((8, 8, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(pixels, keras.layers.Dense(10, activation="softmax")(x))


def loader(images, *steps, batch_size=64):
    return Loader(images, Pipeline(steps, ()), batch_size=batch_size, threads=2)


@pytest.mark.parametrize("batch_size", [599, 5000])
def test_every_sample_is_predicted_once_in_stored_order(network, batch_size):
    digits = Digits().open("all")
    found = predict_labelled(network, loader(digits, batch_size=batch_size))
    assert found.probabilities.shape == (1, 1797, 10)
    assert found.probabilities.dtype == np.float32
    kernel, bias = network.get_weights()
    values = digits.read(range(1797)).reshape(1797, 64) / 255 @ kernel + bias
    expected = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities[0], expected, atol=1e-5)
    assert found.labels.tolist() == digits.labels.tolist()
    assert found.label_names == digits.label_names
    assert found.sample_ids[-1] == "digits[1796]"


def test_batches_reach_the_network_in_one_size_so_that_it_is_compiled_once(network):
    seen = []

    class Network:
        input_shape = network.input_shape

        def predict_on_batch(self, pixels):
            seen.append(len(pixels))
            return network.predict_on_batch(pixels)

    digits = Digits().open("all")
    found = predict_labelled(Network(), loader(digits, batch_size=600))
    assert seen == [600, 600, 600]
    whole = predict_labelled(network, loader(digits, batch_size=5000))
    np.testing.assert_allclose(found.probabilities, whole.probabilities, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((9, 8, 1), "have 9 x 8 pixels and 1 channels, but the network takes 8 x 8 pixels and 1"),
        ((8, 8, 3), "have 8 x 8 pixels and 3 channels"),
    ],
)
def test_images_of_another_size_are_an_error_unless_a_step_resizes(network, size, message):
    images = ArrayImages(np.zeros((3, *size), np.uint8), ["x", "y", "z"])
    with pytest.raises(DlcvError, match=f"the images {message}.*; put aspect_aware among"):
        predict_labelled(network, loader(images))
    if size[2] == 1:
        assert predict_labelled(network, loader(images, Simple(size=8))).combined.shape == (3, 10)


class TestViews:
    """Views of one image: the average of what the network says about each."""

    def pictures(self, count, height, width):
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (count, height, width, 1), np.uint8)
        return ArrayImages(pixels, [f"{i}.png" for i in range(count)])

    @pytest.mark.parametrize("batch_size", [1, 2, 100])
    def test_probabilities_are_averaged_over_the_crops(self, network, batch_size):
        images = self.pictures(5, 10, 12)
        crop = Crop(size=8)
        found = predict_labelled(network, loader(images, crop, batch_size=batch_size)).combined
        for image, row in zip(images.images, found, strict=True):
            places = [(0, 0), (0, 4), (2, 4), (2, 0), (1, 2)]
            cut = [image[top : top + 8, left : left + 8] for top, left in places]
            cut += [view[:, ::-1] for view in cut]
            np.testing.assert_allclose(row, np.mean(network(np.stack(cut)), axis=0), atol=1e-6)

    def test_crops_of_the_whole_image_are_it_and_its_mirror_image(self, network):
        images = self.pictures(7, 8, 8)
        found = predict_labelled(network, loader(images, Crop(size=8))).combined
        plain = network.predict(images.images, verbose=0)
        mirrored = network.predict(images.images[:, :, ::-1], verbose=0)
        np.testing.assert_allclose(found, (plain + mirrored) / 2, atol=1e-6)

    def test_every_image_keeps_its_place(self, network):
        images = self.pictures(9, 9, 9)
        crop = Crop(size=8, mirror=False)
        together = predict_labelled(network, loader(images, crop, batch_size=4))
        alone = [
            predict_labelled(network, loader(ArrayImages([image], ["x"]), crop)).combined[0]
            for image in images.images
        ]
        assert together.sample_ids == tuple(images.ids)
        np.testing.assert_allclose(together.combined, alone, atol=1e-6)


def test_predictions_are_kept_without_loss(tmp_path):
    given_ones = Predictions(
        np.random.default_rng(0).random((2, 3, 2), np.float32),
        np.array([0, 1, 1]),
        ("Füchse", "a class"),
        ("photos/ä b.png", "x.png", "日本.png"),
        ("one", "other"),
        (0.5, 0.75),
        "vote",
        np.array([True, False, False]),
    )
    save_predictions(tmp_path / "p.npz", given_ones)
    kept = load_predictions(tmp_path / "p.npz")
    np.testing.assert_array_equal(kept.probabilities, given_ones.probabilities)
    assert kept.labels.tolist() == [0, 1, 1]
    assert kept.label_names == given_ones.label_names
    assert kept.sample_ids == given_ones.sample_ids
    assert kept.member_names == given_ones.member_names
    assert kept.validation_accuracies == (0.5, 0.75)
    assert kept.method == "vote"
    assert kept.has_copy.tolist() == [True, False, False]


def test_predictions_of_before_there_was_a_choice_are_combined_by_their_mean(tmp_path):
    arrays = {"labels": [0], "label_names": ["a", "b"], "sample_ids": ["x.png"]}
    probabilities = np.array([[[0.5, 0.5]], [[0.0, 1.0]]], np.float32)
    np.savez(tmp_path / "p.npz", probabilities=probabilities, **arrays)
    assert load_predictions(tmp_path / "p.npz").combined.tolist() == [[0.25, 0.75]]
    np.savez(tmp_path / "p.npz", probabilities=probabilities, method="median", **arrays)
    with pytest.raises(DlcvError, match=r'p\.npz is damaged: .*"median"'):
        load_predictions(tmp_path / "p.npz")


@pytest.mark.parametrize("damage", ["missing", "cut", "other", "pickle"])
def test_predictions_that_can_not_be_read_are_an_error(tmp_path, damage):
    path = tmp_path / "p.npz"
    if damage == "other":
        np.savez(path, labels=np.zeros(3))
    elif damage == "pickle":
        np.savez(path, probabilities=np.array([{}], object))
    elif damage == "cut":
        np.savez(path, labels=np.zeros(3))
        path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DlcvError, match=r"p\.npz"):
        load_predictions(path)
