"""Images whose file names tell their labels."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv.errors import DlcvError
from dlcv_plugins.stores import file_names
from dlcv_plugins.stores.file_names import FileNames


@pytest.fixture
def folder(tmp_path):
    """Makes empty files of some names; only reading pixels would need more."""

    def make(*names):
        for name in names:
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "set"

    return make


def labelled(images):
    """The label of each image by its file's name."""
    names = [Path(images.sample_id(i)).name for i in range(len(images))]
    return {n: images.label_names[k] for n, k in zip(names, images.labels, strict=True)}


def test_dogs_and_cats_need_no_pattern(folder):
    root = folder("train/cat.11866.jpg", "train/dog.11046.jpg", "train/cat.2.jpg")
    store = FileNames(path=root)
    assert store.splits() == ("train",)
    images = store.open("train")
    assert images.label_names == ("cat", "dog")
    assert images.labels.dtype == np.int64
    assert labelled(images) == {"cat.11866.jpg": "cat", "cat.2.jpg": "cat", "dog.11046.jpg": "dog"}


@pytest.mark.parametrize(
    ("pattern", "name", "label"),
    [
        ("{label}.{number}", "cat.1.jpg", "cat"),
        ("{label}.*", "cat.a.b.jpg", "cat"),
        ("{label}_{number}", "great_dane_107.jpg", "great_dane"),
        ("{label}_*", "great_dane_107.jpg", "great"),
        ("*-{label}", "0001-cat.png", "cat"),
        ("{number}_{label}", "12_x_y.png", "x_y"),
        ("img_*_{label}_*", "img_7_cat_v2.png", "cat"),
        ("{label}*.jpg", "cat.jpg", "c"),
        ("{label}_{number}.jpg", "cat_3.JPG", "cat"),
        ("{label}", "äpfel & birnen.webp", "äpfel & birnen"),
        ("[{label}]", "[a+b].png", "a+b"),
        ("({number}){label}", "(12)日本.png", "日本"),
        ("{label}_{number}", "cat.jpg", None),
        ("{label}_{number}", "cat_1b.jpg", None),
        ("{label}_{number}", "_1.jpg", None),
        ("{label}.{number}", "1.jpg", None),
        ("a.{label}", "abc.jpg", None),
    ],
)
def test_a_pattern_finds_the_label(pattern, name, label):
    assert file_names._label(f"/some/where/{name}", file_names._expression(pattern)) == label


WORDS = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1)


@given(WORDS, st.integers(0, 10**9))
def test_any_label_comes_back(label, number):
    expression = file_names._expression("{label}.{number}")
    assert file_names._label(f"folder/{label}.{number}.jpg", expression) == label


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", 'the pattern "" must hold {label} once'),
        ("*.jpg", 'the pattern "*.jpg" must hold {label} once, as in "{label}_{number}"'),
        ("{label}_{label}", "must hold {label} once"),
        ("{labels}_*", "must hold {label} once"),
        ("{label}/*", "names folders; it is of the file's name alone"),
    ],
)
def test_a_pattern_that_can_not_be_right_is_refused(folder, pattern, message):
    with pytest.raises(DlcvError) as caught:
        FileNames(path=folder("cat.1.jpg"), pattern=pattern).splits()
    assert message in str(caught.value)


def test_a_pattern_that_matches_nothing_shows_some_names(folder):
    root = folder(*[f"IMG_{i}.jpg" for i in range(9)], "notes.txt")
    with pytest.raises(DlcvError) as caught:
        FileNames(path=root).splits()
    assert str(caught.value) == (
        f'{root}: the pattern "{{label}}.{{number}}" matches none of the 9 images: IMG_0.jpg, '
        "IMG_1.jpg, IMG_2.jpg, IMG_3.jpg, IMG_4.jpg, ... (9 in all); write a pattern in which "
        "{label} stands for the label"
    )


def test_names_that_do_not_match_while_others_do_are_refused(folder):
    root = folder("cat.1.jpg", "dog.1.jpg", "readme.png", "cat.jpg")
    with pytest.raises(DlcvError) as caught:
        FileNames(path=root).open("all")
    told = "does not match 2 of the 4 images: cat.jpg, readme.png; write a pattern that matches all"
    assert told in str(caught.value)


def test_folders_without_images_and_without_existence_are_errors(folder, tmp_path):
    with pytest.raises(DlcvError, match="set holds no images"):
        FileNames(path=folder("notes.txt")).splits()
    with pytest.raises(DlcvError, match=r"no such folder: .*nowhere"):
        FileNames(path=tmp_path / "nowhere").splits()
    with pytest.raises(DlcvError, match="train holds no images"):
        FileNames(path=folder("train/notes.txt", "val/cat.1.jpg")).splits()


def test_splits_are_used_and_share_their_labels(folder):
    root = folder("Train/cat.1.jpg", "Train/dog.1.jpg", "valid/cat.2.jpg", "test/a/dog.3.jpg")
    store = FileNames(path=root)
    assert store.splits() == ("train", "val", "test")
    assert {store.open(split).label_names for split in store.splits()} == {("cat", "dog")}
    assert labelled(store.open("val")) == {"cat.2.jpg": "cat"}
    assert labelled(store.open("test")) == {"dog.3.jpg": "dog"}
    with pytest.raises(DlcvError, match='has no split "all"; it has train, val, test'):
        store.open("all")


def test_split_folders_may_share_the_rest_of_their_names(folder, caplog):
    files = [f"train_images/{name}" for name in GOOD]
    root = folder(*files, "test_images/test_images/cat.7.jpg", "new_images/1.jpg")
    store = FileNames.recognise(root)
    assert store.splits() == ("train", "test")
    assert labelled(store.open("test")) == {"cat.7.jpg": "cat"}
    assert len(store.open("train")) == 4
    assert "new_images: images without a label are left out: 1, such as 1.jpg" in caplog.text


@pytest.mark.parametrize("name", ["test1", "test", "more"])
def test_an_unlabelled_folder_is_left_out_and_counted(folder, name, caplog):
    root = folder("train/cat.1.jpg", "train/dog.1.jpg", f"{name}/1.jpg", f"{name}/2.jpg")
    store = FileNames(path=root)
    assert store.splits() == ("train",)
    assert len(store.open("train")) == 2
    expected = f"{root / name}: images without a label are left out: 2, such as 1.jpg"
    assert caplog.messages == [expected]


def test_images_that_are_not_read_are_counted_in_a_warning(folder, caplog):
    root = folder("train/cat.1.jpg", "train/dog.1.jpg", "train/dog.2.tga", "val/cat.2.jpg")
    store = FileNames(path=root)
    for split in store.splits():
        store.open(split)
    where = root / "train"
    assert caplog.messages == [
        f"{where}: images of unread formats are left out (1 .tga); convert them to JPEG or PNG"
    ]


def test_a_labelled_folder_that_is_no_split_is_refused(folder):
    root = folder("train/cat.1.jpg", "train/dog.1.jpg", "more/cat.2.jpg")
    with pytest.raises(DlcvError, match="more holds labelled images and is no split; name it"):
        FileNames(path=root).open("train")


GOOD = ("cat.1.jpg", "cat.2.jpg", "dog.1.jpg", "dog.2.jpg")


@pytest.mark.parametrize(
    ("names", "recognised"),
    [
        (GOOD, True),
        ([f"train/{name}" for name in GOOD], True),
        ([f"train/{name}" for name in GOOD] + ["test1/1.jpg"], True),
        ([*GOOD, "notes.txt"], True),
        ([*GOOD, "other.jpg"], False),
        (["photo.1.jpg", "photo.2.jpg"], False),
        (["photo.1.jpg", "photo.2.jpg", "scan.1.jpg"], False),
        (["1.1.jpg", "1.2.jpg", "2.1.jpg", "2.2.jpg"], False),
        (["cat/cat.1.jpg", "cat/cat.2.jpg", "dog/dog.1.jpg", "dog/dog.2.jpg"], False),
        ([], False),
    ],
)
def test_only_what_can_be_nothing_else_is_recognised(folder, names, recognised):
    root = folder(*names)
    root.mkdir(exist_ok=True)
    assert FileNames.recognise(root) == (FileNames(path=root) if recognised else None)


def test_a_file_is_not_recognised():
    assert FileNames.recognise(Path(__file__)) is None
