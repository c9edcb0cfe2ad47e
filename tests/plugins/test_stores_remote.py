"""The store `remote`, through s3fs, against moto's server of S3."""

import pickle

import numpy as np
import pytest
from conftest import write_photos
from test_stores_parquet import write as write_parquet
from test_stores_webdataset import write as write_tar

from dlcv.config import SplitConfig
from dlcv.data.sources import find_store
from dlcv.errors import DlcvError
from dlcv_plugins.commands.data.pack.pack import pack
from dlcv_plugins.stores import remote_files
from dlcv_plugins.stores.remote import Remote


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of S3 with data sets, and the folder that they were uploaded from."""
    from moto.server import ThreadedMotoServer

    root = tmp_path_factory.mktemp("remote")
    photos = write_photos(root / "photos", ("ant", "bee", "cat"), 12)
    split = SplitConfig(groups=("none",))
    sets = root / "sets"
    for name, options in {
        "packed": {"preprocessors": "aspect_aware(size=16)", "shards": 3},
        "kept": {"preprocessors": "", "encode": "jpeg"},
    }.items():
        pack(str(photos), sets / name, split=split, threads=2, **options)
    write_parquet(sets / "hub" / "data" / "train-0.parquet", [0, 1, 2, 0, 1])
    for number in range(2):
        write_tar(sets / "tars" / f"train-{number}.tar", [1, 0, 2], first=10 * number)
    running = ThreadedMotoServer(port=0)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patched.setenv("AWS_ACCESS_KEY_ID", "id-of-a-test")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-a-test")
        patched.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        system = s3fs.S3FileSystem()
        system.mkdir("bucket")
        system.put(str(sets), "bucket/sets", recursive=True)
        yield sets, system
    running.stop()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remote_files, "BLOCK", 3000)
    return tmp_path / "cache" / "remote"


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("packed", 1),
        ("packed", 0),
        *((name, 0.00002) for name in ("packed", "kept", "hub", "tars")),
    ],
)
def test_what_is_far_is_read_as_what_is_near(server, cache, name, gigabytes):
    sets, _ = server
    near = find_store(str(sets / name))
    far = find_store(f"remote(address='s3://bucket/sets/{name}', cache_gigabytes={gigabytes})")
    assert far.splits() == near.splits()
    for split in near.splits():
        ours, theirs = far.open(split), near.open(split)
        assert ours.label_names == theirs.label_names
        assert ours.labels.tolist() == theirs.labels.tolist()
        order = np.random.default_rng(0).permutation(len(theirs))
        for image, expected in zip(ours.read(order), theirs.read(order), strict=True):
            assert (image == expected).all()
        assert ours.sample_id(0).startswith(f"s3://bucket/sets/{name}/")
    assert size(cache) <= gigabytes * 1e9


def test_an_address_is_recognised_and_fetched_once(server, cache, monkeypatch):
    store = find_store("s3://bucket/sets/packed")
    assert store == Remote(address="s3://bucket/sets/packed")
    images = store.open("train")
    first = images.read(range(25))
    ranges = []
    fetch = remote_files.Storage.fetch

    def counted(storage, path, *place):
        ranges.append(path)
        return fetch(storage, path, *place)

    monkeypatch.setattr(remote_files.Storage, "fetch", counted)
    assert (store.open("train").read(range(25)) == first).all()
    # The description alone is read anew.
    assert {path.rpartition("/")[2] for path in ranges} == {"dataset.toml"}


def test_another_data_set_makes_room(server, cache):
    gigabytes = 0.00004
    for name in ("packed", "kept"):
        images = Remote(address=f"s3://bucket/sets/{name}", cache_gigabytes=gigabytes).open("train")
        images.read(range(len(images)))
        assert 0 < size(cache) <= gigabytes * 1e9
    # A block that was cut off is fetched again.
    for path in cache.rglob("0*"):
        path.write_bytes(b"x")
    assert images.content(0) == images.content(0) != b"x"


def test_splits_share_the_bound_and_fingerprints_fetch_few_bytes(server, cache, monkeypatch):
    lengths = []
    fetch = remote_files.Storage.fetch

    def counted(storage, path, name, start, end):
        lengths.append(end - start)
        return fetch(storage, path, name, start, end)

    monkeypatch.setattr(remote_files.Storage, "fetch", counted)
    near = find_store(str(server[0] / "packed"))
    far = Remote(address="s3://bucket/sets/packed", cache_gigabytes=0.000012)
    opened = {split: far.open(split) for split in far.splits()}
    images, before = opened["val"], size(cache)
    lengths.clear()
    assert images.fingerprint() == near.open("val").fingerprint()
    assert lengths == [16 * 16 * 3] * len(images)
    assert size(cache) == before
    for images in opened.values():
        pickle.loads(pickle.dumps(images)).read(range(len(images)))
    assert 6000 < size(cache) <= 12000


def test_a_far_archive_is_indexed_by_few_requests(server, monkeypatch):
    monkeypatch.setattr(remote_files, "BLOCK", 4_000_000)
    asked = []
    fetch = remote_files.Storage.fetch
    monkeypatch.setattr(
        remote_files.Storage, "fetch", lambda *args: asked.append(args[2]) or fetch(*args)
    )
    Remote(address="s3://bucket/sets/tars", cache_gigabytes=0).open("train")
    assert len(asked) == len(server[1].ls("bucket/sets/tars")) == 2


class TestMistakes:
    def message(self, address):
        with pytest.raises(DlcvError) as caught:
            find_store(address).open("train")
        assert "\n" not in str(caught.value)
        assert "secret-of-a-test" not in str(caught.value)
        return str(caught.value)

    def test_no_such_object(self, server):
        for address in ("s3://bucket/nothing", "s3://no-bucket/x"):
            assert self.message(address).startswith(f"{address}: there is no such ")

    def test_a_part_that_is_missing_or_of_another_set(self, server):
        sets, system = server
        system.put(str(sets / "packed"), "bucket/broken", recursive=True)
        name = "train-00001-of-00003.hdf5"
        content = bytearray((sets / "packed" / name).read_bytes())
        content[-1000] ^= 1  # In a row of its first images.
        system.pipe(f"bucket/broken/{name}", bytes(content))
        assert f"{name} is damaged or of another data set: it does not begin" in self.message(
            "s3://bucket/broken"
        )
        system.pipe(f"bucket/broken/{name}", b"short")
        message = self.message("s3://bucket/broken")
        assert f"{name} is damaged or of another data set: it has 5 bytes, not the " in message
        system.rm(f"bucket/broken/{name}")
        assert "parts are missing (1 of 3; the first is number 1)" in self.message(
            "s3://bucket/broken"
        )

    def test_a_split_that_is_missing_and_a_damaged_description(self, server):
        sets, system = server
        system.put(str(sets / "packed"), "bucket/halved", recursive=True)
        system.rm("bucket/halved/test-00000-of-00001.hdf5")
        with pytest.raises(DlcvError, match=r"lacks test-00000-of-00001\.hdf5, recorded in"):
            Remote(address="s3://bucket/halved").splits()
        for text, expected in (
            ("files = 3", ""),
            ("[files]\n'train-00000-of-00003.hdf5' = 3", "has no sha256; pack the data set anew"),
            ("[files", "s3://bucket/halved/dataset.toml is damaged: "),
        ):
            system.pipe("bucket/halved/dataset.toml", text.encode())
            if expected:
                assert expected in self.message("s3://bucket/halved")
            else:
                assert Remote(address="s3://bucket/halved").splits() == ("train", "val")

    def test_credentials_are_named_and_not_printed(self, server, monkeypatch, tmp_path):
        import s3fs

        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        s3fs.S3FileSystem.clear_instance_cache()
        message = self.message("s3://bucket/sets/packed")
        assert "credentials are missing or refused; for s3, set AWS_ACCESS_KEY_ID" in message
        s3fs.S3FileSystem.clear_instance_cache()

    def test_a_folder_without_a_data_set(self, server):
        _, system = server
        system.pipe("bucket/notes/a.txt", b"text")
        assert "s3://bucket/notes holds no data set; name a folder" in self.message(
            "s3://bucket/notes"
        )
        assert "holds .hdf5 and .parquet and .tar files" in self.message("s3://bucket/sets")

    def test_a_package_that_is_missing(self):
        with pytest.raises(DlcvError, match=r"needs a package: .*adlfs"):
            find_store("abfs://container/x").splits()
