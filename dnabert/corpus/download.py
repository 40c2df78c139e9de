"""Downloads that go on where they broke off, over HTTP."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from dnabert.errors import UserError
from dnabert.progress import on_a_terminal

if TYPE_CHECKING:
    import requests

#: Bytes written at a time: what a broken connection can lose.
_BLOCK = 1 << 16
#: Answers after which asking again can help: timeout, too early, too many requests (RFC 9110, 8470, 6585).
_PASSING = (408, 425, 429)
_GONE = (404, 410)


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for."""

    timeout: float = 60.0
    """Seconds without a byte after which a connection counts as broken."""
    retries: int = 6
    """Attempts after the first one that may follow each other without a new byte."""
    wait: float = 1.0
    """Seconds before the second attempt; doubled for each one after it: 63 s in all with 6."""


class NotThereError(Exception):
    """The server says that there is no such file."""


class _PassingError(Exception):
    """A fault that may be gone at the next attempt."""


class Server:
    """Files over HTTP, each attempt of which may break off, stall or fail.

    pooch checks and keeps what is downloaded but begins anew each time; a genome is 800 MB.

    Parameters
    ----------
    patience : how long to wait and how often to try again.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        import requests

        self._patience = patience or Patience()
        self._session = requests.Session()
        # what counts is the file's bytes, not those of an encoding laid over them
        self._session.headers["Accept-Encoding"] = "identity"

    def text(self, url: str) -> str:
        """A small text file.

        Raises
        ------
        NotThereError
            when there is none.
        UserError
            when the server cannot be reached or refuses.
        """
        for attempt in self._attempts(url):
            with attempt, self._get(url) as response:
                return str(response.content.decode("utf-8", "replace"))
        raise AssertionError("the last attempt raises")

    def save(self, url: str, part: Path) -> None:
        """Download into `part`, and go on with what it holds already if the server still has the same file.

        The server's validator (RFC 9110: ETag, else Last-Modified) is kept beside it, as ``.validator``.

        Raises
        ------
        NotThereError
            when there is no such file.
        UserError
            when the server cannot be reached, refuses, or sends nothing new any more; when the disk is full or the
            folder cannot be written. What has come stays in `part`.
        """
        for attempt in self._attempts(url, part=part):
            with attempt:
                try:
                    self._go_on(url, part)
                except OSError as error:
                    if _is_of_the_network(error):
                        raise
                    raise UserError(
                        f"cannot write {part.parent}: {error.strerror or error}: free space or choose another --cache"
                    ) from None
                _validator(part).unlink(missing_ok=True)
                return

    def _attempts(self, url: str, *, part: Path | None = None) -> Iterator[_Attempt]:
        """Attempts until one of them ends well; without a new byte no more than `retries` after each other."""
        failures, most = 0, 0 if part is None else _size(part)
        while True:
            attempt = _Attempt()
            yield attempt
            if part is not None and _size(part) > most:
                failures, most = 0, _size(part)
            failures += 1
            if failures > self._patience.retries:
                raise UserError(
                    f"{url}: {attempt.fault}, {failures} times in a row: try again later (what has come is kept), "
                    "or name a mirror with --base-url"
                )
            time.sleep(self._patience.wait * 2 ** (failures - 1))

    def _get(self, url: str, **headers: str) -> requests.Response:
        timeout = self._patience.timeout
        response = self._session.get(url, headers=headers, stream=True, timeout=timeout)
        status = response.status_code
        if status < 400 or status == 416:  # 416: the range is not there, which the caller mends
            return response
        response.close()
        if status in _GONE:
            raise NotThereError(url)
        if status in _PASSING or status >= 500:
            raise _PassingError(f"the server answers {status} {response.reason}")
        raise UserError(f"{url}: the server answers {status} {response.reason}: name a mirror with --base-url")

    def _go_on(self, url: str, part: Path) -> None:
        have, validator = _size(part), _validator(part)
        known = validator.read_text() if have and validator.is_file() else ""
        wanted = {"Range": f"bytes={have}-", "If-Range": known} if known else {}
        with self._get(url, **wanted) as response:
            sent = re.match(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
            resumed = response.status_code == 206 and sent is not None and int(sent[1]) == have
            if response.status_code == 416 and response.headers.get("Content-Range") == f"bytes */{have}":
                return  # it was whole already
            if response.status_code in (206, 416) and not resumed:
                part.unlink(missing_ok=True)
                raise _PassingError(f"the server does not give the rest from byte {have:,}")
            total = _whole_size(response, rest=sent[2] if resumed and sent else None)
            begun = have if resumed else 0
            if total is not None:
                _check_space(part, needed=total - begun, url=url)
            validator.write_text(_validator_of(response))
            bar = tqdm(
                total=total, initial=begun, unit="B", unit_scale=True, desc=url.rsplit("/", 1)[-1], **on_a_terminal()
            )
            with open(part, "ab" if resumed else "wb") as file, bar:
                for block in response.raw.stream(_BLOCK, decode_content=False):
                    file.write(block)
                    bar.update(len(block))
        if total is not None and _size(part) != total:
            raise _PassingError(f"the connection broke off at {_size(part):,} of {total:,} bytes")


class _Attempt:
    """One attempt: a passing fault of the network is noted, so that another attempt can follow; all else goes on."""

    fault = ""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: object) -> bool:
        if isinstance(value, _PassingError):
            self.fault = str(value)
            return True
        if isinstance(value, Exception) and _is_of_the_network(value):
            _refuse_if_unreachable(value)
            self.fault = _reason(value)
            return True
        return False


def _is_of_the_network(error: BaseException) -> bool:
    import requests
    import urllib3

    return isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError))


def _refuse_if_unreachable(error: Exception) -> None:
    """Raise for what another attempt does not mend: no network, no such host, nobody who answers, a bad address."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

    if isinstance(error, (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema, ValueError)):
        raise UserError(f"{error}: --base-url takes a URL that begins with http:// or https://") from None
    cause = getattr(error.args[0], "reason", None) if error.args else None
    unreachable = isinstance(cause, (NewConnectionError, ConnectTimeoutError, ProxyError))
    if unreachable or isinstance(error, requests.exceptions.SSLError):
        request = getattr(error, "request", None)
        where = "the server" if request is None else request.url
        raise UserError(
            f"cannot reach {where} ({_reason(error)}): check the network, or name a mirror with --base-url"
        ) from None


def _reason(error: Exception) -> str:
    """The last and plainest words of an error that wraps others."""
    text = str(error)
    system = re.findall(r"\[Errno -?\d+\] ([^'\"()<>]+)", text)
    if system:
        return str(system[-1]).strip()
    if "timed out" in text.lower():
        return "the connection stalled (see --timeout)"
    return type(error).__name__ if len(text) > 200 else " ".join(text.split())


def _whole_size(response: Any, *, rest: str | None) -> int | None:
    size = rest if rest is not None else response.headers.get("Content-Length")
    return int(size) if size is not None and size.isdecimal() else None


def _check_space(part: Path, *, needed: int, url: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise UserError(
            f"{url} needs {needed / 1e9:.2f} GB, {part.parent} has {free / 1e9:.2f} GB free: "
            "free space or choose another --cache"
        )


def _validator_of(response: Any) -> str:
    """A word that changes with the file; empty where there is none to trust: then nothing is resumed."""
    tag = str(response.headers.get("ETag", ""))
    strong = tag if not tag.startswith("W/") else ""
    return strong or str(response.headers.get("Last-Modified", ""))


def _validator(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
