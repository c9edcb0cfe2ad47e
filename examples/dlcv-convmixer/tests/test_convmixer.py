"""ConvMixer keeps dlcv's rules and has the parameters of the paper."""

import math

import pytest
from dlcv_convmixer import ConvMixer

from dlcv.testing import conformance

test_rules_are_kept = conformance(ConvMixer(width=8, depth=2))
LARGE = ConvMixer(width=1536, depth=20, kernel=9, patch=7)
SMALL = ConvMixer(width=768, depth=32, kernel=7, patch=7, activation="relu")


@pytest.mark.parametrize(
    ("network", "parameters"),
    # 51.6 and 21.1 million in table 1 of the paper; these are the counts of the authors' code.
    [(LARGE, 51_625_960), (SMALL, 21_110_248)],
)
def test_it_has_the_parameters_of_the_paper(network, parameters):
    """Without values for the weights, which would take 200 MB."""
    from dlcv.api import symbolic

    with symbolic():
        model = network.build((224, 224, 3), 1000)
        trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert trained == parameters


def test_the_size_of_a_patch_is_the_only_change_of_size():
    """Blocks keep `(H / patch, W / patch)`."""
    from dlcv.api import symbolic

    with symbolic():
        body = ConvMixer(width=8, depth=3, patch=4).body((32, 24, 3))
    shapes = {layer.output.shape for layer in body.layers if layer.name.startswith("block")}
    assert shapes == {(None, 8, 6, 8)}
