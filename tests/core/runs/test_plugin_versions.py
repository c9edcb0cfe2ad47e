"""A run means the plugins that it was made with, whatever is installed later."""

import pytest
from fake_packages import install
from forked import dlcv

from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import SpecError
from dlcv.runs.plugin_versions import as_recorded, naming_packages

NETWORK = """
from dlcv.interfaces import Architecture, plugin


@plugin
class LeNet(Architecture):
    \"\"\"Is not the network that the run was made with.\"\"\"

    def features(self, x):
        raise RuntimeError("the wrong network")
"""


def test_run_keeps_its_network_when_another_package_claims_the_name(tmp_path):
    made = dlcv(
        "run", "--data", "digits(size=8)", "--arch", "lenet(width=0.1)", "--fraction", "0.2",
        "--preproc", "scale", "--epochs", "1", "--name", "made",
        folder=tmp_path, has_pictures=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    points = {"architectures": {"lenet": "acme_net:LeNet"}}
    install(tmp_path, "acme-vision", points, {"acme_net": NETWORK})

    done = dlcv(
        "evaluate", "runs/made", "--data", "digits(size=8)", "--eval", "rank",
        folder=tmp_path, packages=[tmp_path],
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "rank1" in done.stdout


def test_same_name_of_another_package_does_not_stand_in():
    config = RunConfig(architecture="lenet(width=0.1)")
    used = {"kind": "architecture", "name": "lenet", "distribution": "gone-nets", "version": "2"}

    recorded = as_recorded(config, [used])

    assert str(recorded.architecture) == "gone_nets.lenet(width=0.1)"
    missing = r'architecture "lenet" of gone-nets 2, which is not installed'
    with pytest.raises(SpecError, match=missing), naming_packages([used]):
        registry.create("architecture", recorded.architecture)


def test_names_that_mean_what_they_meant_stay_as_they_are():
    config = RunConfig()
    used = {"kind": "architecture", "name": "resnet", "distribution": "dlcv", "version": "0.1.0"}

    assert as_recorded(config, [used]) == config


GONE = '''
from dlcv.interfaces import Architecture, Evaluation, Evaluator, Schedule, flatten, option, plugin
from dlcv_plugins.stores.digits import Digits


@plugin
class Gone(Evaluator):
    """Will be uninstalled."""

    def evaluate(self, predictions):
        return Evaluation({"images": float(len(predictions.labels))})


@plugin
class Falling(Schedule):
    """Will be uninstalled, too."""

    def learning_rate(self, epoch, epochs, initial):
        return initial


@plugin
class Numbers(Digits):
    """Will be uninstalled as well."""


@plugin
class Net(Architecture):
    """Will change."""

    units: int = option(4, help="units"ALIASES)

    def features(self, x):
        from keras import layers
        return layers.Dense(self.units, name="dense")(flatten(x))
'''


def install_version(folder, version, source):
    points = {
        "evaluators": {"gone": "acme_old:Gone"},
        "schedules": {"falling": "acme_old:Falling"},
        "stores": {"numbers": "acme_old:Numbers"},
        "architectures": {"net": "acme_old:Net"},
    }
    install(folder, "acme-old", points, {"acme_old": source}, version)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run that a package was used for, which is not installed there."""
    folder = tmp_path_factory.mktemp("made")
    packages = install_version(folder / "old", "3.1", GONE.replace("ALIASES", ""))
    ended = dlcv(
        "run", "--data", "numbers", "--arch", "net(units=5)", "--epochs", "1", "--fraction", "0.2",
        "--eval", "gone", "--schedule", "falling", "--name", "made",
        folder=folder, packages=[packages], has_pictures=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.parametrize(
    ("command", "kind", "name"),
    [
        (["evaluate", "runs/made"], "evaluator", "gone"),
        (["evaluate", "runs/made", "--eval", "rank", "--split", "train"], "store", "numbers"),
        (["resume", "runs/made", "--epochs", "1"], "schedule", "falling"),
    ],
)
def test_run_names_the_package_of_what_is_not_installed_any_more(made, command, kind, name):
    ended = dlcv(*command, folder=made)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        f'dlcv: the run was made with the {kind} "{name}" of acme-old 3.1, which is not installed'
    )


def test_run_names_both_versions_where_an_option_was_renamed(made):
    source = GONE.replace("ALIASES", "").replace("units", "width")
    packages = install_version(made / "renamed", "4.0", source)
    ended = dlcv("evaluate", "runs/made", "--split", "train", folder=made, packages=[packages])
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        'dlcv: net has no option "units" at column 5 of "net(units=5)"; its options are width; '
        "the run was made with acme-old 3.1, and 4.0 is installed"
    )


def test_an_option_that_keeps_its_earlier_name_opens_the_run_with_a_warning(made):
    source = GONE.replace("units", "width").replace("ALIASES", ', aliases=("units",)')
    packages = install_version(made / "kept", "4.1", source)
    ended = dlcv("evaluate", "runs/made", "--split", "train", folder=made, packages=[packages])
    assert ended.returncode == 0, ended.stderr
    assert (
        "warning: architecture net: the run was made with acme-old 3.1, and 4.1 is installed; "
        "predictions may differ"
    ) in ended.stderr.splitlines()
