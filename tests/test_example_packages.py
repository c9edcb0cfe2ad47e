"""The packages of `examples/`, built and installed as their users would, in real processes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_third_party import dlcv, write_photos

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = (
    "dlcv-clahe", "dlcv-convmixer", "dlcv-idx", "dlcv-jsonl-tracker", "dlcv-kappa",
    "dlcv-sqlite",
)  # fmt: skip
RUN = (
    "run --data photos --arch convmixer(width=4,depth=1) --eval rank,kappa --trackers sqlite"
    " --preproc scale --epochs 1 --test 4 --validation 4 --name one"
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of them installed, to be put on PYTHONPATH."""
    folder = tmp_path_factory.mktemp("installed")
    sources = [str(shutil.copytree(EXAMPLES / name, folder / name)) for name in NAMES]
    target = folder / "site"
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(target)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, *sources], check=True)
    return target


def test_there_is_no_other_package() -> None:
    assert {path.name for path in EXAMPLES.glob("dlcv-*")} == set(NAMES)


def test_network_evaluator_tracker_and_command_work_together(site: Path, tmp_path: Path) -> None:
    write_photos(tmp_path / "photos")
    told = dlcv(RUN, tmp_path, site).stdout
    assert "\n          dlcv leaderboard\n" in told
    assert "kappa" in told
    metrics = json.loads((tmp_path / "runs" / "one" / "metrics.json").read_text())["metrics"]
    (row,) = json.loads(dlcv("leaderboard kappa --json", tmp_path, site).stdout)
    assert row["run"] == "one"
    assert row["kappa"] == metrics["kappa"]
    assert row["architecture"].startswith("convmixer(width=4, depth=1")
    # The hooks of another package were called, too.
    lines = (tmp_path / "runs" / "experiments.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["started", "epoch", "finished"]


def test_hooks_that_can_not_write_stop_a_run_before_it_trains(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLCV_EXPERIMENTS", str(tmp_path / "none" / "log"))
    write_photos(tmp_path / "photos")
    done = dlcv(RUN, tmp_path, site, code=2)
    assert done.stderr.splitlines()[-1] == (
        "dlcv: dlcv_run_started of hook:jsonl_tracker@dlcv-jsonl-tracker failed: "
        "FileNotFoundError: [Errno 2] No such file or directory: "
        "'none/log'; DLCV_DISABLE=jsonl_tracker switches it off"
    )
    assert not (tmp_path / "runs" / "one").exists()


def test_the_packages_pass_their_own_tests(site: Path) -> None:
    pytest_here = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    done = subprocess.run(
        [sys.executable, *pytest_here, "-c", os.devnull, "--rootdir", str(EXAMPLES)]
        + [str(EXAMPLES / name / "tests") for name in NAMES],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
