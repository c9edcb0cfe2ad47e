"""Commands about data import no deep-learning library, which takes seconds."""

import json
import os
import subprocess
import sys

import pytest

COMMANDS = {
    "show": ["data", "show", "photos"],
    "advise": ["data", "advise", "photos"],
    "build": ["data", "build", "photos", "--out", "packed", "--size", "8"],
    "preview": ["data", "preview", "photos", "--preproc", "patch, mean, scale"],
    "check": ["data", "check", "photos", "--report", "check.html"],
}
PROGRAM = """
import json, sys
from dlcv.cli.main import dlcv

imported = {}
for name, command in json.loads(sys.argv[1]).items():
    try:
        dlcv(command, standalone_mode=False)
    except SystemExit:
        pass  # `data check` exits with 1 where there are findings.
    imported[name] = sorted({module.partition(".")[0] for module in sys.modules})
print(json.dumps(imported))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """The packages that a process has loaded after each command, one after the other."""
    from conftest import write_photos

    folder = tmp_path_factory.mktemp("light")
    write_photos(folder / "photos", ("blue", "green", "red"), 10)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(COMMANDS)],
        cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"KERAS_BACKEND": "none such"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "check.html").exists()
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("show", {"numpy"}),
        ("advise", {"numpy"}),
        ("build", {"h5py"}),
        ("preview", {"matplotlib"}),
        ("check", {"jinja2"}),
    ],
)
def test_no_deep_learning_library_is_imported(imported, command, needed):
    assert needed <= set(imported[command])
    assert not {"keras", "tensorflow", "jax", "torch"} & set(imported[command])


@pytest.mark.parametrize("command", ["show", "advise"])
def test_showing_data_imports_no_scikit_learn(imported, command):
    assert "sklearn" not in imported[command]
