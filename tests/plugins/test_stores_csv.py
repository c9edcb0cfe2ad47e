"""Tables of images."""

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv.errors import DlcvError, ImageError
from dlcv_plugins.stores import csv_table
from dlcv_plugins.stores.csv import Csv

NAMES = ("a/1.png", "a/2.png", "b/3.png", "b c/é, 4.png")


@pytest.fixture
def table(tmp_path):
    """Writes a table beside four images, the red of which is their number."""
    for value, name in enumerate(NAMES, start=1):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.zeros((2, 3, 3), np.uint8)
        image[..., 2] = value  # OpenCV writes blue, green, red
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())

    def write(content, name="list.csv"):
        path = tmp_path / "set" / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def listed(store, split="all"):
    """The red and the label of each image."""
    images = store.open(split)
    reds = [int(image[0, 0, 0]) for image in images.read(range(len(images)))]
    return list(zip(reds, [images.label_names[k] for k in images.labels], strict=True))


def test_paths_start_from_the_table_and_labels_are_sorted(table):
    store = Csv(path=table("path,label\na/2.png,dog\nb/3.png,cat\n./a/1.png,dog\n"))
    assert store.splits() == ("all",)
    assert listed(store) == [(2, "dog"), (3, "cat"), (1, "dog")]
    images = store.open("all")
    assert images.label_names == ("cat", "dog")
    assert images.labels.dtype == np.int64
    with pytest.raises(DlcvError, match=r'list\.csv has no split "train"; it has all'):
        store.open("train")


def test_paths_may_be_absolute_or_start_from_another_folder(table, tmp_path):
    path = table(f"path,label\n{tmp_path}/set/a/1.png,x\n1.png,y\n../b/3.png,y\n")
    with pytest.raises(DlcvError, match=r"2 of 3 images are not there; the first is .* on line 3;"):
        Csv(path=path).open("all")
    (tmp_path / "set" / "a" / "1.png").rename(tmp_path / "set" / "a" / "0.png")
    path = table(f"path,label\n{tmp_path}/set/a/0.png,x\n2.png,y\n../b/3.png,y\n")
    store = Csv(path=path, root=tmp_path / "set" / "a")
    assert listed(store) == [(1, "x"), (2, "y"), (3, "y")]


def test_paths_may_be_written_as_on_windows(table, tmp_path):
    (tmp_path / "set" / "a\\2.png").write_bytes((tmp_path / "set" / "b" / "3.png").read_bytes())
    store = Csv(path=table("path,label\na\\1.png,x\na\\2.png,y\n"))
    assert listed(store) == [(1, "x"), (3, "y")]


@pytest.mark.parametrize(
    "header",
    [
        "path,label", "File,Class", "filename,category", "Image_Path,Class Name", "img,target",
        '"filepaths","labels"', " path , label ", "IMAGE,LABEL",
    ],
)  # fmt: skip
def test_columns_are_found_by_their_usual_names(table, header):
    assert listed(Csv(path=table(f"{header}\na/1.png,x\nb/3.png,y\n"))) == [(1, "x"), (3, "y")]


def test_columns_may_stand_anywhere_and_be_named(table):
    path = table("id,what,where,label\n1,x,a/1.png,?\n2,y,b/3.png,?\n")
    store = Csv(path=path, image_column="where", label_column="what")
    assert listed(store) == [(1, "x"), (3, "y")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tables_of_all_programs_are_read(table, separator, line_end, mark):
    lines = [["Path", "Label"], ["a/1.png", "x"], ['"b c/é, 4.png"', "y"], ["b/3.png", '"y"']]
    text = mark + line_end.join(separator.join(line) for line in lines) + line_end * 2
    assert listed(Csv(path=table(text))) == [(1, "x"), (4, "y"), (3, "y")]


def test_labels_that_are_numbers_are_in_their_order(table):
    path = table("path,label\na/1.png,10\na/2.png,9\nb/3.png,-1\n")
    assert Csv(path=path).open("all").label_names == ("-1", "9", "10")
    long = "1" * 5000  # More digits than Python converts.
    path = table(f"path,label\na/1.png,10\na/2.png,9\nb/3.png,{long}\n")
    assert Csv(path=path).open("all").label_names == ("10", long, "9")
    path = table("path,label\na/1.png,10\na/2.png,9\nb/3.png,x\n")
    assert Csv(path=path).open("all").label_names == ("10", "9", "x")


def test_a_column_of_splits_divides(table):
    rows = [
        f"{name},x,{split}"
        for name, split in zip(NAMES[:3], ("Test", "train", "valid"), strict=True)
    ]
    store = Csv(path=table("file,label,split\n" + "\n".join(rows) + "\n"))
    assert store.splits() == ("train", "val", "test")
    assert [listed(store, split) for split in store.splits()] == [
        [(2, "x")],
        [(3, "x")],
        [(1, "x")],
    ]
    assert store.open("val").label_names == ("x",)


def test_all_splits_have_the_labels_of_the_table(table):
    store = Csv(path=table("file,label,set,split\na/1.png,x,1,train\na/2.png,y,2,test\n"))
    assert store.open("train").label_names == store.open("test").label_names == ("x", "y")
    assert store.open("test").labels.tolist() == [1]


def test_lines_that_repeat_others_are_left_out_and_counted(table, caplog):
    path = table("path,label\na/1.png,x\na/2.png,y\na/./1.png,x\na/1.png,x\n")
    assert listed(Csv(path=path)) == [(1, "x"), (2, "y")]
    assert caplog.messages == [f"{path}: 2 lines repeat others and are left out"]


GOOD = "path,label\na/1.png,x\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; its first line names the columns"),
        ("\n \n", "is empty; its first line names the columns"),
        ("path,label\n", "names columns and has no line below them"),
        ("path,size\na/1.png,3\n", "has no column label or class; its first line names 'path', "
         "'size'; rename it, or say which with label_column"),
        ("0" * 10**6, "line 1: can't be read as CSV: field larger than field limit (131072)"),
        ("[" + "0" * 10**5 + "]", "its first line names '[" + "0" * 39 + "...'; rename it"),
        ("a/1.png,x\na/2.png,y\n", "its first line holds 'a/1.png', 'x', an image and no names of "
         "columns; put a line such as path,label above it"),
        ("path,file,label\n1,2,3\n", "the columns 'path' and 'file' may all be that of images; say "
         "which with image_column"),
        ("path,class,label\n1,2,3\n", "the columns 'class' and 'label' may all be that of labels"),
        (f"{GOOD}a/2.png\n", "line 3 has 1 fields, and the first line names 2 columns"),
        (f"{GOOD}b c/é, 4.png,y\n", "line 3 has 3 fields, and the first line names 2 columns; a "
         "field that holds a separator is put in double quotes"),
        (f"{GOOD}\n\na/2.png,\n", "line 5: the label is empty"),
        (f"{GOOD}a/2.png,  \n", "line 3: the label is empty"),
        (f"{GOOD} ,y\n", "line 3: the image is empty"),
        (f"{GOOD}a/../a/1.png,y\n", 'a/1.png has the label "y", and "x" on line 2'),
        (f'{GOOD}"a/2.png,y\n', "line 3: can't be read as CSV: unexpected end of data"),
        ('path,label\n"a\n1.png",x\na/2.png,\n', "line 4: the label is empty"),
        ("path,label,split\na/1.png,x,train\na/1.png,x,test\n",
         'a/1.png has the split "test", and "train" on line 2'),
        ("path,label,split\na/1.png,x,train\na/2.png,x,3\n", 'line 3: unknown split "3"; there are '
         "train, training, train_val, val, valid, validation, test, testing; rename the column"),
        ("path,label,split\na/1.png,x,\n", "line 2: the split is empty"),
        (f"{GOOD}a/2.png,caf\xe9\n".encode("latin-1"), "line 3: the text is not in UTF-8; save"),
        (GOOD.encode("utf-16"), "line 1: the text is not in UTF-8; save"),
        (f"{GOOD}nowhere/2.png,y\na,y\n", "2 of 3 images are not there; the first is "
         "{folder}/nowhere/2.png on line 3; paths start from {folder}, unless the option root"),
        (f"{GOOD}list.csv,y\n", "line 3: {folder}/list.csv is no image by its name; .avif, .bmp, "),
        (f"{GOOD}/dev/zero,y\n", "1 of 2 images are not there; the first is /dev/zero on line 3"),
        (f"{GOOD}a/\0.png,y\n", "line 3"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(table, content, message):
    path = table(content)
    with pytest.raises(DlcvError) as caught:
        Csv(path=path).open("all")
    assert message.format(folder=path.parent) in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_column_that_is_asked_for_and_not_there_is_named(table):
    store = Csv(path=table("path,animal\na/1.png,x\n"), label_column="animals")
    with pytest.raises(DlcvError, match=r'has no column "animals"; did you mean "animal"\?'):
        store.open("all")


def test_a_file_that_only_looks_like_an_image_is_refused_when_it_is_read(table, tmp_path):
    (tmp_path / "set" / "text.png").write_text("secret")
    images = Csv(path=table(f"{GOOD}text.png,y\n")).open("all")
    with pytest.raises(ImageError, match=r"text\.png: is no image of a known format"):
        images.read([1])


@pytest.mark.parametrize(
    ("name", "recognised"),
    [("list.csv", True), ("LIST.CSV", True), ("list.tsv", True), ("list.txt", False)],
)
def test_tables_are_recognised_by_their_ending(table, name, recognised):
    path = table(GOOD, name)
    assert Csv.recognise(path) == (Csv(path=path) if recognised else None)
    assert Csv.recognise(path.parent) is None


LABELS = st.text(min_size=1).map(str.strip).filter(lambda t: t and "\0" not in t)


@given(st.lists(LABELS, min_size=1, max_size=8), st.sampled_from(csv_table.SEPARATORS))
def test_any_label_that_is_written_as_csv_comes_back(labels, separator):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["path", "label"])
    writer.writerows([f"{i}.png", label] for i, label in enumerate(labels))
    records = list(csv_table._records(Path("x"), text.getvalue(), separator))
    assert (
        csv_table._separator("path" + separator + "label", {"image": "", "label": ""}) == separator
    )
    assert [record[1] for _, record in records[1:]] == labels
    lines = [line for line, _ in records]
    assert lines == sorted(set(lines))
