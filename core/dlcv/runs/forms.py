"""The forms of a run's JSON files: what each must hold at least."""

from typing import Any


def check_form(content: Any, form: object, where: str) -> None:
    """Raises a `ValueError` that names the place where JSON has not a form as in `FORMS`."""
    if callable(form) and not isinstance(form, type):
        form(content, where)
        return
    kind = form if isinstance(form, type) else list if isinstance(form, tuple) else type(form)
    kinds: Any = (int, float) if kind is float else kind
    if not isinstance(content, kinds) or isinstance(content, bool):
        raise ValueError(f"{where} should be {kind.__name__}, not {type(content).__name__}")
    if isinstance(form, list):
        form = form * len(content)
    if isinstance(form, dict) and str in form:
        form = dict.fromkeys(content, form[str])
    if isinstance(form, dict):
        for key, value in form.items():
            name = key.removesuffix("?")
            if name in content:
                check_form(content[name], value, name)
            elif name == key:
                raise ValueError(f"{where} has no {key}")
    elif isinstance(form, list | tuple):
        if len(content) != len(form):
            raise ValueError(f"{where} should have {len(form)} values, not {len(content)}")
        for value, expected in zip(content, form, strict=True):
            check_form(value, expected, f"a value of {where}")


def check_table(content: Any, where: str) -> None:
    """Raises a `ValueError` if JSON is no table whose rows have a value for each column."""
    check_form(content, {"columns": [str], "rows": [list]}, where)
    if any(len(row) != len(content["columns"]) for row in content["rows"]):
        raise ValueError(f"{where} has a row with other values than its columns")


FORMS: dict[str, Any] = {
    "labels": [str],
    "environment": {
        "libraries": {str: str},
        "back_end": str,
        "image_data_format": str,
        "processor": str,
        "input_shape": (int, int, int),
        "plugins": [{"kind": str, "name": str, "distribution": str, "version": str}],
        "data": {
            "fingerprints": {str: str},
            "channels": int,
            "images?": {str: int},
            "training_images?": {str: int},
        },
        "parameters?": int,
    },
    "metrics": {
        "split": str,
        "images": int,
        "training_seconds": float,
        "metrics": {str: float},
        "tables": {str: check_table},
        "intervals?": {str: (float, float)},
        "units?": {str: str},
        "notes?": [str],
    },
}
"""What the JSON files hold: `[form]` any length, `{str: form}` any keys, `key?` may be missing."""
