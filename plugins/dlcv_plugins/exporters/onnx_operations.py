"""Operations of TensorFlow that tf2onnx does not know, written with those that it knows."""

from typing import Any


def register_operations() -> None:
    """Adds `Erfc`, with which TensorFlow computes GELU, to what tf2onnx converts."""
    from tf2onnx.handler import tf_op

    if any("Erfc" in operations for operations in tf_op.get_opsets().values()):
        return

    @tf_op("Erfc")
    class _Erfc:
        """`erfc(x) = 1 - erf(x)`; ONNX has `Erf` since version 9."""

        @classmethod
        def version_9(cls, context: Any, node: Any, **_: Any) -> None:
            import numpy as np
            from tf2onnx.utils import map_onnx_to_numpy_type

            kind = context.get_dtype(node.output[0])
            shapes, outputs, inputs = node.output_shapes, list(node.output), list(node.input)
            context.remove_node(node.name)
            erf = context.make_node("Erf", inputs, dtypes=[kind], shapes=shapes)
            one = context.make_const(f"{node.name}_one", np.array(1, map_onnx_to_numpy_type(kind)))
            context.make_node(
                "Sub",
                [one.output[0], erf.output[0]],
                name=node.name,
                outputs=outputs,
                shapes=shapes,
                dtypes=[kind],
            )
