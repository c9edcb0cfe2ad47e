"""Previews show what a run would show to its network, and nothing else."""

import logging

import numpy as np
import pytest
from conftest import write_image

from dlcv import images, registry
from dlcv.config import RunConfig
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import ImagePreprocessor, Preprocessor, evolve, plugin, state
from dlcv.runs.experiment import Experiment
from dlcv_plugins.commands.data.preview.network_input import preview_images


def config(data, text, **options):
    return RunConfig().with_options(data=str(data), preprocessors=text, threads=2, **options)


@plugin
class Brighter(ImagePreprocessor):
    """Adds a number from 1 to 9 in training."""

    def process(self, image, rng):
        return image if rng is None else image // 2 + rng.integers(1, 10, dtype=np.uint8)


@plugin
class Reversed(Preprocessor):
    """Gives each image its opposite number's half, and a quarter of its label."""

    def __call__(self, images, rng=None):
        return images

    def mix(self, images, labels, rng):
        return images // 2 + images[::-1] // 2, 0.75 * labels + 0.25 * labels[::-1]


@plugin
class Learned(Preprocessor):
    """Learns how many training images there are."""

    count: np.ndarray = state()

    def __call__(self, images, rng=None):
        return np.full_like(images, self.count)

    def prepare(self, context):
        return evolve(self, count=np.array(sum(map(len, context.training_batches()))))


@pytest.fixture(autouse=True)
def steps():
    with (
        registry.register("preprocessor", "brighter", Brighter),
        registry.register("preprocessor", "reversed_mix", Reversed),
        registry.register("preprocessor", "learned", Learned),
    ):
        yield


@pytest.fixture
def flat(tmp_path):
    """A folder of three images without classes."""
    rng = np.random.default_rng(0)
    for number in range(3):
        image = rng.integers(0, 256, (20, 24, 3), np.uint8)
        write_image(tmp_path / "flat" / f"{number}.png", image)
    return tmp_path / "flat"


@pytest.mark.parametrize("size", [None, (50, 40), (200, 300)])
@pytest.mark.parametrize("text", ["patch, brighter", "aspect_aware, patch", "mean", "brighter"])
@pytest.mark.parametrize("options", [{}, {"input_size": 24}, {"seed": 7, "test": 0.3}])
def test_pixels_are_those_of_a_run_s_first_images(photos, size, text, options):
    made = config(photos(size=size), text, **options)
    run = Experiment.prepare(made)
    found = preview_images(made, count=3, draws=2)
    assert found.pixel_steps == run.pipeline.pixel_steps
    loader = run.loader("train")
    first = loader.order(0)[:3]
    expected = run.pipeline.pixels(loader.images.read(first))
    np.testing.assert_array_equal([row[0] for row in found.rows], expected)
    for epoch in range(found.draws):
        drawn, _ = evolve_batch(loader, 3).batch(epoch, 0, first)
        np.testing.assert_array_equal([row[1 + epoch] for row in found.rows], drawn)
    classes = [loader.images.label_names[loader.images.labels[i]] for i in first]
    assert [titles[0].partition(":")[0] for titles in found.titles] == classes


def evolve_batch(loader, size):
    loader.batch_size = size
    return loader


def test_draws_differ_and_are_parts_of_the_image_without_randomness(photos):
    found = preview_images(
        config(photos(), "aspect_aware(size=20), patch(size=20), brighter"), draws=4
    )
    assert (len(found.rows), found.draws, found.views) == (4, 4, 1)
    for plain, *drawn in found.rows:
        added = [int((image - plain // 2).max()) for image in drawn]
        for image, number in zip(drawn, added, strict=True):
            np.testing.assert_array_equal(image, plain // 2 + number)
        assert 1 <= min(added) < max(added) <= 9
    assert found.titles[0][1:] == ["draw 1", "draw 2", "draw 3", "draw 4"]


def test_mixed_images_are_shown_with_their_shares(photos):
    made = config(photos(classes=("a", "b"), size=(9, 9)), "reversed_mix")
    found = preview_images(made, count=2, draws=1)
    (one, mixed), (other, _) = found.rows
    np.testing.assert_array_equal(mixed, one // 2 + other // 2)
    names = [titles[0][0] for titles in found.titles]
    if names[0] == names[1]:
        assert [titles[1] for titles in found.titles] == ["draw 1", "draw 1"]
    else:
        assert [t[1] for t in found.titles] == [
            f"{names[0]} 75 %, {names[1]} 25 %",
            f"{names[1]} 75 %, {names[0]} 25 %",
        ]


def test_steps_learn_from_the_training_images_whatever_is_shown(photos):
    made = config(photos(), "simple(size=4), learned", test=6, validation=3)
    for split in (None, "val", "test"):
        assert {image.max() for row in preview_images(made, split=split).rows for image in row} == {
            21
        }


def test_value_steps_are_left_out_and_nothing_is_read_for_them(photos, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("dlcv_plugins.preprocessors.mean.Mean.prepare", None)
    found = preview_images(config(photos(), "mean, simple(size=5), scale"))
    assert [str(registry.spec_of(step)) for step in found.pixel_steps] == [
        "simple(size=5, interpolation=area)"
    ]
    assert "not shown, since they change values, not pixels: mean, scale" in caplog.messages


def test_where_nothing_is_random_there_is_one_picture_an_image(photos):
    found = preview_images(config(photos(), "simple(size=5)"), draws=3)
    assert ({len(row) for row in found.rows}, found.draws) == ({1}, 0)


def test_views_are_side_by_side(photos):
    found = preview_images(config(photos(size=(20, 20)), "crop(size=16, mirror=False)"), count=2)
    assert (found.views, found.draws) == (5, 0)
    for titles, row in zip(found.titles, found.rows, strict=True):
        np.testing.assert_array_equal(row[0][:, 4:], row[1][:, :-4])
        assert titles[1:] == ["view 2", "view 3", "view 4", "view 5"]


def test_a_single_image_keeps_its_size_and_is_drawn_ten_times(flat):
    found = preview_images(config(flat / "1.png", "brighter"))
    (row,) = found.rows
    np.testing.assert_array_equal(row[0], images.read_image(flat / "1.png"))
    assert (found.draws, found.is_dataset, found.titles[0][0]) == (10, False, "1.png")
    (small,) = preview_images(config(flat / "1.png", "patch", input_size=8)).rows
    assert {image.shape for image in small} == {(8, 8, 3)}


def test_a_folder_of_images_needs_no_classes(flat):
    found = preview_images(config(flat, "brighter"), draws=1)
    assert len(found.rows) == 3
    assert sorted(titles[0] for titles in found.titles) == ["0.png", "1.png", "2.png"]
    assert {image.shape for row in found.rows for image in row} == {(20, 24, 3)}
    write_image(flat / "other.png", np.zeros((9, 9, 3), np.uint8))
    mixed = preview_images(config(flat, "brighter"))
    assert {image.shape for row in mixed.rows for image in row} == {(32, 32, 3)}


def test_bad_images_are_refused_or_left_out(flat):
    (flat / "1.png").write_bytes((flat / "1.png").read_bytes()[:60])
    with pytest.raises(ImageError, match=r"1\.png: .*--bad-images skip"):
        preview_images(config(flat, "brighter"))
    assert len(preview_images(config(flat, "brighter", bad_images="skip")).rows) == 2


@pytest.mark.parametrize("name", ["none", "flat/3.png"])
def test_what_is_not_there_is_an_error(flat, name):
    with pytest.raises(DlcvError, match="no such file or folder"):
        preview_images(config(flat.parent / name, "brighter"))


def test_splits_are_of_data_sets_only(flat, photos):
    with pytest.raises(DlcvError, match="flat is not a data set and has no split val"):
        preview_images(config(flat, "brighter"), split="val")
    with pytest.raises(DlcvError, match='has no split "all"; it has train, val, test'):
        preview_images(config(photos(), "brighter"), split="all")


def test_long_names_are_shortened_in_the_middle(photos):
    made = config(photos(classes=("a" * 30, "b" * 30)), "brighter")
    for row in preview_images(made).titles:
        label, name = row[0].split(": ")
        assert len(row[0]) <= 26
        assert set(label) in ({"a", "…"}, {"b", "…"})
        assert name.endswith(".png")
