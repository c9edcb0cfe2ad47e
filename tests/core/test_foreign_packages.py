"""What is wrong with another package's plugin is one line that names the package."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_packages import install
from forked import dlcv

STORE = '''
from pathlib import Path
from dlcv.interfaces import DatasetStore, option, plugin

@plugin
class Store(DatasetStore):
    """Is another package's store."""
    path: Path = option(help="where")
    def splits(self): return ("train",)
    def open(self, split): raise RuntimeError("never opened")
    @classmethod
    def recognise(cls, path):
        """Recognises anything."""
        {}
'''
STEP = '''
from dlcv.interfaces import Preprocessor, plugin

@plugin
class Step(Preprocessor):
    """Is another package's step."""
    def __call__(self, images, rng=None): raise KeyError("nowhere")
'''


def shown(folder: Path) -> str:
    """Returns what `data show photos` writes on the error stream; it must end well."""
    ended = dlcv("data", "show", "photos", folder=folder, packages=[folder])
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("body", ["return cls(path=path)", "return None"])
def test_a_store_of_a_shipped_name_changes_nothing(
    tmp_path: Path, photos: Callable[..., Path], body: str
) -> None:
    photos()
    points = {"stores": {"folder": "acme:Store"}}
    install(tmp_path, "acme", points, {"acme": STORE.format(body)})
    assert "photos: recognized as folder\n" in shown(tmp_path)


def test_a_broken_store_of_a_shipped_name_is_a_warning(
    tmp_path: Path, photos: Callable[..., Path]
) -> None:
    photos()
    install(tmp_path, "acme", {"stores": {"folder": "acme:Store"}}, {"acme": "1 / 0"})
    printed = shown(tmp_path)
    assert 'warning: store "folder" of acme 1.0 is broken: ZeroDivisionError' in printed
    assert "photos: recognized as folder\n" in printed


def test_two_stores_of_one_name_recognize_by_their_qualified_names(
    tmp_path: Path, photos: Callable[..., Path]
) -> None:
    photos()
    source = STORE.format("return cls(path=path)")
    for name in ("acme", "other"):
        install(tmp_path, name, {"stores": {"mine": f"{name}:Store"}}, {name: source})
    ended = dlcv("data", "show", "photos", folder=tmp_path, packages=[tmp_path])
    assert (
        "recognized by the stores folder and acme.mine and other.mine; name one of them"
        in ended.stderr
    )


def test_a_store_that_raises_where_it_should_recognize_is_named(
    tmp_path: Path, photos: Callable[..., Path]
) -> None:
    photos()
    points = {"stores": {"mine": "acme:Store"}}
    install(tmp_path, "acme", points, {"acme": STORE.format("return path.nothing")})
    ended = dlcv("data", "show", "photos", folder=tmp_path, packages=[tmp_path])
    (line,) = ended.stderr.splitlines()
    assert line.startswith('dlcv: store "mine" of acme 1.0 failed: AttributeError: ')
    assert ended.returncode == 2


RAISING = '''
import click
from dlcv.api import GradientDescent
from dlcv.interfaces import Architecture, Evaluator, Schedule, plugin

@plugin
class Network(Architecture):
    """Is another package's network."""
    def features(self, x): raise KeyError("nowhere")

@plugin
class Rate(Schedule):
    """Is another package's schedule."""
    def learning_rate(self, epoch, epochs, initial): raise KeyError("nowhere")

@plugin
class Figure(Evaluator):
    """Is another package's evaluator."""
    def evaluate(self, predictions): raise KeyError("nowhere")

@plugin
class Way(GradientDescent):
    """Is another package's trainer."""
    def train(self, config, **place): raise KeyError("nowhere")

@click.command()
def greet():
    """Greet."""
    raise KeyError("nowhere")
'''
RUN = ["run", "--data", "digits(size=8)", "--arch", "mlp(units=4)", "--epochs", "1",
       "--fraction", "0.1"]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "command"),
    [
        ("preprocessor", "Step", [*RUN, "--preproc", "x"]),
        ("architecture", "Network", [*RUN, "--arch", "x"]),
        ("schedule", "Rate", [*RUN, "--schedule", "x"]),
        ("evaluator", "Figure", [*RUN, "--eval", "x"]),
        ("trainer", "Way", [*RUN, "--trainer", "x"]),
        ("command", "greet", ["x"]),
    ],
)
def test_a_plugin_that_raises_is_named(
    tmp_path: Path, kind: str, name: str, command: list[str]
) -> None:
    points = {f"{kind}s": {"x": f"acme:{name}"}, "stores": {"other": "acme:Other"}}
    install(tmp_path, "acme", points, {"acme": STEP + RAISING})
    ended = dlcv(*command, folder=tmp_path, packages=[tmp_path], has_pictures=False)
    *_, line = ended.stderr.splitlines()
    start = f"dlcv: {kind} \"x\" of acme 1.0 failed: KeyError: 'nowhere' (acme.py, line "
    assert line.startswith(start)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_debug_shows_the_traceback_of_a_plugin_that_raises(tmp_path: Path) -> None:
    install(tmp_path, "acme", {"preprocessors": {"step": "acme:Step"}}, {"acme": STEP})
    ended = dlcv(*RUN, "--preproc", "step", "--debug", folder=tmp_path, packages=[tmp_path])
    assert "Traceback (most recent call last):" in ended.stderr
    assert ended.returncode == 2


NAMES = {
    "preprocessors": ("scale", STEP.replace("Step(", "Scale(")),
    "evaluators": (
        "rank",
        '''
from dlcv.interfaces import Evaluator, plugin

@plugin
class Rank(Evaluator):
    """Is another package's evaluator."""
    def evaluate(self, predictions): raise KeyError("nowhere")
''',
    ),
    "schedules": ("cosine", "1 / 0"),
    "architectures": ("resnet", "1 / 0"),
}


def test_packages_that_claim_the_names_of_defaults_change_no_run(tmp_path: Path) -> None:
    for kind, (name, source) in NAMES.items():
        install(tmp_path, f"acme-{name}", {kind: {name: f"acme_{name}:{name.title()}"}},
                {f"acme_{name}": source})  # fmt: skip
    ended = dlcv(
        "run", "--data", "digits(size=8)", "--epochs", "1", "--fraction", "0.1", "--runs", "runs",
        "--arch", "resnet(stages=(1, 1), filters=(4, 4, 4), stem=plain)",
        folder=tmp_path, packages=[tmp_path], has_pictures=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "rank-5" in ended.stdout
