"""Grey images among colored ones: a note by chance, a warning where color gives away the class."""

import numpy as np
import pytest

from dlcv.interfaces import DatasetFacts, FileHeader, ImageFacts, PixelSummary, Sample
from dlcv_plugins.checks.animated_images import AnimatedImages
from dlcv_plugins.checks.grey_images import GreyImages
from dlcv_plugins.checks.rotated_images import RotatedImages


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


@pytest.mark.parametrize(("orientation", "frames", "severity"), [(6, 1, "note"), (1, 3, "warning")])
def test_other_properties_tell_a_class_too_and_warn_where_a_network_sees_them(
    orientation, frames, severity
):
    images = []
    for label, having, others in (("scan", 49, 1), ("photo", 2, 98)):
        for has in [True] * having + [False] * others:
            sample = Sample(f"{len(images)}.jpg", "all", label, len(images))
            header = FileHeader("GIF", "RGB", 9, 9, orientation if has else 1, frames if has else 1)
            images.append(ImageFacts(sample, header=header))
    check = RotatedImages() if orientation > 1 else AnimatedImages()
    (found,) = check.findings(DatasetFacts({"all": Split()}, images=tuple(images)))
    assert found.severity == severity
    assert found.sentence.endswith(
        "; they are 49 of the 50 images of scan, and 2 of the 100 others"
    )
    assert ("can learn this instead" in found.advice) == (frames > 1)
