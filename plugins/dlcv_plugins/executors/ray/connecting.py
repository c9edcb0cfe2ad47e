"""Connecting to a Ray cluster."""

import logging
import os
import re
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray._private import services

from dlcv.api import backend
from dlcv.errors import DlcvError, reason_of

logger = logging.getLogger(__name__)
VARIABLE = "RAY_ADDRESS"
AUTHENTICATION, TOKEN, TOKEN_FILE = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
TOKEN_CURE = f"; where it asks for a token, set {AUTHENTICATION}=token"
SECONDS_TO_ANSWER = 5
PLACE = re.compile(r"(ray://)?(?P<host>[^/:]+|\[[^]]+\]):(?P<port>\d+)")


def connect(address: str | None) -> None:
    """Connects to the cluster at an address, or starts one of this machine where none is named.

    Raises:
        DlcvError: no cluster answers, or Ray refuses.
    """
    named = address or os.environ.get(VARIABLE, "")
    if named:
        _require_answer(named, f"{VARIABLE}={named}" if address is None else named)
    is_asked_for = logger.isEnabledFor(logging.DEBUG)
    settings: dict[str, Any] = {"log_to_driver": is_asked_for}
    if "://" not in named:
        settings |= {"logging_level": logging.INFO if is_asked_for else logging.ERROR}
    if not named:
        settings |= {"include_dashboard": False}
        _keep_token_in_memory()
    try:
        with _own_signals(), backend.captured_stderr():
            ray.init(address=address, **settings)
        # What it tells of retries would come among what a command prints, and no setting stops it.
        ray._private.worker._worker_logs_enabled = is_asked_for
    except Exception as error:
        ray.shutdown()
        where = f"the Ray cluster at {named}" if named else "Ray on this machine"
        cure = TOKEN_CURE if named and AUTHENTICATION not in os.environ else ""
        # Its server sends a traceback.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = f"{lines[0]} {lines[-1]}" if len(lines) > 1 else reason_of(error)
        raise DlcvError(f"{where} can't be used: {reason}{cure}") from error


def _keep_token_in_memory() -> None:
    """Gives Ray a token for a cluster that it starts; else it leaves one in the home folder."""
    is_running = services.canonicalize_bootstrap_address(None) is not None
    is_set = any(name in os.environ for name in (AUTHENTICATION, TOKEN, TOKEN_FILE))
    if not (is_running or is_set or Path("~/.ray/auth_token").expanduser().exists()):
        os.environ[TOKEN] = secrets.token_hex(32)


def _require_answer(address: str, shown: str) -> None:
    """Raises a `DlcvError` where nothing listens at an address: Ray waits for long."""
    if address in ("auto", "local"):
        return
    match = PLACE.fullmatch(address)
    if match is None:
        raise DlcvError(f"{shown}: expected HOST:PORT or ray://HOST:PORT")
    try:
        place = (match["host"].strip("[]"), int(match["port"]))
        socket.create_connection(place, SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DlcvError(
            f"no Ray cluster answers at {shown}: {reason.lower()}; `ray start --head` starts one"
        ) from None


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps how this process takes signals, which Ray changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
