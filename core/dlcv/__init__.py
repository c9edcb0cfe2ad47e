"""dlcv: from a folder of labelled images to a classifier that can be trusted and used."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dlcv import registry
    from dlcv.errors import DlcvError
    from dlcv.hooks import hook
    from dlcv.runs.load import load
    from dlcv.runs.run import Run
    from dlcv.runs.train import resume, run

    __version__: str

__all__ = ["DlcvError", "Run", "hook", "load", "registry", "resume", "run"]

_LAZY = {
    "DlcvError": "dlcv.errors:DlcvError",
    "Run": "dlcv.runs.run:Run",
    "hook": "dlcv.hooks:hook",
    "load": "dlcv.runs.load:load",
    "resume": "dlcv.runs.train:resume",
    "run": "dlcv.runs.train:run",
}
"""Where each of the core's names is; packages add others (entry-point group `dlcv.functions`)."""


def __getattr__(name: str) -> "Any":
    """Imports what is asked for: a command must handle ctrl+c before anything else is imported."""
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        return version("dlcv")
    if not (place := _LAZY.get(name)):
        try:
            return importlib.import_module(f"dlcv.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"dlcv.{name}":
                raise
    from dlcv.packages import load_object, named_objects

    place = place or named_objects("dlcv.functions").get(name)
    if not place:
        raise AttributeError(f"module dlcv has no attribute {name}")
    return load_object(place)


def __dir__() -> list[str]:
    """Returns the core's names and those that packages add, which an editor completes."""
    from dlcv.packages import named_objects

    return sorted({*__all__, "__version__", *named_objects("dlcv.functions")})
