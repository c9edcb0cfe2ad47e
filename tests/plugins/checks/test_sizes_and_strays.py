"""Sizes that stand out, and files that belong to no class."""

import defective
import pytest

from dlcv import registry
from dlcv.interfaces import DatasetFacts, ImageFacts, PixelSummary, Sample
from dlcv_plugins.commands.data.check.checkup import check_data
from dlcv_plugins.commands.data.check.figures import sizes_of


def of_sizes(*sizes):
    facts = [
        ImageFacts(
            Sample(f"{h}x{w}", "all", "a", n),
            pixels=PixelSummary(h, w, bytes([n]), n, n, b"", is_grey=False, is_blank=False),
        )
        for n, (h, w) in enumerate(sizes)
    ]
    unreadable = ImageFacts(Sample("bad", "all", "a"), problem="bad")
    return DatasetFacts({}, images=(*facts, unreadable))


def found(*sizes, checks="tiny_images, large_images, elongated_images"):
    made = registry.create_list("check", checks)
    findings = [finding for check in made for finding in check.findings(of_sizes(*sizes))]
    return [(f.id, [s.name for s in f.samples]) for f in findings]


def test_figures_of_sizes():
    sizes = sizes_of(of_sizes((10, 20), (30, 30), (30, 30), (40, 10)))
    assert sizes.heights == (10, 30, 40)
    assert sizes.widths == (10, 25, 30)
    assert sizes.aspects == (0.25, 1.0, 2.0)
    assert (sizes.most_common, sizes.most_common_share, sizes.different) == ((30, 30), 0.5, 3)


def test_without_a_readable_image_there_are_none():
    assert sizes_of(of_sizes()) is None
    assert found() == []


def test_images_far_smaller_than_the_others_are_tiny():
    assert found((200, 200), (300, 200), (200, 300), (24, 200)) == [
        ("tiny", ["24x200"]),
        ("elongated", ["24x200"]),
    ]
    assert found((200, 200), (300, 200), (200, 300), (25, 100)) == []
    assert found((8, 8), (8, 8)) == []
    assert found((7, 8), (8, 7)) == [("tiny", ["7x8", "8x7"])]


def test_large_and_elongated_images_are_reported():
    assert found((5000, 5000), (5001, 5000)) == [("enormous", ["5001x5000"])]
    assert found((100, 400), (100, 401), (401, 100)) == [("elongated", ["100x401", "401x100"])]


def test_limits_are_options():
    sizes = ((100, 100), (100, 210), (20, 30))
    assert found(*sizes, checks="tiny_images(pixels=21)") == [("tiny", ["20x30"])]
    assert found(*sizes, checks="tiny_images(share=0.3)") == [("tiny", ["20x30"])]
    assert found(*sizes, checks="elongated_images(ratio=2)") == [("elongated", ["100x210"])]
    large = registry.create("check", "large_images(megapixels=0.02)")
    (finding,) = large.findings(of_sizes(*sizes))
    assert finding.sentence == "1 image has more than 0.02 million pixels"


@pytest.fixture
def photos_with_strays(photos, tmp_path):
    root = photos(count=30)
    for name, content in {
        "README": b"?",
        "red/Thumbs.db": b"?",
        "red/deep/notes.txt": b"?",
        "red/._000.png": b"?",
        ".git/index.jpg": b"?",
        "__MACOSX/red/000.png": b"?",
        "loose.PNG": defective.encoded(defective.picture(0), "PNG"),
        "blue/layers.PSD": b"?",
        "blue/photo.dng": b"?",
    }.items():
        defective.put(root / name, content)
    return root


def test_files_that_are_not_read_are_reported_by_kind(photos_with_strays):
    found = {f.id: f for f in check_data(str(photos_with_strays)).findings}
    names = {kind: [s.name for s in finding.samples] for kind, finding in found.items()}
    assert names["images-without-class"] == ["loose.PNG"]
    assert names["unread-images"] == ["blue/layers.PSD", "blue/photo.dng"]
    assert names["strays"] == ["README", "red/._000.png", "red/Thumbs.db", "red/deep/notes.txt"]
    assert "(.dng, .psd)" in found["unread-images"].sentence
    assert "1 README" in found["strays"].sentence


def test_links_that_lead_around_are_followed_once(photos):
    root = photos(count=30)
    (root / "red" / "again").symlink_to(root / "red")
    assert [f.id for f in check_data(str(root)).findings] == []


def test_an_empty_class_folder_is_an_error_and_the_rest_is_checked(photos):
    root = photos(count=30)
    (root / "violet").mkdir()
    (root / "red" / "000.png").write_bytes(b"")
    found = {f.id: f.sentence for f in check_data(str(root)).findings}
    assert found["empty-class"] == "there is no image of violet"
    assert found["unreadable"] == "1 image can't be read completely"
