"""Work on a Ray cluster: the same results, whatever happens to the machines meanwhile."""

import functools
import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import forked
import numpy as np
import pytest
import ray
from conftest import write_photos
from ray.cluster_utils import Cluster

import dlcv
from dlcv import DlcvError
from dlcv.api import SplitConfig
from dlcv.testing import checks_for
from dlcv_plugins.commands.data.check import checkup
from dlcv_plugins.commands.data.pack.pack import pack
from dlcv_plugins.executors.ray import arrival, connecting, mapping
from dlcv_plugins.executors.ray.connecting import connect
from dlcv_plugins.executors.ray.mapping import Job
from dlcv_plugins.executors.ray.ray import Ray
from dlcv_plugins.kinds.executor import Needs

# Workers can't import the tests.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
MEMORY = 80_000_000
"""Bytes, the least that Ray takes."""
DOOMED = "doomed"
"""The file with the id of the machine that a test kills."""
GROUP = {"COORDINATOR_ADDRESS": "one:1", "NUM_PROCESSES": "2", "PROCESS_ID": "0"}
QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500,
         "health_check_failure_threshold": 2}  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two machines of one processor each, to which this process is connected."""
    made = Cluster()
    made.add_node(num_cpus=1, object_store_memory=MEMORY, _system_config=QUICK)
    made.add_node(num_cpus=1, object_store_memory=MEMORY)
    connect(made.address)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.slow
def test_it_does_what_all_executors_do(cluster: Cluster) -> None:
    for check in checks_for(Ray):
        check(Ray())


def test_packed_shards_are_the_same(cluster: Cluster, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", ("blue", "green", "red"), 10, None)

    def packed(name: str, encode: str) -> dict[str, bytes]:
        steps = "aspect_aware(size=16)" if encode == "raw" else ""
        out = tmp_path / f"{name}-{encode}"
        pack(str(photos), out, preprocessors=steps, split=SplitConfig(), shards=3, encode=encode)
        return {path.name: path.read_bytes() for path in out.glob("*.hdf5")}

    for encode in ("raw", "jpeg"):
        local = packed("local", encode)
        with dlcv.on("ray"):
            assert packed("ray", encode) == local
        assert "train-00002-of-00003.hdf5" in local


def test_a_bad_image_is_named_as_ever(cluster: Cluster, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", ("blue", "green"), 10, None)
    (photos / "green" / "000.png").write_bytes(b"no image")
    steps, split = "aspect_aware(size=8)", SplitConfig(groups="none")
    with dlcv.on("ray"), pytest.raises(DlcvError) as raised:
        pack(str(photos), tmp_path / "out", preprocessors=steps, split=split, shards=2)
    assert str(raised.value).startswith(f"{photos}/green/000.png: ")
    assert str(raised.value).endswith("leave such images out with --bad-images skip")


def test_packing_elsewhere_needs_shards(cluster: Cluster, tmp_path: Path) -> None:
    with dlcv.on("ray"), pytest.raises(DlcvError, match="name how many: --shards 16"):
        pack(str(tmp_path), tmp_path / "out", preprocessors="", split=SplitConfig())


@pytest.mark.slow
def test_checks_find_the_same(cluster: Cluster, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", ("blue", "green"), 20, None)
    (photos / "green" / "000.png").write_bytes((photos / "blue" / "001.png").read_bytes())
    local = checkup.as_json(checkup.check_data(str(photos)))
    with dlcv.on("ray"):
        assert checkup.as_json(checkup.check_data(str(photos))) == local
    assert local["numbers"]["error"] > 0


def test_what_a_killed_machine_did_is_done_again(cluster: Cluster, tmp_path: Path) -> None:
    machine = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    (tmp_path / DOOMED).write_text(machine.node_id)
    reported: list[int] = []

    def report(count: int) -> None:
        reported.append(count)
        if machine in cluster.worker_nodes and [*tmp_path.glob(f"{machine.node_id}-*")]:
            cluster.remove_node(machine, allow_graceful=False)

    results = Ray().map(slowly, [tmp_path] * 9, at_once=1, needs=Needs(), report=report)
    assert list(results) == [3] * 9
    assert sum(reported) == 27
    assert machine not in cluster.worker_nodes
    # What was begun on it was begun once more.
    assert len([*tmp_path.glob("*-*")]) > 9


def slowly(folder: Path, report: Callable[[int], None]) -> int:
    """Takes most of a second, and leaves a file each time.

    A machine that is to be killed does not come to its end, and others wait until it has begun.
    """
    machine = ray.get_runtime_context().get_node_id()
    (folder / f"{machine}-{time.monotonic_ns()}").touch()
    if (folder / DOOMED).exists():
        doomed, end = (folder / DOOMED).read_text(), time.monotonic() + 60
        while time.monotonic() < end and (machine == doomed or not [*folder.glob(f"{doomed}-*")]):
            time.sleep(0.1)
    for _ in range(3):
        time.sleep(0.3)
        report(1)
    return 3


@pytest.mark.slow
def test_a_worker_that_crashes_is_replaced(cluster: Cluster, tmp_path: Path) -> None:
    found = Ray().map(crashing_once, [tmp_path], at_once=1, needs=Needs(), report=lambda n: None)
    assert list(found) == ["done"]


def crashing_once(folder: Path, report: Callable[[int], None]) -> str:
    """Ends its process the first time."""
    if (folder / "crashed").exists():
        return "done"
    (folder / "crashed").touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


@pytest.mark.slow
def test_a_part_that_crashes_each_time_is_an_error(cluster: Cluster) -> None:
    found = Ray().map(crashing, [0], at_once=1, needs=Needs(), report=lambda n: None)
    with pytest.raises(DlcvError, match="part 1 was lost 4 times on Ray: "):
        list(found)


def crashing(part: int, report: Callable[[int], None]) -> None:
    """Ends its process."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_ctrl_c_stops_all_parts(cluster: Cluster, tmp_path: Path) -> None:
    def stop(count: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        list(Ray().map(waiting, [tmp_path] * 2, at_once=1, needs=Needs(), report=stop))
    assert [path.read_text() for path in tmp_path.iterdir()]
    assert {path.read_text() for path in tmp_path.iterdir()} == {"stopped"}


def waiting(folder: Path, report: Callable[[int], None]) -> None:
    """Waits for ctrl+c, and leaves a file that tells."""
    report(1)
    path = folder / str(os.getpid())
    path.write_text("begun")
    try:
        for _ in range(100):
            time.sleep(0.1)
    except KeyboardInterrupt:
        path.write_text("stopped")
        raise


@pytest.mark.slow
def test_other_versions_are_refused_with_their_names(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    information = tmp_path / "numpy-0.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    other = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    monkeypatch.delenv("PYTHONPATH")
    try:
        folder = tmp_path / "done"
        folder.mkdir()
        found = Ray().map(slowly, [folder] * 6, at_once=1, needs=Needs(), report=lambda n: None)
        with pytest.raises(DlcvError) as raised:
            list(found)
    finally:
        cluster.remove_node(other, allow_graceful=False)
    expected = f"has numpy 0.1, and here is numpy {np.__version__}; install the same on both"
    assert str(raised.value) == f"the worker on {socket.gethostname()} {expected}"


def test_work_that_can_not_be_sent_is_one_line(cluster: Cluster) -> None:
    found = Ray().map(
        functools.partial(slowly, threading.Lock()), [0], at_once=1, needs=Needs(), report=print
    )
    with pytest.raises(
        DlcvError, match=r"can't be sent to Ray's workers: cannot pickle '_thread.lock'"
    ):
        list(found)


def test_gpus_that_no_machine_has_are_named(cluster: Cluster) -> None:
    results = Ray(gpus=2).map(
        waiting, [Path()], at_once=1, needs=Needs(has_network=True), report=lambda n: None
    )
    with pytest.raises(DlcvError) as raised:
        next(iter(results))
    assert str(raised.value).startswith(
        "ray(gpus=2): no machine of the cluster has a processor and so many GPUs; processors and "
        "GPUs of each: 1 and 0, 1 and 0"
    )
    with pytest.raises(DlcvError, match=r"^ray: gpus: above 1 must be whole, received 1\.5$"):
        Ray(gpus=1.5).running().__enter__()


def test_parts_fit_a_machine_that_has_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    machines = [{"CPU": 64.0}, {"CPU": 8.0, "GPU": 2.0}, {"CPU": 32.0, "GPU": 1.0}]
    nodes = [{"Alive": True, "Resources": machine} for machine in machines]
    monkeypatch.setattr(mapping.ray, "nodes", lambda: nodes)
    assert [mapping._processors_beside(gpus) for gpus in (0, 0.5, 1, 2)] == [64, 32, 32, 8]


def test_parts_that_share_a_gpu_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "false")
    job = Job(len, Needs(), 0.5, lambda n: None)
    tasks = [pickle.loads(job._task(gpus)).variables for gpus in (0.5, 1)]
    assert tasks[0]["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.450"
    assert tasks[0]["TF_FORCE_GPU_ALLOW_GROWTH"] == "false"  # A person's own choice stays.
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in tasks[1]


def test_a_folder_that_workers_do_not_see_is_named(tmp_path: Path) -> None:
    refusal, result = arrival.do_part({}, str(tmp_path / "none"), [None], b"", None)
    assert refusal.endswith(
        f"has no folder {tmp_path}/none; all machines must see the same folders"
    )
    assert result is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray://127.0.0.1:1", "no Ray cluster answers at ray://127.0.0.1:1: "),
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1: "),
        ("somewhere", "somewhere: expected HOST:PORT or ray://HOST:PORT"),
    ],
)
def test_addresses_where_no_cluster_is_are_refused(address: str, message: str) -> None:
    with pytest.raises(DlcvError) as raised:
        connect(address)
    assert str(raised.value).startswith(message)


def test_the_address_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(DlcvError, match=r"no Ray cluster answers at RAY_ADDRESS=127\.0\.0\.1:1: "):
        connect(None)


def test_the_token_of_an_own_cluster_is_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(connecting.services, "canonicalize_bootstrap_address", lambda name: None)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "own")
        connecting._keep_token_in_memory()
        assert os.environ[name] == "own"
        monkeypatch.delenv(name)
    connecting._keep_token_in_memory()
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64


def test_one_of_several_processes_hands_out_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GROUP.items():
        monkeypatch.setenv(f"JAX_{name}", value)
    with dlcv.on("local"):
        pass
    with pytest.raises(DlcvError, match=r"^--on hands out the work of one process, and JAX_COORD"):
        dlcv.on("ray").__enter__()


@pytest.mark.slow
def test_members_predictions_and_features_are_the_same(cluster: Cluster, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "data": str(write_photos(tmp_path / "photos", ("blue", "green"), 8, (16, 16))),
        "architecture": "shallownet(width=0.1)", "preprocessors": "scale", "batch_size": 4,
        "epochs": 2, "threads": 1,
    }  # fmt: skip
    # In a process of its own, as the workers are: what computed here before may use other threads.
    trained = forked.dlcv(
        "run", "--data", options["data"], "--arch", options["architecture"], "--preproc", "scale",
        "--batch-size", "4", "--epochs", "2", "--threads", "1", "--members", "2", "--name", "local",
        folder=tmp_path, has_pictures=False,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    local = dlcv.load(tmp_path / "runs" / "local")
    with dlcv.on("ray"):
        elsewhere = dlcv.run(**options, members=2, runs=tmp_path / "ray")
        predicted = local.predict_proba(tmp_path / "photos")
        features = dlcv.extract(local.members[0].path, tmp_path / "features", **_data(options))
    for one, other in zip(local.members, elsewhere.members, strict=True):
        for first, second in zip(one.model.weights, other.model.weights, strict=True):
            assert np.array_equal(first, second)
    assert elsewhere.metrics == local.metrics
    assert np.array_equal(predicted, local.predict_proba(tmp_path / "photos"))
    expected = dlcv.extract(local.members[0].path, tmp_path / "expected", **_data(options))
    for name, split in expected.splits.items():
        assert np.array_equal(split.values, features.splits[name].values)


def _data(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("data", "preprocessors", "batch_size", "threads")}


@pytest.mark.slow
def test_trials_of_a_search_are_trained_side_by_side(cluster: Cluster, tmp_path: Path) -> None:
    data = write_photos(tmp_path / "photos", ("blue", "green"), 8, (16, 16))
    with dlcv.on("ray"):
        found = dlcv.search(
            data=str(data), architecture="shallownet(width=0.1)", preprocessors="scale",
            batch_size=4, epochs=1, threads=1, vary=["learning_rate=log(1e-4, 1e-1)"], trials=3,
            pruner="nop", out=tmp_path / "search",
        )  # fmt: skip
    assert [len(found.complete), found.others] == [3, 0]
    assert found.best is not None
    assert found.best.finished
