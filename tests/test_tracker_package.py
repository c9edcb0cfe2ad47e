"""The tracker of the examples, built and installed as its users would, in real processes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_third_party import dlcv, write_photos

EXAMPLE = Path(__file__).parents[1] / "examples" / "dlcv-jsonl-tracker"
RUN = "run --data photos --arch shallownet(width=0.1) --epochs 1 --test 4 --validation 4 --name one"


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


def test_tracker_of_an_installed_package_notes_every_run(site, tmp_path):
    write_photos(tmp_path / "photos")
    dlcv(RUN, tmp_path, site)
    lines = (tmp_path / "runs" / "experiments.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["event"] for row in rows] == ["started", "epoch", "finished"]
    assert rows[0]["architecture"].startswith("shallownet(width=0.1")


def test_tracker_that_can_not_write_stops_a_run_before_it_trains(site, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCV_EXPERIMENTS", str(tmp_path / "none" / "log"))
    write_photos(tmp_path / "photos")
    done = dlcv(RUN, tmp_path, site, code=2)
    assert done.stderr.splitlines()[-1] == (
        "dlcv: dlcv_run_started of hook:jsonl_tracker@dlcv-jsonl-tracker failed: "
        "FileNotFoundError: [Errno 2] No such file or directory: "
        "'none/log'; DLCV_DISABLE=jsonl_tracker switches it off"
    )
    assert not (tmp_path / "runs" / "one").exists()


def test_the_package_passes_its_own_tests(site):
    pytest_here = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    subprocess.run(
        [*pytest_here, "--rootdir", str(EXAMPLE), str(EXAMPLE / "tests")],
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
    )
