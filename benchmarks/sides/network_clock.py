"""What both sides of the networks share: the tasks, and how fast a model trains, as JSON.

The first step is told from the start of the process, which is what somebody waits for, and from
when all that a side needs is imported: then it ends what building, compiling and tracing take.
Images/s is that of the fastest of a few short epochs, which other work harms least. All are told in
processor seconds as well.
"""

import json
import os
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

THREADS = 2
CLASSES = 10
EPOCHS = 3
TASKS = {
    # by the network's name: side of the images in pixels, batch size, steps an epoch
    "shallownet": (32, 64, 8),
    "lenet": (28, 64, 8),
    "minivggnet": (32, 64, 4),
    "alexnet": (227, 8, 2),
    "minigooglenet": (32, 16, 3),
    "deepergooglenet": (64, 16, 3),
    "resnet56": (32, 16, 2),
    "resnet_tiny_imagenet": (64, 16, 2),
    "resnet18": (224, 4, 2),
    "resnet50": (96, 8, 2),
    "vgg16": (64, 8, 2),
    "lecture_cnn": (32, 64, 4),
    "mlp": (32, 64, 16),
    "cnn": (32, 64, 4),
}
NAME = sys.argv[1]
SIZE, BATCH, STEPS = TASKS[NAME]


def measure(make: Callable[[], keras.Model]) -> None:
    """Prints seconds to the first step, images/s, all by processor time, too, and parameters."""
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH * STEPS, SIZE, SIZE, 3), np.uint8)
    labels = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, len(images))]
    start = clocks()
    model = make()
    model.fit(images[:BATCH], labels[:BATCH], batch_size=BATCH, verbose=0)
    end = clocks()
    built, first = end - start, end - (float(os.environ["STARTED"]), 0.0)
    epochs = []
    for _ in range(EPOCHS):
        start = clocks()
        model.fit(images, labels, batch_size=BATCH, verbose=0)
        epochs.append(clocks() - start)
    rates = len(images) / np.min(epochs, axis=0)
    found = {
        "first": first[0],
        "first_processor": first[1],
        "built": built[0],
        "built_processor": built[1],
        "rate": rates[0],
        "rate_processor": rates[1],
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
    }
    print(json.dumps(found))


def clocks() -> np.ndarray:
    """Returns the seconds of the machine's clock, and of the processors since the start."""
    return np.array([time.monotonic(), time.process_time()])
