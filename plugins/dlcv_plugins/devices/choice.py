"""Choosing what Keras's back end computes on, before it computes anything."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from dlcv.errors import DlcvError, count
from dlcv_plugins.devices import processes
from dlcv_plugins.devices.options import DEVICE, DEVICES

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
GPUS = Path("/proc/driver/nvidia/gpus")
"""Has a folder for each GPU of the machine, where there are any."""
_made: "tuple[Choice, processes.Group | None] | None" = None


@attrs.frozen
class Choice:
    """What a person asks to compute on.

    Attributes:
        kind: `cpu` or `gpu`; None for what the back end prefers.
        index: Which GPU, from 0; None for the first ones.
        count: How many devices of each process share a batch.
    """

    kind: str | None = None
    index: int | None = None
    count: int = 1

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Choice":
        """Reads the environment variables that stand for `--device` and `--devices`.

        Raises:
            DlcvError: a value is wrong, or the two contradict each other.
        """
        device, devices = variables.get(DEVICE, ""), variables.get(DEVICES, "1")
        named = re.fullmatch(r"(cpu|gpu)(?::(\d{1,4}))?|", device)
        if named is None or named[0].startswith("cpu:"):
            raise DlcvError(f'--device: expected cpu, gpu or gpu:1, received "{device}"')
        if not re.fullmatch(r"[1-9]\d{0,4}", devices):
            raise DlcvError(f'--devices: expected a number > 0, received "{devices}"')
        index = None if named[2] is None else int(named[2])
        if index is not None and int(devices) > 1:
            raise DlcvError(f"--device {device} is one device; write gpu for {devices} of them")
        return cls(named[1], index, int(devices))


def choose(back_end: str) -> None:
    """Makes a back end compute on what is asked for; a second call changes nothing.

    Raises:
        DlcvError: there is no such device, or another one was chosen in this process.
    """
    global _made
    choice, group = Choice.read(os.environ), processes.joining()
    if _made is not None and _made != (choice, group):
        raise DlcvError(
            f"{NAMES.get(back_end, back_end)} computes already in this process, and its devices "
            "can't be changed any more; start a new process"
        )
    if _made is None:
        _choose(back_end, choice, group)
    _made = choice, group


def _choose(back_end: str, choice: Choice, group: processes.Group | None) -> None:
    if back_end == "jax":
        _choose_jax(choice, group)
    elif choice.count > 1 or group is not None:
        asked = f"--devices {choice.count}" if choice.count > 1 else "several processes"
        raise DlcvError(
            f"{asked}: {NAMES.get(back_end, back_end)} trains on one device here; use JAX: "
            "pip install 'dlcv[jax]', and KERAS_BACKEND=jax before the command"
        )
    elif back_end == "tensorflow":
        _choose_tensorflow(choice)
    elif choice != Choice():
        raise DlcvError(f"--device works with TensorFlow and JAX, not with {back_end}")


def _choose_tensorflow(choice: Choice) -> None:
    if choice.kind is None:
        return
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    index = choice.index or 0
    if choice.kind == "gpu" and index >= len(gpus):
        raise _missing(choice, "TensorFlow", [f"gpu:{number}" for number in range(len(gpus))])
    try:
        tf.config.set_visible_devices(gpus[index : index + 1] * (choice.kind == "gpu"), "GPU")
    except RuntimeError:
        raise DlcvError(
            "TensorFlow computes already in this process, and its devices can't be changed any "
            "more; start a new process"
        ) from None


def _choose_jax(choice: Choice, group: processes.Group | None) -> None:
    import jax

    if choice.kind == "cpu":
        jax.config.update("jax_platforms", "cpu")
    if choice.index is not None:
        # JAX would take memory of all that it sees.
        jax.config.update("jax_cuda_visible_devices", str(choice.index))
    if group is not None:
        try:
            group.join()
        except RuntimeError as error:
            _refuse_missing_gpu(error, group)
            raise
    try:
        found = jax.local_devices()
    except RuntimeError:
        found = []
    if choice.kind is not None:
        found = [device for device in found if device.platform == choice.kind]
    if len(found) < choice.count:
        raise _missing(choice, "JAX", [f"{d.platform}:{d.local_hardware_id}" for d in found])
    if choice.count > 1 or group is not None:
        from dlcv_plugins.devices.sharing import share_batches

        share_batches(_first_of_each_process(choice.count))


def _refuse_missing_gpu(error: RuntimeError, group: processes.Group) -> None:
    """Raises a `DlcvError` if processes do not meet because one is to have a GPU that is missing.

    Args:
        error: What JAX raised.
        group: The processes.
    """
    own = os.environ.get(processes.LOCAL_DEVICES)
    if own is not None and "initialize backend" in str(error):
        there = count(len(list(GPUS.glob("*"))), "GPU")
        raise DlcvError(
            f"process {group.index + 1} of {group.count} is to compute on GPU {own}, counted from "
            f"0, and this machine has {there}; start no more processes with dlcv launch -n than "
            "there are GPUs, or add --device cpu"
        ) from error


def _first_of_each_process(count: int) -> list[Any]:
    """Returns the first devices of every process, in the order of the processes."""
    import jax

    kept: dict[int, list[Any]] = {}
    for device in jax.devices():
        kept.setdefault(device.process_index, []).append(device)
    return [device for _, own in sorted(kept.items()) for device in own[:count]]


def _missing(choice: Choice, name: str, found: list[str]) -> DlcvError:
    """Returns what to say where there are not the devices that are asked for."""
    there = f"only {', '.join(found)}" if found else f"no {choice.kind or 'device'}"
    if choice.count > 1:
        of_kind = f" --device {choice.kind}" if choice.kind else ""
        return DlcvError(f"--devices {choice.count}{of_kind}: {name} finds {there} here")
    number = "" if choice.index is None else f":{choice.index}"
    return DlcvError(f"--device {choice.kind}{number}: {name} finds {there} here")
