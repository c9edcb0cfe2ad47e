"""Whether Keras alone can load a layer or network: a run's `model.keras` is for everyone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def check_keras_can_load(made: "keras.Layer | keras.Model", what: str) -> None:
    """Fails for a Lambda layer, and for a layer that is neither Keras's own nor registered."""
    import keras

    for name, reason in _foreign(keras.saving.serialize_keras_object(made)):
        raise AssertionError(
            f"{what} holds {name}, {reason}, so Keras can't load a run's model.keras; use Keras's "
            "own layers, or register yours with @keras.saving.register_keras_serializable"
        )


def _foreign(config: Any) -> Iterator[tuple[str, str]]:
    """Yields what only this program can make, by name, with the reason."""
    if isinstance(config, list | tuple):
        for item in config:
            yield from _foreign(item)
    if not isinstance(config, dict):
        return
    name, module = config.get("class_name"), config.get("module")
    if name in ("Lambda", "__lambda__"):
        yield "a Lambda", "whose code is not in the file"
    elif name is not None and "module" in config and not _is_known(config):
        name = config["config"] if name == "function" else name
        yield f"{name} of {module or 'this program'}", "which is not Keras's own"
    for value in config.values():
        yield from _foreign(value)


def _is_known(config: dict[str, Any]) -> bool:
    module = config["module"] or ""
    if module.partition(".")[0] == "keras" or module == "builtins":
        return True
    return ">" in (config.get("registered_name") or "")
