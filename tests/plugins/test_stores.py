"""The stores that only read: folders of images, and scikit-learn's digits."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dlcv.data.subset import Subset
from dlcv.errors import DlcvError, ImageError
from dlcv_plugins.stores.digits import Digits
from dlcv_plugins.stores.folder import Folder


def write(path, value=0, size=(2, 3)):
    """A picture of one red: red only, so that channels in the wrong order show."""
    image = np.zeros((*size, 3), np.uint8)
    image[..., 2] = value  # OpenCV writes blue, green, red
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def reds(images):
    return [int(image[0, 0, 0]) for image in images.read(range(len(images)))]


class TestFolder:
    def test_labels_are_the_sorted_class_folders(self, tmp_path):
        for value, name in enumerate(["zebra/1.png", "ant/2.png", "ant/1.png", "Cat/x.png"]):
            write(tmp_path / name, value)
        images = Folder(path=tmp_path).open("all")
        assert images.label_names == ("Cat", "ant", "zebra")
        assert images.labels.tolist() == [0, 1, 1, 2]
        assert images.labels.dtype == np.int64
        assert reds(images) == [3, 2, 1, 0]
        assert images.sample_id(1) == str(tmp_path / "ant" / "1.png")

    def test_images_are_rgb_uint8_in_the_order_asked(self, tmp_path):
        write(tmp_path / "a" / "1.png", 10)
        write(tmp_path / "b" / "2.png", 20)
        images = Folder(path=tmp_path).open("all")
        pixels = images.read([1, 0, 1])
        assert pixels.dtype == np.uint8
        assert pixels.shape == (3, 2, 3, 3)
        assert pixels[:, 0, 0].tolist() == [[20, 0, 0], [10, 0, 0], [20, 0, 0]]

    def test_images_can_be_read_in_grey(self, tmp_path):
        write(tmp_path / "a" / "1.png", 100)
        write(tmp_path / "b" / "1.png", 100)
        images = Folder(path=tmp_path, color_mode="grayscale").open("all")
        assert images.image_shape == (None, None, 1)
        # The weight of red in the usual luma is 0.299.
        assert images.read([0])[0, 0, 0].tolist() == [pytest.approx(29.9, abs=1)]

    def test_images_of_many_sizes_come_as_a_list(self, tmp_path):
        write(tmp_path / "a" / "1.png", size=(2, 5))
        write(tmp_path / "b" / "1.png", size=(4, 1))
        images = Folder(path=tmp_path).open("all").read([0, 1])
        assert [image.shape for image in images] == [(2, 5, 3), (4, 1, 3)]

    def test_images_in_folders_below_belong_to_the_class(self, tmp_path):
        write(tmp_path / "a" / "2019" / "summer" / "1.png", 1)
        write(tmp_path / "a" / "2.jpg", 2)
        write(tmp_path / "b" / "images" / "3.png", 3)
        images = Folder(path=tmp_path).open("all")
        assert images.label_names == ("a", "b")
        assert images.labels.tolist() == [0, 0, 1]

    def test_names_may_hold_anything(self, tmp_path):
        names = ["blå kål/ein bild.png", "日本/写真 1.PNG", "a, 'b' \"c\"/x#%.png"]
        for value, name in enumerate(names):
            write((tmp_path / name).with_suffix(".png"), value)
        images = Folder(path=tmp_path).open("all")
        assert images.label_names == ("a, 'b' \"c\"", "blå kål", "日本")
        assert reds(images) == [2, 0, 1]
        assert len(images.fingerprint()) == 64

    def test_names_that_are_no_utf8_are_read_too(self, tmp_path):
        write(tmp_path / "a" / "1.png", 1)
        write(tmp_path / "b" / "1.png", 2)
        os.rename(tmp_path / "a" / "1.png", os.fsencode(tmp_path / "a") + b"/fl\xf6wer.png")
        images = Folder(path=tmp_path).open("all")
        assert reds(images) == [1, 2]
        assert len(images.fingerprint()) == 64

    @pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".Png", ".webp", ".bmp", ".tiff", ".TIF"])
    def test_endings_are_known_in_any_case(self, tmp_path, suffix):
        for name in ("a", "b"):
            path = write(tmp_path / name / f"1{suffix.lower()}", 200)
            path.rename(path.with_suffix(suffix))
        images = Folder(path=tmp_path).open("all")
        assert len(images) == 2
        assert images.read([0]).shape == (1, 2, 3, 3)

    def test_strays_are_no_images(self, tmp_path):
        for name in ("a", "b"):
            write(tmp_path / name / "1.png", 1)
            for stray in (".DS_Store", "Thumbs.db", "notes.txt", "list.csv", ".hidden.png"):
                (tmp_path / name / stray).write_bytes(b"stray")
            write(tmp_path / name / ".thumbnails" / "1.png", 2)
        (tmp_path / "readme.md").write_text("stray")
        write(tmp_path / "outside.png", 3)
        write(tmp_path / ".cache" / "1.png", 4)
        images = Folder(path=tmp_path).open("all")
        assert images.label_names == ("a", "b")
        assert reds(images) == [1, 1]

    def test_class_folders_and_images_may_be_links(self, tmp_path):
        write(tmp_path / "elsewhere" / "cats" / "1.png", 1)
        write(tmp_path / "elsewhere" / "one.png", 2)
        (tmp_path / "set" / "dog").mkdir(parents=True)
        (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere" / "cats")
        (tmp_path / "set" / "dog" / "2.png").symlink_to(tmp_path / "elsewhere" / "one.png")
        (tmp_path / "set" / "dog" / "more").symlink_to(tmp_path / "elsewhere" / "cats")
        images = Folder(path=tmp_path / "set").open("all")
        assert images.label_names == ("cat", "dog")
        assert reds(images) == [1, 2, 1]

    def test_links_in_a_circle_give_each_image_once(self, tmp_path):
        for name in ("a", "b"):
            write(tmp_path / name / "1.png", 1)
            (tmp_path / name / "again").symlink_to(tmp_path / name)
        assert len(Folder(path=tmp_path).open("all")) == 2

    def test_two_links_to_one_folder_are_two_classes(self, tmp_path):
        write(tmp_path / "images" / "1.png", 1)
        (tmp_path / "set").mkdir()
        for name in ("a", "b"):
            (tmp_path / "set" / name).symlink_to(tmp_path / "images")
        assert Folder(path=tmp_path / "set").open("all").labels.tolist() == [0, 1]

    def test_a_file_s_content_decides_its_format(self, tmp_path):
        write(tmp_path / "a" / "1.png", 9).rename(tmp_path / "a" / "1.jpg")
        write(tmp_path / "b" / "1.png", 8)
        assert reds(Folder(path=tmp_path).open("all")) == [9, 8]

    def test_a_bad_image_is_named_with_its_position(self, tmp_path):
        for number in range(3):
            path = write(tmp_path / "a" / f"{number}.png")
        path.write_bytes(path.read_bytes()[:-10])
        images = Folder(path=tmp_path).open("all")
        with pytest.raises(ImageError, match=r"a/2\.png: ") as caught:
            images.read([0, 2, 1])
        assert caught.value.index == 1

    def test_a_file_that_vanished_is_named(self, tmp_path):
        path = write(tmp_path / "a" / "1.png")
        images = Folder(path=tmp_path).open("all")
        path.unlink()
        with pytest.raises(ImageError, match=r"1\.png: No such file or directory"):
            images.read([0])

    def test_reading_from_many_threads_gives_each_its_own(self, tmp_path):
        for number in range(40):
            write(tmp_path / "a" / f"{number:02}.png", number)
        images = Folder(path=tmp_path).open("all")
        with ThreadPoolExecutor(4) as executor:
            read = executor.map(lambda number: images.read([number])[0, 0, 0, 0], range(40))
            assert list(read) == list(range(40))

    def test_a_folder_without_classes_is_an_error(self, tmp_path):
        with pytest.raises(DlcvError, match="holds no folder with images; each class needs a fold"):
            Folder(path=tmp_path).open("all")

    def test_a_class_without_images_stays_a_class(self, tmp_path):
        write(tmp_path / "a" / "1.png")
        (tmp_path / "b").mkdir()
        opened = Folder(path=tmp_path).open("all")
        assert (opened.label_names, opened.labels.tolist()) == (("a", "b"), [0])

    def test_jpeg_files_of_any_extension_are_read(self, tmp_path):
        for name in ("1.jpg", "2.JPEG", "3.jpe", "4.jfif"):
            (tmp_path / "a").mkdir(exist_ok=True)
            Image.new("RGB", (3, 2)).save(tmp_path / "a" / name, "JPEG")
        opened = Folder(path=tmp_path).open("all")
        assert opened.read(range(4)).shape == (4, 2, 3, 3)

    def test_images_that_are_not_read_are_counted_in_a_warning(self, tmp_path, caplog):
        write(tmp_path / "a" / "1.png")
        for name in ("a/1.tga", "a/deep/2.TGA", "b/3.dng", "b/._4.tga", "b/notes.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"?")
        assert len(Folder(path=tmp_path).open("all")) == 1
        assert caplog.messages == [
            f"{tmp_path}: images of unread formats are left out (2 .tga, 1 .dng); convert them "
            "to JPEG or PNG"
        ]

    def test_a_folder_that_is_not_there_is_an_error(self, tmp_path):
        with pytest.raises(DlcvError, match=r"no such folder: .*nowhere"):
            Folder(path=tmp_path / "nowhere").splits()

    @pytest.mark.parametrize(
        ("folders", "splits"),
        [
            (["a", "b"], ("all",)),
            (["train/a", "val/a"], ("train", "val")),
            (["test/a", "train/a"], ("train", "test")),
            (["test/a", "train/a", "val/a"], ("train", "val", "test")),
            (["train/a", "train/b"], ("train",)),
            (["test/a", "test/b"], ("test",)),
            # Vehicles: a class may be called train.
            (["car", "plane", "train"], ("all",)),
            (["test", "val"], ("all",)),
        ],
    )
    def test_split_folders_are_found(self, tmp_path, folders, splits):
        for name in folders:
            write(tmp_path / name / "1.png")
        assert Folder(path=tmp_path).splits() == splits

    def test_a_folder_beside_the_splits_that_is_none_is_refused(self, tmp_path):
        for name in ("train/cat", "train/dog", "held/cat", "held/dog"):
            write(tmp_path / name / "1.png")
        with pytest.raises(DlcvError, match=r"holds train, and beside it held, which is no split"):
            Folder(path=tmp_path).splits()

    def test_a_folder_beside_the_splits_that_holds_no_images_is_left_alone(self, tmp_path):
        for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
            write(tmp_path / name / "1.png")
        for name in ("notes/2019", "__MACOSX/train/cat", "@eaDir/1.png"):
            (tmp_path / name).mkdir(parents=True)
        write(tmp_path / "@eaDir" / "1.png" / "thumbnail.jpg")
        (tmp_path / "__MACOSX" / "train" / "cat" / "._1.png").write_bytes(b"stray")
        assert Folder(path=tmp_path).splits() == ("train", "test")

    @pytest.mark.parametrize(
        ("folders", "splits"),
        [
            (["Training", "Testing"], ("train", "test")),
            (["TRAIN", "validation"], ("train", "val")),
            (["test", "train", "valid"], ("train", "val", "test")),
            (["training", "train_val", "val"], ("train", "train_val", "val")),
        ],
    )
    def test_splits_go_by_many_names(self, tmp_path, folders, splits):
        for value, folder in enumerate(folders):
            for name in ("cat", "dog"):
                write(tmp_path / folder / name / "1.png", value)
        store = Folder(path=tmp_path)
        assert store.splits() == splits
        assert sorted(reds(store.open(split))[0] for split in splits) == list(range(len(splits)))

    def test_two_folders_for_one_split_are_refused(self, tmp_path):
        for name in ("train/cat", "val/cat", "Validation/cat"):
            write(tmp_path / name / "1.png")
        with pytest.raises(DlcvError, match="holds Validation and val, which both stand for val"):
            Folder(path=tmp_path).splits()

    @pytest.mark.parametrize("name", ["test", "test1", "Testing"])
    def test_an_unlabelled_split_is_left_out_and_counted(self, tmp_path, name, caplog):
        for path in ("train/cat/1.png", "train/dog/1.png", f"{name}/1.png", f"{name}/2.png"):
            write(tmp_path / path)
        store = Folder(path=tmp_path)
        assert store.splits() == ("train",)
        assert len(store.open("train")) == 2
        told = f"{tmp_path / name}: images without class folders are left out: 2"
        assert caplog.messages == [told]

    @pytest.mark.parametrize(
        ("names", "splits"),
        [
            (("seg_train/seg_train", "seg_test/seg_test"), ("train", "test")),
            (("train_images", "test_images", "Validation_images"), ("train", "val", "test")),
            (("Set.Training", "Set.Val"), ("train", "val")),
            (("train/train", "test/test"), ("train", "test")),
        ],
    )
    def test_split_folders_share_the_rest_of_their_names(self, tmp_path, names, splits):
        for number, name in enumerate(names):
            for kind in "bf":
                write(tmp_path / name / kind / f"{number}.png")
        store = Folder.recognise(tmp_path)
        assert store.splits() == splits
        for split in splits:
            opened = store.open(split)
            assert opened.label_names == ("b", "f")
            assert len(opened) == 2

    @pytest.mark.parametrize(
        "names",
        [
            ("train_station", "test_tube"),
            ("seg_val", "seg_test"),
            ("train_1", "seg_test"),
            ("strain_a", "contest_a"),
            ("train_test_a", "test_train_a"),
            ("red_train", "blue_train"),
        ],
    )
    def test_classes_whose_names_hold_words_for_splits_are_classes(self, tmp_path, names):
        for name in names:
            write(tmp_path / name / "day" / "1.png")
        assert Folder.recognise(tmp_path).splits() == ("all",)
        assert Folder(path=tmp_path).open("all").label_names == tuple(sorted(names))

    def test_an_unlabelled_folder_beside_such_splits_is_named(self, tmp_path, caplog):
        for name in ("seg_train/seg_train/b", "seg_train/seg_train/f", "seg_test/seg_test/b"):
            write(tmp_path / name / "1.png")
        write(tmp_path / "seg_pred/seg_pred/1.png")
        store = Folder.recognise(tmp_path)
        assert store.splits() == ("train", "test")
        store.open("train")
        assert f"{tmp_path}/seg_pred: images without class folders are left out: 1" in caplog.text
        write(tmp_path / "more/b/1.png")
        with pytest.raises(DlcvError, match=r"beside it more, which is no split"):
            store.splits()

    def test_such_splits_without_classes_are_no_classes(self, tmp_path):
        for name in ("train_images/1.png", "test_images/2.png"):
            write(tmp_path / name)
        assert Folder.recognise(tmp_path) is None
        with pytest.raises(DlcvError, match="test_images, train_images, and these hold no class"):
            Folder(path=tmp_path).splits()

    def test_splits_without_classes_are_no_classes(self, tmp_path):
        for name in ("train/cat.1.png", "train/dog.1.png", "test1/1.png"):
            write(tmp_path / name)
        assert Folder.recognise(tmp_path) is None
        with pytest.raises(DlcvError) as caught:
            Folder(path=tmp_path).splits()
        assert "holds test1, train, and these hold no class folders" in str(caught.value)
        assert f"file_names(path='{tmp_path}')" in str(caught.value)

    def test_a_link_to_nowhere_can_be_left_out(self, tmp_path):
        for name in ("a", "b"):
            write(tmp_path / name / "1.png")
        (tmp_path / "a" / "2.png").symlink_to(tmp_path / "nowhere.png")
        images = Folder(path=tmp_path).open("all")
        with pytest.raises(ImageError, match=r"2\.png: No such file or directory"):
            images.read([1])
        assert len(images.fingerprint()) == 64

    def test_each_split_is_read_from_its_folder(self, tmp_path):
        for value, split in enumerate(["train", "val", "test"]):
            for name in ("a", "b"):
                write(tmp_path / split / name / "1.png", value)
        store = Folder(path=tmp_path)
        assert [reds(store.open(split)) for split in store.splits()] == [[0, 0], [1, 1], [2, 2]]
        with pytest.raises(DlcvError, match='has no split "all"; it has train, val, test'):
            store.open("all")

    def test_the_fingerprint_changes_with_names_and_sizes(self, tmp_path):
        for name in ("a/1.png", "b/1.png"):
            write(tmp_path / "set" / name, 1)
        first = Folder(path=tmp_path / "set").open("all").fingerprint()
        (tmp_path / "set").rename(tmp_path / "moved")
        moved = Folder(path=tmp_path / "moved")
        assert moved.open("all").fingerprint() == first
        write(tmp_path / "moved" / "a" / "1.png", 1, size=(9, 9))
        larger = moved.open("all").fingerprint()
        (tmp_path / "moved" / "a" / "1.png").rename(tmp_path / "moved" / "a" / "2.png")
        renamed = moved.open("all").fingerprint()
        assert len({first, larger, renamed}) == 3

    def test_the_fingerprint_follows_the_contents_and_not_the_times(self, tmp_path):
        for name in ("a/1.bmp", "b/1.bmp"):
            write(tmp_path / "set" / name, 1)
        first = Folder(path=tmp_path / "set").open("all").fingerprint()
        image = tmp_path / "set" / "a" / "1.bmp"
        content = image.read_bytes()
        os.utime(image, ns=(1, 1))
        assert Folder(path=tmp_path / "set").open("all").fingerprint() == first
        image.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        replaced = Folder(path=tmp_path / "set").open("all")
        assert not replaced.has_fingerprint(first)
        assert replaced.has_fingerprint(replaced.fingerprint())

    def test_fingerprints_of_names_and_sizes_that_earlier_versions_recorded_are_accepted(
        self, tmp_path
    ):
        for name in ("a/1.png", "b/1.png"):
            write(tmp_path / "set" / name, 1)
        recorded = hashlib.sha256(np.array([0, 1], "<i8").tobytes())
        for name in ("a/1.png", "b/1.png"):
            size = (tmp_path / "set" / name).stat().st_size
            recorded.update(f"{name}\0{size}\n".encode())
        images = Folder(path=tmp_path / "set").open("all")
        assert images.has_fingerprint(recorded.hexdigest())
        indices = np.array([1])
        taken = hashlib.sha256(recorded.hexdigest().encode() + indices.astype("<i8").tobytes())
        assert Subset(images, indices).has_fingerprint(taken.hexdigest())
        write(tmp_path / "set" / "b" / "1.png", 1, size=(9, 9))
        assert not Folder(path=tmp_path / "set").open("all").has_fingerprint(recorded.hexdigest())

    @pytest.mark.parametrize(
        ("file", "recognised"),
        [("a/1.png", True), ("train/a/1.png", True), ("1.png", False), ("a/1.txt", False)],
    )
    def test_a_folder_with_images_in_folders_is_recognised(self, tmp_path, file, recognised):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"")
        expected = Folder(path=tmp_path) if recognised else None
        assert Folder.recognise(tmp_path) == expected

    @pytest.mark.parametrize("path", [Path("nowhere"), Path(__file__)])
    def test_what_is_no_folder_is_not_recognised(self, path):
        assert Folder.recognise(path) is None


class TestDigits:
    def test_it_holds_scikit_learn_s_1797_digits_as_bytes(self):
        images = Digits().open("all")
        assert len(images) == 1797
        assert images.image_shape == (8, 8, 1)
        assert images.label_names == tuple("0123456789")
        source = load_digits()
        assert images.labels.tolist() == source.target.tolist()
        pixels = images.read(range(1797))
        assert pixels.dtype == np.uint8
        # Counts of 0 to 16 spread over 0 to 255; each comes back.
        np.testing.assert_array_equal(np.round(pixels[..., 0] / 255 * 16), source.images)
        assert (pixels.min(), pixels.max()) == (0, 255)

    def test_rows_come_in_the_order_asked(self):
        images = Digits().open("all")
        np.testing.assert_array_equal(
            images.read([5, 0, 5]), images.read(range(6))[np.array([5, 0, 5])]
        )
        assert images.sample_id(5) == "digits[5]"

    def test_they_can_be_enlarged(self):
        images = Digits(size=32).open("all")
        assert images.image_shape == (32, 32, 1)
        pixels = images.read([0])
        assert pixels.shape == (1, 32, 32, 1)
        original = Image.fromarray(Digits().open("all").read([0])[0, ..., 0])
        expected = np.asarray(original.resize((32, 32), Image.Resampling.BILINEAR), int)
        assert np.abs(pixels[0, ..., 0] - expected).max() <= 1

    def test_fingerprints_tell_the_sizes_apart(self):
        assert Digits().open("all").fingerprint() == Digits().open("all").fingerprint()
        assert Digits().open("all").fingerprint() != Digits(size=9).open("all").fingerprint()

    def test_it_is_not_divided(self):
        assert Digits().splits() == ("all",)
        with pytest.raises(DlcvError, match='no split "train"; it is not divided'):
            Digits().open("train")


@pytest.mark.parametrize("store", [Digits(), Folder(path=".")])
def test_a_store_that_only_reads_says_so(store):
    with pytest.raises(DlcvError, match="is only read; write to another store"):
        store.writer("train", rows=1, image_shape=(1, 1, 1), label_names=["a"])
