"""`dlcv plugins doctor`: why a plugin is not found, or does not work."""

import json

import pytest
from fake_packages import Ended, install, run_commands

PLUGIN = '''"""A schedule."""

from dlcv.interfaces import Schedule, plugin


@plugin
class Falling(Schedule):
    """Falls."""

    def learning_rate(self, epoch, epochs, initial):
        return initial / (1 + epoch)
'''
COMMANDS = [
    ["plugins", "doctor"],
    ["plugins", "doctor", "falling"],
    ["plugins", "doctor", "acme-broken"],
    ["plugins", "doctor", "fallin"],
    ["plugins", "doctor", "nowhere-near"],
    ["plugins", "doctor", "pluggy"],
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """What the doctor says where packages have all that can be wrong with them."""
    folder = tmp_path_factory.mktemp("ill")
    (folder / "acme_good.py").write_text(PLUGIN)
    (folder / "acme_broken.py").write_text("import nowhere")
    install(folder, "acme-good", {"schedules": {"falling": "acme_good:Falling"}})
    install(folder, "acme-broken", {"schedules": {"broken": "acme_broken:Broken"}})
    install(folder, "acme-family", {"families": {"table": "acme_broken"}})
    install(folder, "acme-mean", {"preprocessors": {"mean": "acme_good:Falling"}})
    install(folder, "acme-typo", {"schedule": {"typo": "acme_good:Falling"}})
    (later,) = folder.glob("acme_mean-*.dist-info")
    with (later / "METADATA").open("a") as file:
        file.write("Requires-Dist: dlcv<9,>=8.1\n")
    gone = {"url": f"file://{folder}/gone", "dir_info": {"editable": True}}
    (metadata,) = folder.glob("acme_good-*.dist-info")
    (metadata / "direct_url.json").write_text(json.dumps(gone))
    ended = run_commands(folder, COMMANDS)
    return {" ".join(line[2:]): end for line, end in zip(COMMANDS, ended, strict=True)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "python   "),
        ("", 'schedule "broken" of acme-broken 1.0 is broken: ModuleNotFoundError: No module'),
        ("", 'family "table" of acme-family 1.0 is broken: ModuleNotFoundError: No module'),
        ("", "acme-typo uses the group dlcv.schedule, which dlcv does not read; did you mean"),
        ("", "acme-good 1.0 was installed from "),
        ("", 'preprocessor "mean" of acme-mean 1.0 is '),
        (
            "",
            "acme-mean 1.0 requires dlcv<9,>=8.1, and 0.1.0 is installed; install another release",
        ),
        ("falling", 'schedule "falling" of acme-good 1.0: available'),
        ("acme-broken", "acme-broken has 1 plugin: schedule broken"),
        ("nowhere-near", 'family "table" of acme-family 1.0 is broken'),
        ("fallin", 'no plugin and no installed package is named fallin; did you mean "falling"'),
        ("nowhere-near", "a package must be installed where dlcv is: "),
        ("pluggy", "is installed, and has no entry points for dlcv; it has "),
    ],
)
def test_what_is_wrong_is_told(told: dict[str, Ended], name: str, message: str) -> None:
    assert message in told[name].stdout, told[name].stdout + told[name].stderr


def test_the_exit_code_tells_whether_something_is_wrong(told: dict[str, Ended]) -> None:
    codes = {name: ended.returncode for name, ended in told.items()}
    assert codes == {
        "": 1, "falling": 0, "acme-broken": 1, "fallin": 1, "nowhere-near": 1, "pluggy": 1
    }  # fmt: skip
