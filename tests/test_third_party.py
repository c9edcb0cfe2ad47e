"""A package of someone else's, built and installed as its users would, in real processes."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import forked
import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "dlcv-clahe"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with the example installed, to be put on PYTHONPATH."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(EXAMPLE, folder / "source")
    target = folder / "site"
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(target)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, str(source)], check=True)
    return target


@pytest.fixture(scope="module")
def run(site, tmp_path_factory) -> Path:
    """A run that used the example's plugin, in a folder with the photos that it was trained on."""
    folder = tmp_path_factory.mktemp("run")
    write_photos(folder / "photos")
    dlcv(
        "run --data photos --arch shallownet(width=0.1) --preproc scale,clahe(tiles=2)"
        " --epochs 1 --test 4 --validation 4 --name even",
        folder,
        site,
    )
    return folder / "runs" / "even"


def write_photos(folder: Path) -> None:
    """Writes images of two classes that differ in brightness, all of one size."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    for name, darkest in (("dark", 0), ("light", 150)):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            image = rng.integers(darkest, darkest + 100, (12, 10, 3), np.uint8)
            cv2.imwrite(str(folder / name / f"{number}.png"), image)


def dlcv(arguments: str, folder: Path, site: Path | None = None, *, code: int = 0):
    """Runs the command and returns what it printed, after a look at its exit code."""
    packages = [] if site is None else [site]
    done = forked.dlcv(*arguments.split(" "), folder=folder, packages=packages, has_pictures=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_plugin_of_an_installed_package_is_listed(site, tmp_path):
    listed = json.loads(dlcv("plugins list preprocessor --check --json", tmp_path, site).stdout)
    assert [p for p in listed if p["name"] == "clahe"] == [
        {
            "kind": "preprocessor",
            "name": "clahe",
            "distribution": "dlcv-clahe",
            "version": "0.1.0",
            "state": "available",
            "reason": "",
            "summary": "",
        }
    ]
    assert "dlcv" in {p["distribution"] for p in listed}


def test_plugin_of_a_package_that_is_not_installed_is_not_listed(tmp_path):
    listed = json.loads(dlcv("plugins list preprocessor --json", tmp_path).stdout)
    assert "clahe" not in {p["name"] for p in listed}


def test_run_records_which_package_its_plugins_came_from(run):
    used = json.loads((run / "environment.json").read_text())["plugins"]
    assert {
        "kind": "preprocessor",
        "name": "clahe",
        "distribution": "dlcv-clahe",
        "version": "0.1.0",
    } in used
    config = tomllib.loads((run / "run.toml").read_text())
    # Pixel steps first, whatever the order in which they were written.
    assert config["preprocessors"].startswith("clahe(clip_limit=2.0, tiles=2), scale(")


def test_run_is_evaluated_with_the_package(run, site):
    shown = dlcv("evaluate runs/even --split val --json", run.parents[1], site).stdout
    assert json.loads(shown)["metrics"].keys() >= {"rank1", "precision", "recall", "f1"}


def test_run_predicts_with_the_package(run, site):
    shown = dlcv("predict runs/even photos --top 2 --json", run.parents[1], site).stdout
    predicted = json.loads(shown)
    assert len(predicted) == 16
    assert {c["label"] for c in predicted[0]["classes"]} == {"dark", "light"}


@pytest.mark.parametrize("command", ["predict runs/even photos", "evaluate runs/even --split val"])
def test_run_without_the_package_names_what_is_missing(run, command, tmp_path):
    # What another test predicted needs no package any more, and is not copied.
    kept = shutil.ignore_patterns("predictions")
    shutil.copytree(run.parents[1], tmp_path, ignore=kept, dirs_exist_ok=True)
    done = dlcv(command, tmp_path, code=2)
    assert done.stdout == ""
    assert done.stderr.endswith(
        'dlcv: the run was made with the preprocessor "clahe" of dlcv-clahe 0.1.0, '
        "which is not installed\n"
    )
    assert "Traceback" not in done.stderr
