"""Packages bring the checks of `dlcv.testing`, each for a kind of plugin or for all."""

from fake_packages import install, run_python

CHECKS = '''
from dlcv.interfaces import Plugin, Schedule, plugin


@plugin
class Silence(Plugin):
    """Makes no sound."""

    kind = "sound"
    volume = 0


@plugin
class Bell(Silence):
    """Rings."""

    volume = 1


@plugin
class Scent(Plugin):
    """Smells of nothing."""

    kind = "smell"


@plugin
class Steady(Schedule):
    """Keeps the learning rate."""

    def learning_rate(self, epoch, epochs, initial):
        return initial


def check_is_heard(sound):
    assert sound.volume, "it is silent"


def check_is_steady(schedule):
    pass


def sounds(cls):
    return (check_is_heard,)


def schedules(cls):
    return [check_is_steady]
'''


PROGRAM = """
import acme, sys
from dlcv.testing import check_plugin, checks_for

made = getattr(acme, sys.argv[1])()
try:
    print(*(check.__name__ for check in checks_for(made)))
    check_plugin(made)
except Exception as error:
    print(type(error).__name__, error)
"""


def printed(tmp_path, name, **environment):
    """Returns the names of the checks for a class of the package, and which error they end with."""
    points = {"testing": {"sound": "acme:sounds", "schedule": "acme:schedules"}}
    install(tmp_path, "acme", points, {"acme": CHECKS})
    done = run_python(tmp_path, "-c", PROGRAM, name, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_package_brings_the_checks_of_a_kind_of_its_own(tmp_path):
    names, *problems = printed(tmp_path, "Silence")
    assert names.split()[0] == "check_summary_is_a_sentence"
    assert names.split()[-1] == "check_is_heard"
    assert problems[1:] == ["check_is_heard: it is silent"]


def test_a_plugin_of_such_a_kind_passes(tmp_path):
    names, *problems = printed(tmp_path, "Bell")
    assert names
    assert problems == []


def test_a_package_adds_checks_to_those_of_a_kind(tmp_path):
    (names,) = printed(tmp_path, "Steady")
    assert {"check_is_steady", "check_rates_are_usable"} <= {*names.split()}


def test_checks_of_a_disabled_package_are_not_run(tmp_path):
    (names,) = printed(tmp_path, "Steady", DLCV_DISABLE="acme")
    assert "check_rates_are_usable" in names
    assert "check_is_steady" not in names


def test_a_kind_without_checks_is_an_error_and_not_a_success(tmp_path):
    assert printed(tmp_path, "Scent") == [
        "DlcvError no checks for plugins of the kind smell are installed; a package brings them "
        "with an entry point smell of the group dlcv.testing"
    ]
