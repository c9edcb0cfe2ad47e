"""dlcv: a network from the registry with its value layers, compiled as a run compiles it."""

import keras
import numpy as np
from network_clock import CLASSES, NAME, SIZE, STEPS, measure

from dlcv import registry
from dlcv.config import AUTO, StageConfig
from dlcv.data.pipeline import Pipeline
from dlcv.registry import SpecList
from dlcv.runs.experiment import make_steps
from dlcv.training.network import build_network
from dlcv_plugins.training.compiling import compile_stage


def make() -> keras.Model:
    architecture = registry.create("architecture", NAME)
    steps = make_steps(SpecList.parse(AUTO), architecture)
    shapes = {"channel": (3,), "pixel": (SIZE, SIZE, 3)}
    known = [
        step.with_state({"values": np.full(shapes[step.per], 127, np.float32)})
        if hasattr(step, "per")
        else step
        for step in steps
    ]
    model = build_network(architecture, Pipeline.of(known), (SIZE, SIZE, 3), CLASSES, "float32")
    stage = StageConfig()
    compile_stage(model, stage, registry.create("schedule", stage.schedule), STEPS)
    return model


if __name__ == "__main__":
    measure(make)
