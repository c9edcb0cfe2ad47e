"""Groups by a column, a pattern or a folder, and several of these together."""

import numpy as np
import pytest

from dlcv import registry
from dlcv.api import open_dataset
from dlcv.config import SplitConfig
from dlcv.errors import DlcvError, SpecError
from dlcv_plugins.groupings.named import paths_below

PIXELS = np.random.default_rng(0)


@pytest.fixture
def patients(tmp_path, photos):
    """Photos of eight patients of each class, in folders; two patients have both classes."""
    from conftest import write_image

    lines = ["path,label,patient"]
    for label in ("ill", "well"):
        for number in range(8):
            patient = f"p{number + (6 if label == 'well' else 0)}"
            for shot in range(3):
                path = tmp_path / "scans" / label / patient / f"{patient}_{shot}.png"
                write_image(path, PIXELS.integers(0, 256, (12, 12, 3), np.uint8))
                lines.append(f"{path.relative_to(tmp_path)},{label},{patient}")
    (tmp_path / "scans.csv").write_text("\n".join(lines))
    return tmp_path


def parts(data, groups, **options):
    store = registry.create("store", data)
    opened = open_dataset(store, SplitConfig(test=0.25, validation=0.2, groups=groups, **options))
    return {
        split: [images.sample_id(i) for i in range(len(images))]
        for split, images in opened.splits.items()
    }


def sides(parts):
    found = {}
    for split, names in parts.items():
        for name in names:
            found.setdefault(name.split("/")[-2], set()).add(split)
    return found


@pytest.mark.parametrize(
    ("data", "groups"),
    [
        ("csv(path='{0}/scans.csv')", "column(name=patient)"),
        ("folder(path='{0}/scans')", "folder"),
        ("folder(path='{0}/scans')", r"pattern(regex='(p\\d+)_')"),
        ("folder(path='{0}/scans')", "none, folder(level=1)"),
    ],
)
def test_no_patient_is_on_two_sides(patients, data, groups):
    for seed in range(5):
        found = parts(data.format(patients), groups, seed=seed)
        assert len(sides(found)) == 14
        assert all(len(splits) == 1 for splits in sides(found).values())
        assert all({name.split("/")[-3] for name in of} == {"ill", "well"} for of in found.values())


def test_without_groups_patients_are_on_several_sides(patients):
    found = parts(f"folder(path='{patients}/scans')", "none")
    assert any(len(splits) > 1 for splits in sides(found).values())


def test_several_groupings_hold_together(patients):
    """Images of one patient, and those of one number: then all are one group."""
    with pytest.raises(DlcvError, match="too few groups of images to be divided: ill"):
        parts(f"folder(path='{patients}/scans')", r"folder, pattern(regex='_\\d')")


@pytest.mark.parametrize(
    ("data", "groups", "message"),
    [
        ("csv(path='{0}/scans.csv')", "column(name=patents)", 'no column "patents"; did you mean'),
        ("csv(path='{0}/scans.csv')", 'column(name="")', "column: the name is empty; name a col"),
        ("folder(path='{0}/scans')", "column(name=patient)", "is no CSV file, so it has no column"),
        ("folder(path='{0}/scans')", "folder(level=3)", "so none is at level 3"),
        (
            "folder(path='{0}/scans')",
            "folder(level=2)",
            r"too few groups of images to be divided: ill \(24 images\)",
        ),
        ("folder(path='{0}/scans')", "pattern(regex='x(')", r"x\( is no regular expression"),
        ("folder(path='{0}/scans')", "pattern(regex='q')", "q matches nothing in ill/p0/p0_0.png"),
    ],
)
def test_what_gives_no_groups_is_an_error(patients, data, groups, message):
    with pytest.raises(DlcvError, match=message):
        parts(data.format(patients), groups)


def write_shots(folder):
    """Four images of each of eight patients, in one folder: their paths below the given one."""
    from conftest import write_image

    names = [f"img/p{number}_{shot}.png" for number in range(8) for shot in range(4)]
    for name in names:
        write_image(folder / name, PIXELS.integers(0, 256, (4, 4, 3), np.uint8))
    return names


def write_table(path, names):
    """Lists images; those of patients of odd numbers are ill."""
    path.parent.mkdir(exist_ok=True)
    rows = [f"{name},{'ill' if int(name.split('/p')[-1][0]) % 2 else 'well'}" for name in names]
    path.write_text("\n".join(["path,label", *rows]))


@pytest.mark.parametrize("where", ["beside", "root", "absolute"])
def test_a_pattern_is_searched_below_the_folder_that_a_table_starts_from(
    tmp_path, monkeypatch, where
):
    folder = tmp_path / "scan_2024_set"
    names = write_shots(folder)
    data = f"csv(path='{folder}/t.csv')" if where == "beside" else "csv(path='t.csv')"
    if where == "root":
        write_table(tmp_path / "lists" / "t.csv", names)
        data = f"csv(path='{tmp_path}/lists/t.csv', root='{folder}')"
    else:
        start = f"{folder}/" if where == "absolute" else ""
        write_table(folder / "t.csv", [start + name for name in names])
    monkeypatch.chdir(folder)
    found = parts(data, "pattern(regex='^img/(p[0-9]+)_')")
    patients = {split: {name.split("/p")[-1][0] for name in of} for split, of in found.items()}
    assert sum(map(len, patients.values())) == len(set().union(*patients.values())) == 8
    with pytest.raises(DlcvError, match=r"pattern: scan matches nothing in img/p0_0\.png"):
        parts(data, "pattern(regex=scan)")
    message = r"folder: img/p0_0\.png lies in 1 folders below the data set's, so none is at level 2"
    with pytest.raises(DlcvError, match=message):
        parts(data, "folder(level=2)")


@pytest.mark.parametrize(
    ("data", "name", "below"),
    [
        ("zip(path='{0}/x.zip')", "x.zip/img/p0.png", "img/p0.png"),
        ("parquet(path='{0}/x.parquet')", "x.parquet[3]", "x.parquet[3]"),
        ("webdataset(path='{0}/{{0..3}}.tar')", "2.tar/p0.png", "2.tar/p0.png"),
        ("folder(path='{0}')", "ill/p0.png", "ill/p0.png"),
    ],
)
def test_names_go_on_from_the_archive_or_from_the_folder_of_a_file(tmp_path, data, name, below):
    class OneImage:
        def __len__(self):
            return 1

        def sample_id(self, index):
            return f"{tmp_path}/{name}"

    store = registry.create("store", data.format(tmp_path))
    assert [path.as_posix() for path in paths_below(OneImage(), store)] == [below]


def test_a_grouping_that_is_not_there_is_named_before_the_data_is_read():
    from dlcv.api import Plugins, RunConfig

    with pytest.raises(SpecError, match=r'"duplicate".*duplicates'):
        Plugins.of(RunConfig().with_options(groups="duplicate"))


def test_a_column_with_two_groups_of_one_image_is_refused(patients):
    table = patients / "scans.csv"
    table.write_text(table.read_text() + "\nscans/ill/p0/p0_0.png,ill,p9\n")
    with pytest.raises(DlcvError, match='has the group "p9", and "p0" on line 2'):
        parts(f"csv(path='{table}')", "column(name=patient)")
