"""The registry within this process: names, making, registering, writing down."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dlcv import hook
from dlcv import registry as shared
from dlcv.errors import DlcvError, PluginError, SpecError
from dlcv.interfaces import Architecture, Option, Plugin, Preprocessor, option, plugin
from dlcv.registry import KINDS, Registry, provenance
from dlcv.registry.spec import Spec, SpecList
from dlcv_plugins.architectures.resnet import ResNet
from dlcv_plugins.preprocessors.mean import Mean
from dlcv_plugins.preprocessors.patch import Patch


@plugin
class Head(Architecture):
    """An architecture with plugins in its options.

    And a second paragraph.
    """

    base: Architecture = option(help="the network below")
    steps: tuple[Preprocessor, ...] | None = option(None, help="what comes before")
    units: int = option(256, help="units", ge=1)
    label: str = option("plain", help="a text")
    weights: Path | None = option(None, help="a file")

    def features(self, x: Any) -> Any:
        return x


@pytest.fixture
def registry() -> Registry:
    """A registry of its own, with the shipped plugins and `head`."""
    made = Registry()
    made.register("architecture", "head", Head)
    return made


def test_names_are_listed_by_kind_and_pattern(registry: Registry) -> None:
    assert {"mean", "patch", "scale"} <= set(registry.names("preprocessor"))
    assert registry.names("preprocessor") == sorted(registry.names("preprocessor"))
    assert registry.names("preprocessor", "m*an") == ["mean"]
    assert registry.names("preprocessor", "dlcv.*") == registry.names("preprocessor")
    assert registry.names("preprocessor", "nothing*") == []
    assert "head" in registry.names("architecture")


def test_descriptors_tell_the_origin_without_an_import(registry: Registry) -> None:
    (mean,) = registry.descriptors("preprocessor", "mean")
    assert (mean.distribution, mean.qualified_name) == ("dlcv", "dlcv.mean")
    assert mean.target == "dlcv_plugins.preprocessors.mean:Mean"
    (head,) = registry.descriptors(pattern="head")
    assert (head.kind, head.origin, head.qualified_name) == (
        "architecture",
        "this program",
        "head",
    )


@pytest.mark.parametrize("name", ["mean", "dlcv.mean"])
def test_a_plugin_is_found_by_its_short_and_its_full_name(registry: Registry, name: str) -> None:
    assert registry.get("preprocessor", name) is Mean


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("preprocessor", "meen", 'unknown preprocessor "meen"; did you mean "mean"?'),
        ("architecture", "mean", 'unknown architecture "mean"; "mean" is a preprocessor'),
        ("preprocessor", "resnet", 'unknown preprocessor "resnet"; "resnet" is an architecture'),
        ("schedule", "rank", 'unknown schedule "rank"; "rank" is an evaluator'),
        ("schedule", "zzz", 'unknown schedule "zzz"; there are constant, cosine'),
        ("architecture", "dlcv.mean", 'unknown architecture "dlcv.mean"'),
        ("architectur", "x", 'unknown kind of plugin "architectur"; did you mean "architecture"?'),
        ("zzz", "x", 'unknown kind of plugin "zzz"; there are preprocessor, store, architecture'),
    ],
)
def test_an_unknown_name_gets_a_hint(
    registry: Registry, kind: str, name: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        registry.get(kind, name)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "spec", ["patch(size=(3, 4))", Spec("patch", {"size": (3, 4)}), Patch(size=(3, 4))]
)
def test_a_plugin_is_made_from_a_text_a_spec_or_itself(registry: Registry, spec: Any) -> None:
    assert registry.create("preprocessor", spec) == Patch(size=(3, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("meen", 'unknown preprocessor "meen" at column 1 of "meen"; did you mean "mean"?'),
        ("patch(size=0)", "patch: size: expected int or (int, int) or None >= 1, received 0"),
        ("patch(size=0)", 'received 0 at column 7 of "patch(size=0)"'),
        ("patch(size=a)", 'received "a" at column 7 of'),
        ("patch(size=a(b=1))", "patch: size: expected a value, received a(b=1) at column 7 of"),
        (
            "patch(sise=3)",
            'patch has no option "sise" at column 7 of "patch(sise=3)"; did you mean "size"?',
        ),
        ("scale(zzz=3)", '"scale(zzz=3)"; its options are factor'),
        ("patch(3)", "options need a name"),
    ],
)
def test_a_wrong_spec_is_refused_with_its_position(
    registry: Registry, text: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        registry.create("preprocessor", text)
    assert message in str(caught.value)


def test_a_plugin_of_another_kind_is_refused(registry: Registry) -> None:
    with pytest.raises(SpecError, match="expected a plugin of kind architecture, received Mean"):
        registry.create("architecture", Mean())


def test_a_list_is_made_from_a_text_or_its_parts(registry: Registry) -> None:
    expected = [Mean(), Patch(size=3), Patch(size=4)]
    for given in (
        "mean, patch(size=3), patch(size=4)",
        ["mean", Spec("patch", {"size": 3}), Patch(size=4)],
        SpecList.parse("mean, patch(size=3), patch(size=4)"),
    ):
        assert registry.create_list("preprocessor", given) == expected
    assert registry.create_list("preprocessor", "") == []


def test_plugins_in_options_are_made_as_well(registry: Registry) -> None:
    made = registry.create("architecture", "head(base=resnet(width=2), steps=(mean, scale))")
    assert made.base == ResNet(width=2)
    assert [type(step).__name__ for step in made.steps] == ["Mean", "Scale"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("head", 'head needs base, the network below at column 1 of "head"'),
        (
            "head(base=mean)",
            'unknown architecture "mean" at column 11 of "head(base=mean)"; "mean"',
        ),
        ("head(base=resnet(width=0))", "resnet: width: expected float > 0, received 0.0 at column"),
        ("head(base='resnet')", 'head: base: expected Architecture, received "resnet" at column 6'),
        ("head(base=resnet, steps=mean)", "head: steps: expected (Preprocessor, ...) or None"),
    ],
)
def test_a_mistake_in_a_nested_plugin_has_its_position(
    registry: Registry, text: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        registry.create("architecture", text)
    assert message in str(caught.value)


def test_each_value_is_checked_once(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.get("preprocessor", "patch")  # Loading reads the defaults.
    read: list[str] = []
    original = Option.read

    def counting(option: Option, value: Any) -> Any:
        read.append(option.name)
        return original(option, value)

    monkeypatch.setattr(Option, "read", counting)
    registry.create("preprocessor", "patch(size=(3, 4), interpolation=area)")
    assert sorted(read) == ["interpolation", "padding", "size"]


def test_a_hint_that_holds_a_semicolon_keeps_the_position_before_the_hint() -> None:
    error = SpecError("a; b", position=" at column 1", hint="; did you mean c?")
    assert str(error) == "a; b at column 1; did you mean c?"


@plugin
class Renamed(Head):
    """Has an option that had another name."""

    units: int = option(256, help="units", ge=1, aliases=("width", "size"))


def test_an_option_is_found_by_its_earlier_names(registry: Registry) -> None:
    registry.register("architecture", "renamed", Renamed)
    made = registry.create("architecture", "renamed(base=resnet, width=3)")
    assert made == Renamed(base=ResNet(), units=3)
    assert "units=3" in str(registry.spec_of(made))
    for text, problem in (
        ("renamed(base=resnet, width=3, units=4)", "renamed: units is given twice, by two names"),
        ("renamed(base=resnet, width=0)", "renamed: units: expected int >= 1, received 0"),
    ):
        with pytest.raises(SpecError, match=problem):
            registry.create("architecture", text)


def test_a_required_option_is_asked_for(registry: Registry) -> None:
    with pytest.raises(SpecError, match=r'^hdf5 needs path, .* at column 1 of "hdf5"$'):
        registry.create("store", "hdf5")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "head(base=resnet, label='a b', weights='x/y.h5')",
            "head(base=resnet(stages=(1, 1, 1), filters=(16, 32, 64, 128), stem=pooled, "
            "module=preactivation, l2=0.0001, width=1.0), units=256, "
            'label="a b", weights="x/y.h5")',
        ),
        ("head(base=lenet, steps=(scale,))", None),
        ("head(base=lenet, label='None')", None),
        ("head(base=head(base=lenet))", None),
    ],
)
def test_a_plugin_is_written_as_the_spec_that_makes_it(
    registry: Registry, text: str, written: str | None
) -> None:
    made = registry.create("architecture", text)
    spec = registry.spec_of(made)
    assert registry.create("architecture", str(spec)) == made
    if written is not None:
        assert str(spec) == written


def test_the_record_names_plugins_within_options() -> None:
    with shared.register("architecture", "recorded_head", Head):
        made = shared.create("architecture", "recorded_head(base=lenet, steps=(mean, scale))")
        named = [d.name for d in provenance([made])]
    assert named == ["recorded_head", "lenet", "mean", "scale"]


def test_a_class_that_is_not_registered_has_no_spec() -> None:
    with pytest.raises(PluginError, match=r"Head is not registered; call dlcv.registry.register\("):
        Registry().spec_of(Head(base=ResNet()))


def test_a_registration_ends_with_its_block() -> None:
    registry = Registry()
    for _ in range(2):
        with registry.register("architecture", "head", Head):
            assert registry.get("architecture", "head") is Head
        with pytest.raises(SpecError, match='unknown architecture "head"'):
            registry.get("architecture", "head")


def test_a_registration_can_be_ended_once_and_again() -> None:
    registry = Registry()
    registration = registry.register("architecture", "head", Head)
    with registration:
        registration.end()
        assert "head" not in registry
    registry.register("architecture", "head", Head)
    registration.end()
    assert "head" in registry


def test_the_registry_is_a_collection(registry: Registry) -> None:
    assert all(name in registry for name in ("resnet", "dlcv.resnet", "head"))
    assert "x" not in registry
    assert len(registry) == len(list(registry)) > 100
    assert re.fullmatch(r"<Registry: \d+ preprocessors, .*, \d+ commands>", repr(registry))


def test_the_module_is_the_same_collection() -> None:
    assert len(shared) == len(shared.registry)
    assert "resnet" in shared
    assert list(shared) == list(shared.registry)
    assert repr(shared) == repr(shared.registry)


def test_a_notebook_shows_the_names_of_each_kind(registry: Registry) -> None:
    shown = registry._repr_html_()
    rows = re.findall(r"<tr><th>(\w+)<td>([\w, .-]*)", shown)
    assert [kind for kind, _ in rows] == list(KINDS)
    assert dict(rows)["architecture"].split(", ") == registry.names("architecture")


def test_eight_threads_look_up_make_and_register_at_once(registry: Registry) -> None:
    start = threading.Barrier(8)

    def use(number: int) -> None:
        start.wait()
        for turn in range(15):
            name = f"own_{number}_{turn}"
            with registry.register("architecture", name, Head):
                assert name in registry.names("architecture")
                assert registry.create("preprocessor", "patch(size=8)").size == 8
                # What is installed is always there, whatever others register meanwhile.
                assert {"head", "resnet"} <= {d.name for d in registry}
            assert name not in registry

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(use, number) for number in range(8)]:
            done.result()


def test_threads_that_load_one_plugin_get_one_class() -> None:
    for _ in range(5):
        registry, start = Registry(), threading.Barrier(8)

        def load(registry: Registry = registry, start: threading.Barrier = start) -> Any:
            start.wait()
            return registry.get("preprocessor", "mean"), registry.hook_manager()

        with ThreadPoolExecutor(8) as pool:
            found = {result.result() for result in [pool.submit(load) for _ in range(8)]}
        assert len(found) == 1


def test_a_class_may_have_a_second_name(registry: Registry) -> None:
    assert registry.get("architecture", "resnet") is ResNet
    with registry.register("architecture", "my_resnet", ResNet):
        assert registry.create("architecture", "my_resnet(width=2)") == ResNet(width=2)
    assert registry.get("architecture", "resnet") is ResNet


@pytest.mark.parametrize("name", ["resnet", "head"])
def test_a_name_that_is_taken_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(PluginError, match=f'architecture "{name}" exists already'):
        registry.register("architecture", name, Head)


@plugin
class WithoutDocstring(Architecture):
    def features(self, x: Any) -> Any:
        return x


@plugin
class Abstract(Architecture):
    """Leaves a method out."""


@plugin
class Reserved(Preprocessor):
    """Can't be reached by its name."""

    def __call__(self, images: Any, rng: Any = None) -> Any:
        return images


@plugin
class OutOfRange(Head):
    """Has a default that its own range refuses."""

    depth: int = option(0, help="layers", ge=1)


class Undecorated(Head):
    """Lacks the decorator."""


@pytest.mark.parametrize(
    ("name", "cls", "reason"),
    [
        ("my-net", Head, "its name is not an identifier"),
        ("lambda", Head, "its name is a keyword of Python"),
        ("mine", Mean, "it is no subclass of dlcv.interfaces.Architecture"),
        ("mine", WithoutDocstring, "it has no docstring"),
        ("mine", Abstract, "it does not define features"),
        ("mine", OutOfRange, "the default of its option depth: expected int >= 1, received 0"),
        ("mine", Undecorated, "its class lacks the decorator @dlcv.interfaces.plugin"),
    ],
)
def test_a_class_that_breaks_the_interface_is_refused(
    registry: Registry, name: str, cls: type[Plugin], reason: str
) -> None:
    with pytest.raises(PluginError) as caught:
        registry.register("architecture", name, cls)
    assert str(caught.value) == f'architecture "{name}" of this program is broken: {reason}'
    assert name not in registry.names("architecture")


def test_a_name_with_a_meaning_of_its_own_is_refused(registry: Registry) -> None:
    with pytest.raises(PluginError, match="its name is reserved"):
        registry.register("preprocessor", "auto", Reserved)
    registry.register("preprocessor", "automatic", Reserved)


def test_a_name_is_free_again_after_a_registration_that_failed() -> None:
    registry = Registry()
    with pytest.raises(DlcvError):
        registry.register("architecture", "mine", Abstract)
    registry.register("architecture", "mine", Head)
    (mine,) = registry.descriptors(pattern="mine")
    assert registry.state(mine) == ("available", "")


def test_a_plugin_is_described(registry: Registry) -> None:
    described = registry.describe("architecture", "head")
    assert described.summary == "An architecture with plugins in its options."
    assert described.documentation.endswith("\n\nAnd a second paragraph.")
    assert [o.name for o in described.options] == ["base", "steps", "units", "label", "weights"]
    assert described.source == __file__
    assert described.descriptor.name == "head"


@pytest.mark.parametrize(
    ("version", "cure"),
    [(2, "1; install a newer release of dlcv"), (0, "1; install a newer release of its package")],
)
def test_a_plugin_for_another_version_of_the_interface_is_refused(
    registry: Registry, version: int, cure: str
) -> None:
    later = type("Later", (Head,), {"written_for": version})
    with pytest.raises(PluginError) as raised:
        registry.register("architecture", "later", later)
    assert str(raised.value) == (
        'architecture "later" of this program is broken: it is written for version '
        f"{version} of the interface architecture, and this dlcv takes {cure}"
    )


def test_a_plugin_for_this_version_of_the_interface_is_taken(registry: Registry) -> None:
    @plugin
    class Fitting(Head):
        """Is written for the first version."""

        written_for = 1

    with registry.register("architecture", "fitting", Fitting):
        assert registry.get("architecture", "fitting") is Fitting


def test_pluggy_holds_what_is_loaded_whatever_its_kind(registry: Registry) -> None:
    loaded = {
        key: registry.get(*key.partition("@")[0].split(":"))
        for key in ("schedule:poly@dlcv", "command:schedules@dlcv", "hook:run_summary@dlcv")
    }
    held = dict(registry.hook_manager().list_name_plugin())
    assert {key: held[key] for key in loaded} == loaded
    assert held["architecture:head@python"] is Head


def test_hooks_are_registered_from_python(registry: Registry) -> None:
    module = ModuleType("own_hooks")
    module.dlcv_html = hook(dlcv_html)
    with registry.register("hook", "own_hooks", module):
        assert registry.hooks().dlcv_html(run=7) == "run 7"
        assert "own_hooks" in registry
    assert registry.hooks().dlcv_html.get_hookimpls()[-1].function is not dlcv_html


def dlcv_html(run: int) -> str:
    return f"run {run}"
