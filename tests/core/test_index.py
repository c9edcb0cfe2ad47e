"""The plugins of installed packages: what is broken, shared or disabled harms nothing else."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from fake_packages import install, run_python

from dlcv import packages

GOOD = '''"""Good plugins."""
from dlcv.interfaces import Architecture, option, plugin

@plugin
class Good(Architecture):
    """A good one."""
    width: float = option(1.0, help="width")
    def features(self, x):
        return x

def helper():
    pass
'''

BROKEN = (
    GOOD
    + '''
from dlcv.interfaces import Schedule, state

class Undecorated(Good):
    """Lacks the decorator."""

@plugin
class Abstract(Architecture):
    """Leaves out a method."""

@plugin
class Silent(Good):
    pass

@plugin
class Plain(Good):
    """Has a field that is no option."""
    depth: int = 3

@plugin
class Listed(Good):
    """Has an option that no text can express."""
    sizes: list[int] = option((), help="sizes")

@plugin
class Other(Schedule):
    """Is a schedule."""
    def learning_rate(self, epoch, epochs, initial):
        return initial
'''
)

REASONS = {
    "import_error": "ModuleNotFoundError: No module named 'does_not_exist'",
    "raises": "ZeroDivisionError: division by zero",
    "exits": "SystemExit: 3",
    "syntax": "SyntaxError: invalid syntax (broken_syntax.py, line 1)",
    "no_module": "ModuleNotFoundError: No module named 'nowhere'",
    "no_attribute": "AttributeError: module 'broken' has no attribute 'Nope'",
    "no_class": "it is no subclass of dlcv.interfaces.Architecture",
    "other_kind": "it is no subclass of dlcv.interfaces.Architecture",
    "undecorated": "its class lacks the decorator @dlcv.interfaces.plugin",
    "abstract": "it does not define features",
    "silent": "it has no docstring",
    "plain": "TypeError: Plain.depth is neither an option() nor a state()",
    "listed": "TypeError: an option can't have the type list[int]; use tuple[...] for several",
    "not-a-name": "its name is not an identifier",
    "class": "its name is a keyword of Python",
    "malformed": "",
}

LOAD_ALL = """
import json
from dlcv import registry
from dlcv.errors import DlcvError
found = {}
for d in registry.descriptors("architecture"):
    try:
        registry.registry.load(d)
        message = ""
    except DlcvError as error:
        message = str(error)
    found[d.name] = [message, *registry.state(d)]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What loading says, and state and reason then, of all architectures, many of them broken."""
    folder = tmp_path_factory.mktemp("packages")
    install(
        folder,
        "broken-things",
        {
            "architectures": {
                "import_error": "broken_import:X",
                "raises": "broken_raises:X",
                "exits": "broken_exits:X",
                "syntax": "broken_syntax:X",
                "no_module": "nowhere:X",
                "no_attribute": "broken:Nope",
                "no_class": "broken:helper",
                "other_kind": "broken:Other",
                "undecorated": "broken:Undecorated",
                "abstract": "broken:Abstract",
                "silent": "broken:Silent",
                "plain": "broken:Plain",
                "listed": "broken:Listed",
                "not-a-name": "broken:Good",
                "class": "broken:Good",
                "malformed": "not a module!",
            }
        },
        {
            "broken_import": "import does_not_exist",
            "broken_raises": "1 / 0",
            "broken_exits": "import sys; sys.exit(3)",
            "broken_syntax": "def",
            "broken": BROKEN,
        },
    )
    install(folder, "good-things", {"architectures": {"good": "good:Good"}}, {"good": GOOD})
    return json.loads(succeed(folder, LOAD_ALL))


@pytest.mark.parametrize("name", REASONS)
def test_a_broken_plugin_is_reported_with_its_reason(
    loaded: dict[str, list[str]], name: str
) -> None:
    message, state, reason = loaded[name]
    assert message == f'architecture "{name}" of broken-things 1.0 is broken: {reason}'
    assert state == "broken"
    assert REASONS[name] in reason


def test_broken_plugins_do_not_affect_the_others(loaded: dict[str, list[str]]) -> None:
    working = {"good", "lenet", "minivggnet", "resnet", "shallownet"}
    assert working | set(REASONS) <= set(loaded)
    for name in set(loaded) - set(REASONS):
        assert loaded[name] == ["", "available", ""]


def test_a_second_name_and_a_class_handed_on_by_another_module_work(tmp_path: Path) -> None:
    """Entry points often name a package, whose `__init__` imports the class."""
    install(
        tmp_path,
        "acme-vision",
        {"architectures": {"acme": "acme:Good", "zacme": "acme_implementation:Good"}},
        {"acme": "from acme_implementation import Good", "acme_implementation": GOOD},
    )
    printed = succeed(
        tmp_path,
        "from dlcv import registry as r\n"
        "made = [r.create('architecture', name) for name in ('acme', 'zacme', 'acme')]\n"
        "print(made[0] == made[1] == made[2], r.registry.spec_of(made[0]))\n"
        "print(r.registry.descriptor_of(made[0]).origin)",
    )
    assert printed == "True acme(width=1.0)\nacme-vision 1.0\n"


TWINS = """
import json, os
from dlcv.errors import DlcvError
from dlcv.registry import Registry

def attempt(function, *arguments):
    try:
        return str(function(*arguments))
    except DlcvError as error:
        return f"{type(error).__name__}: {error}"

registry = Registry()
found = {
    "get": attempt(registry.get, "architecture", "twin"),
    "built-in": attempt(registry.create, "architecture", "resnet"),
    "shadowed": attempt(registry.create, "architecture", "acme_vision.resnet"),
    "shadowed state": [registry.state(d) for d in registry.descriptors(pattern="resnet")],
    "resnets": registry.names("architecture", "resnet"),
    "names": registry.names("architecture", "twin"),
    "state": registry.state(registry.descriptors(pattern="twin")[0]),
    "module": registry.get("architecture", "acme_vision.twin").__module__,
    "spec": str(registry.spec_of(registry.create("architecture", "other_vision.twin"))),
}
os.environ["DLCV_DISABLE"] = "acme-vision"
registry = Registry()
found["alone"] = str(registry.spec_of(registry.create("architecture", "twin")))
found["built-in alone"] = registry.get("architecture", "resnet").__module__
print(json.dumps(found))
"""


def test_two_packages_with_one_name_are_told_apart(tmp_path: Path) -> None:
    install(
        tmp_path,
        "acme-vision",
        {"architectures": {"twin": "acme:Good", "resnet": "acme:Good"}},
        {"acme": GOOD},
    )
    install(
        tmp_path, "other.vision", {"architectures": {"twin": "other:Good"}}, {"other": GOOD}, "2.0"
    )
    found = json.loads(succeed(tmp_path, TWINS))
    assert found["get"] == (
        'PluginError: architecture "twin" is claimed by acme-vision 1.0 and other.vision 2.0; '
        "write acme_vision.twin or other_vision.twin"
    )
    # A name that ships with dlcv keeps its meaning.
    assert found["built-in"].startswith("ResNet(stages=")
    assert found["shadowed"] == "Good(width=1.0)"
    assert found["shadowed state"] == [["shadowed", "use acme_vision.resnet"], ["available", ""]]
    assert found["resnets"] == ["acme_vision.resnet", "resnet"]
    assert found["names"] == ["acme_vision.twin", "other_vision.twin"]
    assert found["state"] == ["ambiguous", "use acme_vision.twin"]
    assert found["module"] == "acme"
    assert found["spec"] == "other_vision.twin(width=1.0)"
    assert found["alone"] == "twin(width=1.0)"
    assert found["built-in alone"] == "dlcv_plugins.architectures.resnet"


DISABLED = """
import json, sys
from dlcv import registry
from dlcv.errors import DlcvError
(descriptor,) = registry.descriptors("architecture", "loud")
messages = []
for attempt in (
    lambda: registry.get("architecture", "loud"),
    lambda: registry.get("architecture", "noisy_things.loud"),
    lambda: registry.registry.load(descriptor),
    lambda: registry.describe("architecture", "loud"),
):
    try:
        attempt()
    except DlcvError as error:
        messages.append(str(error))
print(json.dumps({
    "messages": messages,
    "names": registry.names("architecture", "loud"),
    "state": registry.state(descriptor),
    "imported": "loud" in sys.modules,
}))
"""


@pytest.mark.parametrize(
    "pattern",
    ["loud", "architecture:loud", "noisy-things", "noisy_things", "noisy*", "zzz, *:loud"],
)
def test_a_disabled_plugin_is_never_imported(tmp_path: Path, pattern: str) -> None:
    install(tmp_path, "noisy-things", {"architectures": {"loud": "loud:Good"}}, {"loud": GOOD})
    found = json.loads(succeed(tmp_path, DISABLED, DLCV_DISABLE=pattern))
    message = 'architecture "loud" of noisy-things 1.0 is disabled by DLCV_DISABLE'
    assert found["messages"] == [message] * 4
    assert found["names"] == []
    assert found["state"] == ["disabled", "by DLCV_DISABLE"]
    assert not found["imported"]


def test_what_is_disabled_is_used_when_nothing_disables_it(tmp_path: Path) -> None:
    install(tmp_path, "noisy-things", {"architectures": {"loud": "loud:Good"}}, {"loud": GOOD})
    found = json.loads(succeed(tmp_path, DISABLED, DLCV_DISABLE="quiet, schedule:loud"))
    assert found["messages"] == []
    assert found["names"] == ["loud"]
    assert found["state"] == ["available", ""]
    assert found["imported"]


def test_a_package_whose_metadata_is_lost_does_not_affect_the_others(tmp_path: Path) -> None:
    install(tmp_path, "torn-away", {"architectures": {"torn": "good:Good"}}, {"good": GOOD})
    (tmp_path / "torn_away-1.0.dist-info" / "METADATA").unlink()
    printed = succeed(
        tmp_path,
        "from dlcv import registry as r\n"
        "print(r.create('architecture', 'lenet'), r.create('architecture', 'torn'))\n"
        "print(r.descriptors('architecture', 'torn')[0].origin)",
    )
    assert printed == "LeNet(width=1.0) Good(width=1.0)\nunknown unknown\n"


HOOKS = """
from types import SimpleNamespace
from dlcv import registry
run = SimpleNamespace()
try:
    print(registry.registry.hooks().dlcv_callbacks(run=run))
    print(registry.registry.hooks().dlcv_callbacks(run=run))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_hooks_are_loaded_once_and_broken_ones_named_with_the_cure(tmp_path: Path) -> None:
    hook = "from dlcv import hook\n@hook\ndef dlcv_callbacks(run):\n    return ['called']\n"
    install(tmp_path, "acme", {"hooks": {"acme": "acme_hooks"}}, {"acme_hooks": hook})
    assert succeed(tmp_path, HOOKS) == "[['called']]\n" * 2
    install(tmp_path, "torn", {"hooks": {"torn_hooks": "torn"}}, {"torn": "1 / 0"}, "2.0")
    assert succeed(tmp_path, HOOKS) == (
        'PluginError hook "torn_hooks" of torn 2.0 is broken: ZeroDivisionError: division by zero; '
        "DLCV_DISABLE=torn_hooks switches it off\n"
    )
    assert succeed(tmp_path, HOOKS, DLCV_DISABLE="torn_hooks") == "[['called']]\n" * 2


HOOK = "from dlcv import hook\n@hook\ndef {}({}):\n    return ['called']\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            HOOK.format("dlcv_run_finnished", "run"),
            'there is no hook dlcv_run_finnished; did you mean "dlcv_run_finished"',
        ),
        ("def run_started(run):\n    pass\n", "it implements no hook; mark its functions"),
        (HOOK.format("dlcv_callbacks", "runn"), "hookimpl definition: dlcv_callbacks(runn)"),
        (
            HOOK.format("dlcv_callbacks", "run") + "def dlcv_run_started(run):\n    pass\n",
            "dlcv_run_started lacks the decorator @dlcv.hook",
        ),
        (
            "from dlcv import hook\n@hook(wrapper=True)\ndef dlcv_stage(stage):\n    yield\n",
            "dlcv_stage takes no wrapper",
        ),
    ],
    ids=["mistyped", "unmarked", "argument", "one unmarked", "wrapper of stages"],
)
def test_a_hook_that_would_never_be_called_is_broken(
    tmp_path: Path, source: str, reason: str
) -> None:
    install(tmp_path, "acme", {"hooks": {"acme": "acme_hooks"}}, {"acme_hooks": source})
    found = succeed(tmp_path, HOOKS)
    assert found.startswith('PluginError hook "acme" of acme 1.0 is broken: ')
    assert reason in found
    assert found.endswith("; DLCV_DISABLE=acme switches it off\n")
    assert len(found.splitlines()) == 1


HOOK_IN_A_CLASS = (
    GOOD.replace("    def features", "    @hook\n    def dlcv_callbacks(run):\n        1 / 0\n\n"
    "    def features") + "\nfrom dlcv.interfaces import Preprocessor\n"
).replace("from dlcv.interfaces", "from dlcv import hook\nfrom dlcv.interfaces", 1)  # fmt: skip


def test_a_hook_within_a_plugin_class_is_not_called(tmp_path: Path) -> None:
    install(tmp_path, "acme", {"architectures": {"good": "good:Good"}}, {"good": HOOK_IN_A_CLASS})
    loaded = HOOKS.replace("run =", "registry.get('architecture', 'good')\nrun =")
    assert "ZeroDivisionError" not in succeed(tmp_path, loaded)


def succeed(folder: Path, code: str, **environment: Any) -> str:
    """Runs a program and returns what it printed."""
    ended = run_python(folder, "-c", code, **environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_package_adds_a_kind_of_its_own_and_plugins_of_it(tmp_path: Path) -> None:
    source = '''"""A kind, a plugin of it, and a name for authors."""
from dlcv.interfaces import Plugin, option, plugin

@plugin
class Explainer(Plugin):
    """Explains a prediction."""
    kind = "explainer"

@plugin
class Loud(Explainer):
    """Explains in capitals."""
    volume: int = option(11, help="volume", ge=1)
'''
    points = {
        "kinds": {"explainer": "acme:Explainer", "store": "acme:Explainer"},
        "explainers": {"loud": "acme:Loud"},
        "interfaces": {"Explainer": "acme:Explainer"},
    }
    install(tmp_path, "acme", points, {"acme": source})
    code = """
import sys
from dlcv import interfaces, registry
print("explainer" in registry.KINDS, registry.names("explainer"), "acme" in sys.modules)
print(registry.create("explainer", "loud(volume=12)"))
print(interfaces.Explainer is registry.INTERFACES["explainer"])
print(registry.INTERFACES["store"] is interfaces.DatasetStore)
"""
    done = run_python(tmp_path, "-c", code)
    assert done.stdout.splitlines() == [
        "True ['loud'] False", "Loud(volume=12)", "True", "True",
    ], done.stderr  # fmt: skip


def test_a_pattern_that_no_name_can_have_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCV_DISABLE", "[" * 5000)
    start = time.process_time()
    assert not packages.is_disabled("acme")
    assert time.process_time() - start < 1
