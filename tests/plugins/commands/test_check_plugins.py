"""`dlcv plugins check`: the conformance checks without pytest."""

from pathlib import Path
from typing import Any

import forked
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.registry import Registration
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
        ("run", "there are no checks of a command, as run is"),
        (
            "pytest-timeout",
            "pytest-timeout offers no plugins; `dlcv plugins doctor pytest-timeout`",
        ),
        ("dlcv-nothing", 'no plugin or package "dlcv-nothing"; `dlcv plugins list` lists them'),
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


def test_a_name_that_is_taken_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "clashing_schedules.py"
    file.write_text(SOURCE.replace("Halving", "Poly"))
    with pytest.raises(DlcvError, match=r'\.py: schedule "poly" exists already; choose another'):
        use_plugin_file(str(file))


def test_plugins_and_hooks_of_a_file_are_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "own_plugins_and_hooks.py"
    hooks = "from dlcv import hook\n@hook\ndef dlcv_html(run):\n    return f'run {run}'\n"
    file.write_text(SOURCE.replace("Halving", "VerySlowRMS") + hooks)
    registered: list[Registration] = []
    register = registry.register

    def noted(*arguments: Any) -> Registration:
        registered.append(register(*arguments))
        return registered[-1]

    monkeypatch.setattr(registry, "register", noted)
    with caplog.at_level("INFO"):
        use_plugin_file(str(file))
    assert registry.create("schedule", "very_slow_rms").learning_rate(1, 2, 1.0) == 0.5
    assert registry.registry.hooks().dlcv_html(run=7) == "run 7"
    told = f"schedule very_slow_rms; runs that use it are opened with --plugin {file}"
    assert told in caplog.text
    for registration in registered:
        registration.end()
    assert "falling" not in registry.names("schedule")
