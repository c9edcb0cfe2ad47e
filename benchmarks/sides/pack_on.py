"""Packs a folder in 8 shards, here or on a Ray cluster; prints seconds of packing and of starting.

Takes the folder, what to write, the number of threads, that of the cluster's processors (with 0
everything is done in this process), and after how many seconds a worker is killed, 0 for never.
"""

import json
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import cv2  # noqa: F401
import sklearn.model_selection  # noqa: F401

import dlcv
from dlcv.config import SplitConfig
from dlcv_plugins.commands.data.pack.pack import pack

SHARDS = 8
SOURCE, TARGET, THREADS, WORKERS, SECONDS = sys.argv[1:]


def main() -> None:
    start = time.perf_counter()
    with ExitStack() as stack:
        if int(WORKERS):
            import ray

            ray.init(num_cpus=int(WORKERS), include_dashboard=False, log_to_driver=False)
            stack.enter_context(dlcv.on("ray"))
        begun = time.perf_counter()
        if float(SECONDS):
            threading.Timer(float(SECONDS), kill_a_worker).start()
        # Whether regions of one photo stay together is no part of packing.
        split = SplitConfig(groups="none")
        pack(
            SOURCE, Path(TARGET), preprocessors="aspect_aware(size=224)", split=split,
            shards=SHARDS, threads=int(THREADS),
        )  # fmt: skip
        end = time.perf_counter()
    print(json.dumps([end - begun, begun - start]))


def kill_a_worker() -> None:
    """Kills a process of Ray that does a part."""
    import psutil

    for process in psutil.process_iter(["name"]):
        name = process.info["name"] or ""
        if name.startswith("ray::") and "IDLE" not in name and "Agent" not in name:
            process.kill()
            return
    raise RuntimeError("no worker does anything")


if __name__ == "__main__":
    main()
