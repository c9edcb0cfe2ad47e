"""`model.json`: what an exported model takes, gives, and wants done to an image before."""

import json
from pathlib import Path
from typing import Any

from dlcv import files
from dlcv.errors import DlcvError
from dlcv.export.formats import FORMATS
from dlcv.runs.directory import check_form

NAME = "model.json"
STATE = "pixel_steps.npz"
"""What pixel steps learned, in arrays named `INDEX.NAME`, if they learned anything."""
FORM: dict[str, Any] = {
    "dlcv_export": int,
    "format": str,
    "file": str,
    "files": {str: {"bytes": int, "sha256": str}},
    "input": {"name": str, "height": int, "width": int, "channels": int},
    "output": {"name": str},
    "classes": [str],
    "pixel_steps": [{"spec": str}],
    "value_steps": [{"spec": str}],
    "evaluators": str,
    "run": {"path": str, "fingerprint": str, "split": str},
    "environment": {"python": str, "libraries": {str: str}},
}
"""What the file holds at least, as `check_form` has it."""
VERSION = 1


def is_export(path: Path) -> bool:
    """Returns whether a folder holds an exported model, going by the names in it."""
    return (path / NAME).is_file() and not (path / "run.toml").exists()


def write(folder: Path, content: dict[str, Any]) -> None:
    """Writes the description of the model in a folder."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    files.write_atomically(folder / NAME, text)


def read(folder: Path) -> dict[str, Any]:
    """Reads the description of the model in a folder, and checks the model's files against it.

    Raises:
        DlcvError: it is missing or damaged, or a file is.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        check_form(content, FORM, "the content")
        _check_values(content)
    except OSError as error:
        raise DlcvError(f"can't read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DlcvError(f"{path} is damaged: {error}; export the run again") from None
    for name, recorded in content["files"].items():
        _check_file(folder / name, recorded)
    return dict(content)


def _check_values(content: dict[str, Any]) -> None:
    """Raises a `ValueError` if values are of the right form, but can't be right."""
    if content["dlcv_export"] != VERSION:
        raise ValueError(f"it is of version {content['dlcv_export']}, and this dlcv reads 1")
    if content["format"] not in FORMATS:
        raise ValueError(f"there is no format {content['format']!r}")
    if content["file"] != FORMATS[content["format"]].file:
        raise ValueError(f"a model of this format is not in a file {content['file']!r}")
    for name in content["files"]:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"the file {name!r} is outside")
    if not content["classes"] or len(set(content["classes"])) != len(content["classes"]):
        raise ValueError("there are no classes, or some are there twice")
    if min(content["input"][axis] for axis in ("height", "width", "channels")) < 1:
        raise ValueError("the input has no pixels")


def _check_file(path: Path, recorded: dict[str, Any]) -> None:
    """Raises a `DlcvError` if a file is missing or not what was recorded."""
    if not path.is_file():
        raise DlcvError(f"{path} is missing; export the run again, or copy the whole folder")
    same = path.stat().st_size == recorded["bytes"] and files.sha256(path) == recorded["sha256"]
    if not same:
        raise DlcvError(
            f"{path} is damaged: its content is not what was recorded; export the run again, or "
            "copy it again"
        )
