"""What a run computes on, in words."""

import re

import keras

from dlcv_plugins.devices import processes


def in_words(threads: int) -> str:
    """Returns what Keras computes on: `cpu (2 threads) with TensorFlow`.

    Args:
        threads: The number of threads of a CPU.
    """
    back_end = keras.backend.backend()
    names = {"tensorflow": _of_tensorflow, "jax": _of_jax}.get(back_end, lambda: ["its device"])()
    listed = names[0] if len(names) == 1 else f"{len(names)} devices, {', '.join(names)}"
    if all(re.match("cpu", name) for name in names):
        listed += f" ({threads} {'thread' if threads == 1 else 'threads'})"
    group = processes.joining()
    shares = "" if group is None else f"process {group.index + 1} of {group.count}, "
    return f"{shares}{listed} with {back_end}"


def _of_tensorflow() -> list[str]:
    import tensorflow as tf

    visible = tf.config.get_visible_devices("GPU")
    if not visible:
        return ["cpu"]
    index = tf.config.list_physical_devices("GPU").index(visible[0])
    kind = tf.config.experimental.get_device_details(visible[0]).get("device_name", "")
    return [f"gpu:{index}" + (f" ({kind})" if kind else "")]


def _of_jax() -> list[str]:
    import jax

    distribution = keras.distribution.distribution()
    shared = [] if distribution is None else list(distribution.device_mesh.devices.flat)
    own = [d for d in shared if d.process_index == jax.process_index()] or jax.local_devices()[:1]
    return [
        f"{d.platform}:{d.local_hardware_id}"
        + (f" ({d.device_kind})" if d.platform != "cpu" else "")
        for d in own
    ]
