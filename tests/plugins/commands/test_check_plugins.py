"""`dlcv plugins check`: the conformance checks without pytest."""

from pathlib import Path

import forked
import pytest

from dlcv.errors import DlcvError
from dlcv_plugins.commands.check_plugins.chosen import chosen
from dlcv_plugins.commands.check_plugins.file import use_plugin_file
from dlcv_plugins.schedules.poly import Poly

SOURCE = """
from dlcv.interfaces import Schedule, plugin


@plugin
class Halving(Schedule):
    \"\"\"Halves the rate.\"\"\"

    def learning_rate(self, epoch, epochs, initial):
        return initial / 2**epoch


@plugin
class Falling(Schedule):
    \"\"\"Falls below zero.\"\"\"

    def learning_rate(self, epoch, epochs, initial):
        return initial * (1 - epoch)
"""


def test_a_file_is_checked_and_failures_are_named(tmp_path: Path) -> None:
    (tmp_path / "halving_schedules.py").write_text(SOURCE)
    done = forked.dlcv("plugins", "check", "halving_schedules.py", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("schedule Halving: all ")
    assert lines[0].endswith(" checks pass")
    assert lines[1].startswith("schedule Falling: ")
    assert any("-" in line and line.startswith("  check_") for line in lines[2:])


def test_a_name_with_options_and_a_package_are_chosen(caplog: pytest.LogCaptureFixture) -> None:
    ((plugin, name),) = chosen("poly(power=2)")
    assert (plugin, name) == (Poly(power=2), "poly(power=2)")
    shipped = [plugin.kind for plugin, _ in chosen("dlcv", "schedule")]
    assert len(shipped) > 5
    assert set(shipped) == {"schedule"}
    assert "the schedule step is not checked: step needs at, epochs after which" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none.py", "no such file with Python code: none.py"),
        ("empty.py", "empty.py has no class with the decorator"),
        ("broken.py", "broken.py can't be run: No module named 'nowhere'"),
        ("two.py:Halve", 'two.py has no plugin Halve; did you mean "Halving"?'),
        ("poli", 'no plugin or package "poli"; did you mean "poly"?'),
        ("hdf5", "needs path"),
    ],
)
def test_what_can_not_be_checked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "broken.py").write_text("import nowhere")
    (tmp_path / "two.py").write_text(SOURCE)
    with pytest.raises(DlcvError) as raised:
        list(chosen(text))
    assert message in str(raised.value)


def test_a_file_is_used_without_a_package_and_a_run_names_it(tmp_path: Path) -> None:
    (tmp_path / "own_schedules.py").write_text(SOURCE)
    told = "own_schedules.py: schedule halving; runs that use it are opened with --plugin "
    run = ["run", "--arch", "shallownet(width=0.1)", "--fraction", "0.1", "--epochs", "1"]
    given = [*run, "--plugin", "own_schedules.py:Halving", "--schedule", "halving", "--name", "one"]
    done = forked.dlcv(*given, folder=tmp_path, has_pictures=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"{told}own_schedules.py\n")

    resumed = forked.dlcv("resume", "runs/one", "--epochs", "1", folder=tmp_path)
    assert resumed.stderr.endswith(
        'dlcv: the run was made with the schedule "halving" of own_schedules.py; add --plugin '
        "own_schedules.py\n"
    )
    opened = ["evaluate", "runs/one", "--plugin", "own_schedules.py:Halving"]
    assert forked.dlcv(*opened, folder=tmp_path).returncode == 0


def test_a_name_that_is_taken_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "clashing_schedules.py"
    file.write_text(SOURCE.replace("Halving", "Poly"))
    with pytest.raises(DlcvError, match=r'Poly: schedule "poly" exists already; choose another'):
        use_plugin_file(str(file))
