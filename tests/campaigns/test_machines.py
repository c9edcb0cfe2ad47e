"""What must be the same on an old processor, with the slow tests."""

from pathlib import Path

import numpy as np
import pytest
from machines import CLOSE, EXACT, PLACES, found, prepare

OLD = ("oneDNN off", "oneDNN and OpenBLAS with SSE", "decoders and NumPy without SIMD")


@pytest.mark.slow
def test_an_old_processor_gives_the_same_images_division_and_classes(tmp_path: Path) -> None:
    prepare(tmp_path)
    here = found(tmp_path, PLACES["this processor"])
    variables = [PLACES[name] for name in OLD]
    there = found(tmp_path, {name: value for some in variables for name, value in some.items()})
    assert {key: there[key] for key in EXACT} == {key: here[key] for key in EXACT}
    assert np.abs(there["predicted"] - here["predicted"]).max() <= CLOSE
