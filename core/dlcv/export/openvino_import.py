"""OpenVINO without the usage data that its converter sends."""

import sys
from typing import Any


def import_openvino() -> Any:
    """Imports OpenVINO, which then uses its own stand-in for a missing `openvino_telemetry`.

    With it, `convert_model` tells Google Analytics about each conversion unless the user objected
    beforehand (`opt_in_out --opt_out`), and leaves an id in the home folder.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
