"""Grey images among colored ones: a note by chance, a warning where color gives away the class."""

import numpy as np
import pytest

from dlcv.interfaces import DatasetFacts, ImageFacts, PixelSummary, Sample
from dlcv_plugins.checks.grey_images import GreyImages


class Split:
    image_shape = (None, None, 3)


def facts(**classes):
    """Facts of images: by class, how many are grey and how many are in color."""
    images = []
    for label, (grey, colored) in classes.items():
        for is_grey in [True] * grey + [False] * colored:
            sample = Sample(f"{len(images)}.jpg", "all", label, len(images))
            pixels = PixelSummary(9, 9, b"", 0, 0, b"", is_grey=is_grey, is_blank=False)
            images.append(ImageFacts(sample, pixels=pixels))
    return DatasetFacts({"all": Split()}, images=tuple(images))


def finding(**classes):
    (found,) = GreyImages().findings(facts(**classes))
    return found


def test_nearly_all_of_one_class_is_a_warning_that_counts_by_class():
    found = finding(scan=(4900, 100), photo=(40, 10_000), sketch=(10, 7300))
    assert found.severity == "warning"
    assert found.sentence == (
        "4,950 images are grey among images in color, and color gives away a class: "
        "4,900 of the 5,000 images of scan are grey, and 50 of the 17,350 others"
    )
    assert "color instead of the class" in found.advice
    assert len(found.samples) == 4950


def test_a_class_without_grey_images_among_grey_ones_gives_itself_away_too():
    found = finding(a=(100, 0), b=(100, 0), c=(0, 100))
    assert found.severity == "warning"
    assert "0 of the 100 images of c are grey, and 200 of the 200 others" in found.sentence


def test_equal_shares_are_a_note():
    found = finding(a=(20, 80), b=(18, 82), c=(25, 75))
    assert (found.severity, found.sentence) == ("note", "63 images are grey among images in color")


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_no_warning(seed):
    rng = np.random.default_rng(seed)
    grey = rng.binomial(40, 0.3, 10)
    assert finding(**{f"c{n}": (k, 40 - k) for n, k in enumerate(grey)}).severity == "note"


def test_few_images_prove_nothing():
    assert finding(a=(3, 0), b=(0, 500)).severity == "note"


def test_all_grey_is_a_note_without_images():
    found = finding(a=(30, 0), b=(30, 0))
    assert (found.severity, found.groups) == ("note", ())
    assert GreyImages().findings(facts(a=(0, 30))) == []
