"""What a SavedModel may do: a TensorFlow graph can read and write files, a network's does not."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dlcv import files
from dlcv.errors import DlcvError

STATEFUL = frozenset(
    {
        "NoOp",
        "PartitionedCall",
        "ReadVariableOp",
        "StatefulPartitionedCall",
        "VarHandleOp",
        "XlaCallModule",
    }
)
"""Operations with state that a network needs: its variables, calls, and what JAX exports."""
READERS = frozenset({"ImmutableConst"})
"""Operations without state that read a file all the same."""
KINDS = frozenset(
    {
        "bare_concrete_function",
        "captured_tensor",
        "constant",
        "function",
        "user_object",
        "variable",
    }
)
"""What the object graph of a network holds; a `resource` would run code of its own on loading."""


def refuse_other_than_computing(path: Path) -> None:
    """Raises a `DlcvError` if a SavedModel could do anything but compute, or can't be read.

    Every function that the model's objects offer is followed to the last one it calls. Operations
    without state that handle no text can only compute; those with state are refused but for
    variables. TensorFlow's own functions that save and restore are not among those offered.

    Args:
        path: The folder; nothing in it is executed.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(files.read(file))
    except OSError as error:
        raise DlcvError(f"can't read {file}: {error.strerror}") from None
    except DecodeError:
        raise DlcvError(f"{file} is damaged; export the run again") from None
    if len(saved.meta_graphs) != 1:
        raise DlcvError(f"{file} is damaged: it should hold one graph; export the run again")
    refused = sorted({*_strange_objects(saved.meta_graphs[0]), *_strange_ops(saved.meta_graphs[0])})
    if refused:
        raise DlcvError(
            f"{path} is not used: beside computing it has {', '.join(refused)}, "
            "which no network of dlcv has, and which can do harm"
        )


def _strange_objects(graph: Any) -> Iterator[str]:
    nodes = graph.object_graph_def.nodes
    if not nodes:
        yield "no objects"
    yield from {kind for node in nodes if (kind := node.WhichOneof("kind")) not in KINDS}


def _strange_ops(graph: Any) -> Iterator[str]:
    """Yields the names of operations that are not known to compute only."""
    functions = {f.signature.name: f for f in graph.graph_def.library.function}
    waiting, seen = list(graph.object_graph_def.concrete_functions), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in functions[name].node_def:
            if not _computes(node.op, functions):
                yield node.op
            waiting += [node.op, *_called(node.attr.values())]


def _called(attributes: Iterable[Any]) -> Iterator[str]:
    for value in attributes:
        yield from (f.name for f in (value.func, *value.list.func) if f.name)


def _computes(op: str, functions: dict[str, Any]) -> bool:
    from tensorflow.core.framework import types_pb2
    from tensorflow.python.framework import op_def_registry

    if op in STATEFUL or op in functions:
        return True
    definition = op_def_registry.get(op)
    if definition is None or definition.is_stateful or op in READERS:
        return False
    ends = (*definition.input_arg, *definition.output_arg)
    return all(end.type != types_pb2.DT_STRING for end in ends)
