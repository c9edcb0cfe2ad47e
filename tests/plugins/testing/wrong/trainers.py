"""Wrong trainers."""

from collections.abc import Callable

from dlcv.errors import DlcvError
from dlcv.interfaces import Trainer, plugin


def refuses(self, path, **options):
    raise DlcvError(f"{path} is no run")


def fails(self, path, **options):
    return (path / "run.toml").read_text()


def trainer(**methods):
    """Returns what makes a trainer that differs from a right one in some methods."""
    body = {
        "__doc__": "Trains nothing.",
        "train": lambda self, config, **options: None,
        "resume": refuses,
        "load": refuses,
        "summary": lambda self, run: [],
        **methods,
    }
    return lambda: plugin(type("Called", (Trainer,), body))()


def claiming(answer):
    return trainer(claims=classmethod(lambda cls, config: answer))


CLAIMED = {"ordinary_configuration_is_not_claimed"}
LOADED, RESUMED = {"loading_needs_a_run"}, {"resuming_needs_a_run"}
WRONG: dict[str, tuple[Callable, set]] = {
    "claims every configuration": (claiming(True), CLAIMED),
    "gives no answer": (claiming(None), CLAIMED),
    "loads any folder": (trainer(load=lambda self, path, **options: path), LOADED),
    "loads without looking": (trainer(load=fails), LOADED),
    "continues any folder": (trainer(resume=lambda self, path, **options: path), RESUMED),
    "continues without looking": (trainer(resume=fails), RESUMED),
}
