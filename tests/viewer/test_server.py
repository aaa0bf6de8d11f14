"""Nothing is answered without the token, to another host or origin, or at another address; hostile words stay words."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import fsspec
import pytest
from viewed_stores import fused_store
from viewer_servers import Served

from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.session import Shown, ViewSession

TESTED_MODULES = ["viewer.serving", "viewer.session", "viewer.run_state",
                  "viewer.pixel_values"]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.at(fused_store(tmp_path_factory.mktemp("seen")))


@pytest.fixture(scope="module")
def served(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(ViewSession([Shown(store)], tmp_path_factory.mktemp("tiles")))
    yield server
    server.end()


def test_the_page_and_its_files_are_sent_with_a_policy(served: Served) -> None:
    for name in ("", "page.js", "style.css", "openseadragon.min.js"):
        status, content, headers = served.get(f"/{served.token}/{name}")
        assert status == 200
        assert content
        assert "default-src 'none'; script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/page.js", "/{wrong}/", "/{wrong}/page.js", "/{wrong}/tile/x/0/0/0_0.jpg"])
def test_without_the_token_nothing_is_sent(served: Served, path: str) -> None:
    wrong = served.token[:-1] + ("a" if served.token[-1] != "a" else "b")
    assert served.get(path.format(wrong=wrong))[:2] == (403, b"not allowed")


@pytest.mark.parametrize("name", ["Host", "Origin"])
@pytest.mark.parametrize("value", ["evil.example", "127.0.0.1", "127.0.0.1:1", "null", "http://evil.example", ""])
def test_another_host_or_origin_gets_nothing(served: Served, name: str, value: str) -> None:
    for method, path, body in (("GET", "", None), ("POST", "ask/state", "{}")):
        with suppress(ConnectionResetError):  # closed before the question was read
            assert served.get(f"/{served.token}/{path}", method, body, **{name: value})[0] in (400, 403)


def test_the_page_itself_is_answered(served: Served) -> None:
    for host in (f"127.0.0.1:{served.port}", f"localhost:{served.port}"):
        assert served.get(f"/{served.token}/ask/state", "POST", "{}", Host=host, Origin=f"http://{host}")[0] == 200


OTHERS = ("../server.py", "%2e%2e/server.py", "server.py", "..%2fserver.py", "openseadragon-LICENSE.txt",
          "ask/state", "ask/__class__", "tile/x/0/0/0_0.jpg")  # fmt: skip


@pytest.mark.parametrize("path", OTHERS)
def test_nothing_else_is_sent(served: Served, path: str) -> None:
    status, content, _ = served.get(f"/{served.token}/{path}")
    assert status in (400, 403, 404, 405)
    assert b"import" not in content


def test_no_other_address_listens(served: Served) -> None:
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in [*others, "127.0.0.2"]:
        with pytest.raises(ConnectionRefusedError), socket.create_connection((address, served.port), timeout=5):
            pass


def test_a_question_that_is_none_is_refused_in_a_line(served: Served) -> None:
    for body in ("no json", "[1]", '{"x": "<script>", "y": 0}', '{"x": 2, "y": 0}'):
        status, content, headers = served.get(f"/{served.token}/ask/pixel", "POST", body)
        assert status in (400, 404)
        assert headers["Content-Type"].startswith("text/plain")
        assert b"\n" not in content


def test_the_state_names_layers_options_and_command(served: Served) -> None:
    state = served.ask("state")
    labels = [layer["label"] for layer in state["layers"]]  # type: ignore[attr-defined]
    assert labels == ["Result", "Mask", "Depth", "Confidence", "Slice", "Mask of slice"]
    stores: list[dict[str, str]] = state["stores"]  # type: ignore[assignment]
    assert "--laplacian" in stores[0]["options"]
    assert stores[0]["command"].startswith("imfuse-tiles fuse")


def test_a_pixel_tells_values_winner_and_masks(served: Served) -> None:
    found = served.ask("pixel", store=0, x=0.9, y=0.5)
    assert [value["label"] for value in found["values"]] == ["Result", "Mask", "Depth", "Confidence"]  # type: ignore[attr-defined]
    assert found["winner"] == 4
    curve: list[float] = found["curve"]["values"]  # type: ignore[index]
    assert curve.index(max(curve)) == 3


def test_a_port_that_is_taken_is_refused(served: Served) -> None:
    from imfuse_tiles.errors import Refusal
    from imfuse_tiles.viewer.server import ViewServer

    with pytest.raises(Refusal, match=f"--port {served.port}"):
        ViewServer(served.session, served.port)


def test_a_store_in_a_bucket_is_looked_at_like_one_in_a_folder(store: Store, tmp_path: Path) -> None:
    bucket, root = fsspec.filesystem("memory"), "/looked-at"
    bucket.put(str(store.folder), root, recursive=True)
    beside, here = (
        ViewSession([Shown(Store.at(place))], tmp_path / name)
        for name, place in (("a", f"memory:/{root}"), ("b", store.root))
    )
    assert list(beside.layers) == list(here.layers)
    for layer in here.layers:
        assert beside.tile(layer, 0, (0, 0, 0)) == here.tile(layer, 0, (0, 0, 0))
    about = {"store": 0, "x": 0.3, "y": 0.6}
    assert beside.pixel(about) == here.pixel(about)
    assert beside.state({})["layers"] == here.state({})["layers"]
