"""Which images count as nearly the same, and which only look alike to a hash."""

import defective
import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from dlcv import registry
from dlcv.images import decode
from dlcv_plugins.kinds.check import PixelSummary
from dlcv_plugins.similarity import groups as of_groups
from dlcv_plugins.similarity.groups import Groups, correlations, groups_within, similar_groups
from dlcv_plugins.similarity.summaries import perceptual_hashes
from dlcv_plugins.similarity.summaries import summarize as summarize_all


def summarize(image):
    return summarize_all([image])[0]


def similar(summaries):
    return similar_groups(summaries, 10, 0.94)


def summaries(*pictures):
    return [summarize(np.asarray(p.convert("RGB"))) for p in pictures]


def reencoded(image, quality):
    return Image.fromarray(decode(defective.encoded(image, "JPEG", quality=quality)))


VERSIONS = {
    "re-encoded": lambda image: reencoded(image, 40),
    "halved": lambda image: image.resize((80, 60)),
    "stretched": lambda image: image.resize((200, 90)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "cropped": lambda image: image.crop((2, 1, 158, 119)),
    "flat": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", range(5))
def test_versions_of_an_image_are_alike(version, seed):
    image = defective.picture(seed, (120, 160))
    others = [defective.picture(n, (120, 160)) for n in range(50, 60)]
    assert similar(summaries(image, *others, VERSIONS[version](image))) == [[0, 11]]


def test_different_images_are_not():
    assert similar(summaries(*(defective.picture(n) for n in range(300)))) == []


def test_the_same_in_other_colors_is_not():
    """A hash sees grey only: red and green squares of the same brightness are the same to it."""
    rng = np.random.default_rng(0)
    blots = rng.integers(0, 2, (60, 60, 1), np.uint8).repeat(2, 0).repeat(2, 1)
    red, green = (blots * np.array(color, np.uint8) for color in ((197, 0, 0), (0, 100, 0)))
    first, second = summarize(red), summarize(green)
    assert (first.hash ^ second.hash).bit_count() <= 10
    assert similar([first, second]) == []


def test_too_small_images_are_not_compared():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (15, 40, 3), np.uint8)
    assert similar([summarize(image), summarize(image)]) == []
    image = rng.integers(0, 256, (16, 40, 3), np.uint8)
    assert similar([summarize(image), summarize(image)]) == [[0, 1]]


def test_correlations_are_those_of_numpy_and_leave_brightness_and_contrast_out():
    rng = np.random.default_rng(0)
    first, second = rng.integers(50, 150, (2, 5, 4, 4, 3)).astype(np.uint8)
    for n in range(5):
        a, b = ((x[n] - x[n].mean((0, 1))).ravel() for x in (first, second))
        assert correlations(first, second)[n] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-5)
    assert correlations(first, first + 30) == pytest.approx(np.ones(5))
    assert correlations(first, first // 2) == pytest.approx(np.ones(5), abs=0.001)
    assert correlations(first, 255 - first) == pytest.approx(-np.ones(5))
    assert correlations(first, np.full_like(first, 9)).tolist() == [0] * 5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_groups_are_those_that_a_walk_over_the_pairs_finds(pairs):
    groups = Groups(20)
    for some in (pairs[:9], pairs[9:]):
        groups.join(*np.array(some, int).reshape(-1, 2).T)
    neighbours = {n: {n} for n in range(20)}
    for first, second in pairs:
        neighbours[first].add(second)
        neighbours[second].add(first)
    leaders = groups.leaders()
    for start in range(20):
        reached, waiting = set(), [start]
        while waiting:
            place = waiting.pop()
            if place not in reached:
                reached.add(place)
                waiting += neighbours[place]
        assert leaders[start] == min(reached)


SIGNATURES = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
SIGNATURES = np.concatenate([SIGNATURES, SIGNATURES[:, :, ::-1]])
HASHES = st.sampled_from([0, 1, 3, 2**63, 2**64 - 1])
MADE = st.builds(
    lambda upright, mirrored, picture: PixelSummary(
        16, 16, b"", upright, mirrored, SIGNATURES[picture].tobytes(), False, False
    ),
    HASHES,
    HASHES,
    st.integers(0, 3),
)


def pair_by_pair(images, distance):
    """The groups, with each image compared with each later one."""
    groups = Groups(len(images))
    pixels = [np.frombuffer(i.signature, np.uint8).reshape(1, 16, 16, 3) for i in images]
    for second in range(len(images)):
        for first in range(second):
            for of_first, step in ((images[first].hash, 1), (images[first].mirrored_hash, -1)):
                near = (of_first ^ images[second].hash).bit_count() <= distance
                alike = correlations(pixels[first][:, :, ::step], pixels[second])[0] >= 0.94
                if near and alike:
                    groups.join(np.array([first]), np.array([second]))
    return groups.members()


@pytest.mark.parametrize("sizes", [(64, 4096), (1, 2)])
@pytest.mark.parametrize("distance", [0, 1])
def test_groups_are_those_that_comparing_each_pair_finds(monkeypatch, sizes, distance):
    monkeypatch.setattr(of_groups, "ROWS_AT_ONCE", sizes[0])
    monkeypatch.setattr(of_groups, "COLUMNS_AT_ONCE", sizes[1])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(MADE, max_size=12))
    def compare(images):
        assert groups_within(images, distance, 0.94, 1) == pair_by_pair(images, distance)

    compare()


def test_equal_hashes_are_found_without_comparing_every_pair(monkeypatch):
    def refuse(_):
        raise AssertionError("every hash is compared with every other")

    monkeypatch.setattr(of_groups.np, "bitwise_count", refuse)
    image = summarize(np.asarray(defective.picture(0)))
    assert groups_within([image, image], 0, 0.94) == [[0, 1]]


def test_joining_no_pairs_costs_no_walk_over_all_things(monkeypatch):
    groups = Groups(3)
    monkeypatch.setattr(groups, "leaders", lambda: pytest.fail("all things are looked at"))
    groups.join(np.array([], int), np.array([], int))


def test_a_summary_tells_exact_copies_greys_and_blanks_apart():
    image = np.asarray(defective.picture(1))
    other = image.copy()
    other[0, 0, 0] ^= 1
    assert summarize(image).digest == summarize(image.copy()).digest != summarize(other).digest
    # The same bytes in another shape are another image.
    assert summarize(image.reshape(80, 60, 3)).digest != summarize(image).digest
    grey = image[..., :1]
    assert summarize(grey).digest == summarize(grey.repeat(3, -1)).digest
    assert (summarize(image).is_grey, summarize(grey).is_grey) == (False, True)
    assert (summarize(grey).is_blank, summarize(np.full((9, 9, 3), 7, np.uint8)).is_blank) == (0, 1)


def test_many_images_that_are_all_the_same_take_no_time():
    """Pairs within a group are not looked at again, or 4 million would be."""
    summary = summarize(np.asarray(defective.picture(0)))
    assert similar([summary] * 2000) == [list(range(2000))]


def test_images_that_are_alike_by_nature_are_not_called_copies():
    """Of handwritten digits, more than half look like another one to a hash."""
    digits = registry.create("store", "digits(size=32)").open("all")
    found = [summarize(digits.read([n])[0]) for n in range(600)]
    assert similar(found) == []


def test_a_set_that_holds_everything_mirrored_is_found_all_the_same():
    pictures = [defective.picture(n, (64, 64)) for n in range(30)]
    flipped = [p.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for p in pictures]
    assert similar(summaries(*pictures, *flipped)) == [[n, n + 30] for n in range(30)]


def test_hashes_are_those_of_imagehash():
    pictures = [defective.picture(n, (32, 32)) for n in range(40)]
    hashes = perceptual_hashes(np.stack([np.asarray(picture) for picture in pictures]))
    for picture, found in zip(pictures, hashes.tolist(), strict=True):
        mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert found == [int(str(imagehash.phash(p)), 16) for p in (picture, mirrored)]
