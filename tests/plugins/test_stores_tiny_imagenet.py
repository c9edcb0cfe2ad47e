"""Tiny ImageNet's own layout."""

import os

import numpy as np
import pytest

from dlcv.errors import DlcvError
from dlcv_plugins.stores.tiny_imagenet import TinyImagenet

WORDS = "n01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane, wading bird\nn99\tunused\n"
BOX = "\t0\t0\t62\t62\n"


@pytest.fixture
def tiny(tmp_path):
    """A set of three classes, two of which are called the same."""
    root = tmp_path / "tiny"
    for wnid in ("n02", "n01", "n03"):
        folder = root / "train" / wnid / "images"
        folder.mkdir(parents=True)
        for number in range(2):
            (folder / f"{wnid}_{number}.JPEG").touch()
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text("n02_0.JPEG\t0\t0\t62\t62\n")
    (root / "val" / "images").mkdir(parents=True)
    for number in range(3):
        (root / "val" / "images" / f"val_{number}.JPEG").touch()
    (root / "wnids.txt").write_text("n02\nn01\nn03\n")
    (root / "words.txt").write_text(WORDS)
    annotations = ["val_0.JPEG\tn01", "val_1.JPEG\tn03", "val_2.JPEG\tn01"]
    (root / "val" / "val_annotations.txt").write_text("".join(a + BOX for a in annotations))
    return root


def test_classes_are_named_by_their_first_word_and_told_apart(tiny):
    store = TinyImagenet(path=tiny)
    assert store.splits() == ("train", "val")
    images = store.open("train")
    assert images.label_names == ("crane (n02)", "goldfish", "crane (n03)")
    assert images.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert images.labels.dtype == np.int64
    assert images.sample_id(2) == str(tiny / "train" / "n01" / "images" / "n01_0.JPEG")


def test_validation_images_are_labelled_by_the_annotations(tiny):
    images = TinyImagenet(path=tiny).open("val")
    assert images.label_names == ("crane (n02)", "goldfish", "crane (n03)")
    assert images.labels.tolist() == [1, 2, 1]
    assert images.sample_id(1) == str(tiny / "val" / "images" / "val_1.JPEG")


def test_a_class_without_words_is_named_by_its_id(tiny):
    (tiny / "words.txt").write_text("n01\tgoldfish\n")
    assert TinyImagenet(path=tiny).open("val").label_names == ("n02", "goldfish", "n03")
    (tiny / "words.txt").unlink()
    assert TinyImagenet(path=tiny).open("val").label_names == ("n02", "n01", "n03")


def test_test_images_are_left_out_and_that_is_said(tiny, caplog):
    (tiny / "test" / "images").mkdir(parents=True)
    (tiny / "test" / "images" / "test_0.JPEG").touch()
    caplog.set_level("INFO")
    assert TinyImagenet(path=tiny).splits() == ("train", "val")
    TinyImagenet(path=tiny).open("train")
    assert caplog.messages == ["the test images of Tiny ImageNet have no labels and are left out"]


def test_images_without_annotation_are_counted(tiny, caplog):
    (tiny / "val" / "images" / "val_7.JPEG").touch()
    assert len(TinyImagenet(path=tiny).open("val")) == 3
    where = tiny / "val" / "images"
    assert caplog.messages == [
        f"{where}: images without annotation are left out: 1, such as val_7.JPEG"
    ]


def test_lines_may_end_as_on_windows(tiny):
    for name in ("wnids.txt", "words.txt", "val/val_annotations.txt"):
        text = (tiny / name).read_text()
        (tiny / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    images = TinyImagenet(path=tiny).open("val")
    assert images.label_names == ("crane (n02)", "goldfish", "crane (n03)")
    assert images.labels.tolist() == [1, 2, 1]


ANNOTATIONS = "val/val_annotations.txt"


@pytest.mark.parametrize(
    ("file", "content", "split", "message"),
    [
        (ANNOTATIONS, f"val_0.JPEG\tn01{BOX}gone.JPEG\tn01{BOX}", "val",
         "names 1 of 2 images that are not in {root}/val/images; the first is gone.JPEG on line 2"),
        (ANNOTATIONS, f"val_0.JPEG\tn77{BOX}", "val",
         'line 1: val_0.JPEG is of the class "n77", which wnids.txt does not list'),
        (ANNOTATIONS, f"val_0.JPEG\tn01{BOX}\nval_1.JPEG n01 0 0 1 1\n", "val",
         "line 3: expected a file's name, an id and a box, with tabs between, received "),
        (ANNOTATIONS, "val_0.JPEG\tn01\t0\t0\n", "val", "line 1: expected a file's name"),
        (ANNOTATIONS, f"../images/val_0.JPEG\tn01{BOX}", "val", "line 1: expected a file's name"),
        (ANNOTATIONS, f"val_0.JPEG\tn01{BOX}" * 2, "val",
         "line 2: val_0.JPEG is on line 1 already"),
        (ANNOTATIONS, b"\xff\xfe\x00", "val", "is no text in UTF-8"),
        (ANNOTATIONS, None, "val", "val_annotations.txt is missing; it belongs to Tiny ImageNet"),
        ("words.txt", "n01 goldfish\n", "train",
         'line 1: expected an id, a tab and words, received "n01 goldfish"'),
        ("wnids.txt", "", "train", "is empty; it lists the ids of the classes"),
        ("wnids.txt", "n01\nn02\nn01\nn03\n", "train", "lists n01 more than once"),
        ("wnids.txt", "n01\nn02\n", "train", "train holds n03, which wnids.txt does not list"),
        ("wnids.txt", "n01\nn02\nn03\nn04\n", "train",
         "train/n04 holds no images, and wnids.txt lists the class n04"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_line(tiny, file, content, split, message):
    if content is None:
        (tiny / file).unlink()
    else:
        (tiny / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DlcvError) as caught:
        TinyImagenet(path=tiny).open(split)
    assert message.format(root=tiny) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_recognised_by_its_list_of_classes(tiny):
    assert TinyImagenet.recognise(tiny) == TinyImagenet(path=tiny)
    assert TinyImagenet.recognise(tiny / "train") is None
    (tiny / "wnids.txt").unlink()
    assert TinyImagenet.recognise(tiny) is None
    with pytest.raises(DlcvError, match=r"holds no wnids\.txt and train; it is no Tiny ImageNet"):
        TinyImagenet(path=tiny).splits()


def test_real_images_have_the_classes_of_the_folders(real_data):
    store = TinyImagenet(path=real_data / "tiny-imagenet-20")
    train, val = (store.open(split) for split in store.splits())
    assert (len(train), len(val)) == (10_000, 1_000)
    assert np.bincount(train.labels).tolist() == [500] * 20
    assert np.bincount(val.labels).tolist() == [50] * 20
    assert train.label_names[:3] == ("goldfish", "centipede", "black stork")
    assert train.read([0, 9_999]).shape == (2, 64, 64, 3)


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_a_list_is_waited_for_by_nobody(tiny):
    (tiny / "wnids.txt").unlink()
    os.mkfifo(tiny / "wnids.txt")
    with pytest.raises((DlcvError, OSError), match=r"wnids\.txt"):
        TinyImagenet(path=tiny).open("train")
