"""Files in object storage, read by blocks that are kept on disk as far as there is room."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dlcv.errors import DlcvError, printable
from dlcv_plugins import user_cache
from dlcv_plugins.stores.remote_cache import cache_in

BLOCK = 4_000_000
"""Bytes that are fetched at once and kept."""
CREDENTIALS = ("credential", "Credential", "AccessKeyId", "SignatureDoesNotMatch")
"""What errors say where credentials are missing or wrong."""
LONGEST_REASON = 200


class Storage:
    """A folder in object storage, through fsspec, with a cache on disk that is bounded.

    Rows are read in a new order in each epoch, so that what was read last is no likelier to be read
    next: blocks are kept until the cache is full, and what does not fit is read in just the length
    that is needed.
    """

    def __init__(self, address: str, cache_bytes: int) -> None:
        """Connects to an address.

        Args:
            address: Such as `s3://bucket/folder`.
            cache_bytes: The size of the cache, of all addresses together.

        Raises:
            DlcvError: fsspec or what it needs for the address is not installed.
        """
        self.address = address.rstrip("/")
        self._protocol = address.partition("://")[0]
        self._cache_bytes = cache_bytes
        self._cache = cache_in(user_cache.folder() / "remote")
        try:
            import fsspec

            self._system, self._root = fsspec.core.url_to_fs(self.address)
        except ImportError as error:
            extra = "pip install 'dlcv[s3]'" if self._protocol == "s3" else str(error)
            raise DlcvError(f"reading {address} needs a package: {extra}") from None
        except ValueError as error:
            raise DlcvError(f"{address} can't be read: {error}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        """Connects again in the process that it is sent to."""
        return Storage, (self.address, self._cache_bytes)

    def files(self) -> "dict[str, RemoteFile]":
        """Returns the files at the address by name below it, or by its own name if it is one.

        Raises:
            DlcvError: there are none, or they can't be listed.
        """
        with self._reading(self.address):
            self._system.invalidate_cache()
            found = self._system.find(self._root, detail=True)
        if not found:
            raise DlcvError(f"{self.address}: there is no such object, and none in a folder of it")
        made = {}
        for path, details in found.items():
            name = path.removeprefix(self._root).lstrip("/") or path.rpartition("/")[2]
            version = details.get("ETag") or details.get("etag") or details.get("mtime") or ""
            address = f"{self._protocol}://{path.lstrip('/')}"
            made[name] = RemoteFile(
                address, int(details["size"]), f"{address} {details['size']} {version}", self, path
            )
        wanted = {file.identity: file.size for file in made.values()}
        self._cache.make_room(wanted, self._cache_bytes)
        return made

    def fetch(self, path: str, name: str, start: int, end: int) -> bytes:
        """Reads a range of a file.

        Raises:
            DlcvError: it can't be read, or is shorter than it was.
        """
        with self._reading(name):
            content: bytes = self._system.cat_file(path, start=start, end=end)
        if len(content) != end - start:
            raise DlcvError(f"{name} changed while it was in use: it is shorter than before")
        return content

    def part(
        self, identity: str, number: int, size: int, part: slice, fetch: Callable[[], bytes]
    ) -> bytes | None:
        """Returns a part of a block by way of the cache, as `Cache.part` does."""
        return self._cache.part(identity, number, size, part, fetch=fetch, most=self._cache_bytes)

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Turns what fsspec and its packages raise into one line."""
        try:
            yield
        except FileNotFoundError:
            raise DlcvError(f"{name}: there is no such bucket or object") from None
        except Exception as error:
            # Each package raises exceptions of its own.
            reason = printable(str(error) or type(error).__name__)[:LONGEST_REASON]
            if any(word in f"{type(error).__name__} {reason}" for word in CREDENTIALS):
                raise DlcvError(
                    f"{name} can't be read: credentials are missing or refused; for s3, set "
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
                ) from None
            raise DlcvError(f"{name} can't be read: {reason}") from None


class RemoteFile:
    """A file in object storage."""

    def __init__(self, name: str, size: int, identity: str, storage: Storage, path: str) -> None:
        """Names a file that a storage has listed."""
        self.name = name
        self.size = size
        self.identity = identity
        self._storage = storage
        self._path = path

    def read_at(self, position: int, length: int) -> bytes:
        """Reads from the cache, or fetches."""
        end = min(position + length, self.size)
        if position >= end:
            return b""
        parts, at = [], position
        for number in range(position // BLOCK, (end - 1) // BLOCK + 1):
            start, stop = number * BLOCK, min((number + 1) * BLOCK, self.size)
            first, last = max(start, position), min(stop, end)
            part = self._storage.part(
                self.identity,
                number,
                stop - start,
                slice(first - start, last - start),
                functools.partial(self._fetch, start, stop),
            )
            if part is None:
                continue
            if at < first:
                parts.append(self._fetch(at, first))
            parts.append(part)
            at = last
        if at < end:
            parts.append(self._fetch(at, end))
        return b"".join(parts)

    def read(self) -> bytes:
        """Returns the whole content, which is not kept."""
        return self._fetch(0, self.size) if self.size else b""

    def _fetch(self, start: int, stop: int) -> bytes:
        return self._storage.fetch(self._path, self.name, start, stop)
