"""The server behind the URL of a store (s3, gs, abfs, memory, ...), opened by fsspec, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imfuse_tiles.errors import ImfuseError, Incomplete, Refusal

#: Settings of a kind of server. For s3: no question for an object's size before it is read, nothing remembered.
OPTIONS: dict[str, dict[str, Any]] = {"s3": {"max_concurrency": 1, "use_listings_cache": False}}
#: For a first look: a server answers soon, or it is not there. Later it is asked again for about ten seconds.
QUICK_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 2, "read_timeout": 5, "retries": {"max_attempts": 0}}}
}


class ServerError(Incomplete):
    """A server that does not answer or does not allow what is asked."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; finished blocks are kept and the same command goes on")
        self.problem = problem

    def __reduce__(self) -> tuple[type[Any], tuple[str, ...]]:
        return ServerError, (self.problem,)


class LockLost(ServerError):
    """Another run has taken over the lock of a store: this one was away for too long."""

    def __init__(self, root: str, holder: str) -> None:
        self.root, self.holder = root, holder
        super().__init__(f"the store {root} was taken over by {holder} while this run did not answer")

    def __reduce__(self) -> tuple[type[Any], tuple[str, ...]]:
        return LockLost, (self.root, self.holder)


def open_file_system(root: str, options: dict[str, dict[str, Any]] | None = None) -> tuple[Any, str]:
    """The file system of a URL and the path in it; Refusal when its library is not there.

    ``options``: more settings for each kind of server.
    """
    kind = root.partition("://")[0]
    try:
        from fsspec.core import url_to_fs

        system, base = url_to_fs(root, **OPTIONS.get(kind, {}), **(options or {}).get(kind, {}))
    except ImportError as error:
        reason = str(error).split("\n")[0]
        raise Refusal(f"--store {root}: {reason}; pip install 'imfuse-tiles[s3]' has what s3:// needs") from None
    except ValueError as error:
        raise Refusal(f"--store {root}: {error}") from None
    return system, str(base).rstrip("/")


@contextmanager
def translate_server_errors(root: str) -> Iterator[None]:
    """ServerError instead of whatever a server or its library says that is not about one object."""
    try:
        yield
    except (ImfuseError, FileNotFoundError, FileExistsError):
        raise
    except Exception as error:  # every kind of server has its own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ServerError(f"the store {root}: {reason}") from error
