"""A real server of objects on this machine, and places for stores."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator

import pytest

from imfuse_tiles.storage.files import Files
from imfuse_tiles.storage.open_files import files_of


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The URL of a bucket that an S3 server on 127.0.0.1 serves, also to programs started by tests."""
    import fsspec
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "of-the-test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3").mkdir("stacks")
        yield "s3://stacks"
    server.stop()


@pytest.fixture
def url(bucket: str) -> str:
    """A place of its own in the bucket."""
    return f"{bucket}/{uuid.uuid4().hex}"


@pytest.fixture(params=["folder", "memory", "s3"])
def root(request: pytest.FixtureRequest) -> str:
    """A new place for a store: a folder, this process's memory behind a URL, a bucket."""
    if request.param == "folder":
        return os.fspath(request.getfixturevalue("tmp_path") / "store")
    return f"memory://{uuid.uuid4().hex}" if request.param == "memory" else str(request.getfixturevalue("url"))


@pytest.fixture
def files(root: str) -> Files:
    return files_of(root)
