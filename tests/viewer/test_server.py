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

from imfuse_tiles.errors import Refusal
from imfuse_tiles.storage.store import Store
from imfuse_tiles.viewer.listener import STRANGERS
from imfuse_tiles.viewer.session import Shown, ViewSession

TESTED_MODULES = ["viewer.serving", "viewer.listener", "viewer.session", "viewer.run_state",
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


def head(served: Served, start: str, *headers: str) -> bytes:
    """The beginning of a request."""
    return "\r\n".join([f"{start} HTTP/1.1", f"Host: 127.0.0.1:{served.port}", *headers, "", ""]).encode()


def test_a_long_question_without_the_token_is_refused_before_it_is_read(served: Served) -> None:
    for path in ("/wrong/ask/state", "/wrong/page.js", "/"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as stranger:
            stranger.sendall(head(served, f"POST {path}", "Content-Length: 8000000"))
            assert stranger.recv(1000).split()[1] in (b"403", b"400")  # although nothing of it was sent


def test_silent_connections_keep_nobody_out(served: Served) -> None:
    silent = [socket.create_connection(("127.0.0.1", served.port), timeout=60) for _ in range(STRANGERS + 30)]
    for connection in silent:
        connection.sendall(b"GET / HT")
    assert served.ask("state")["layers"]
    with suppress(ConnectionResetError):
        assert silent[0].recv(10) == b""  # the oldest are closed
    for connection in silent:
        connection.close()


def test_the_page_stays_connected_among_strangers(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as page:
        strangers = []
        for _ in range(3):
            page.sendall(head(served, f"GET /{served.token}/style.css"))
            assert page.recv(15) == b"HTTP/1.1 200 OK"
            page.recv(1 << 20)
            strangers += [socket.create_connection(("127.0.0.1", served.port)) for _ in range(STRANGERS)]
            served.ask("state")
        for stranger in strangers:
            stranger.close()


NO_STORES = ("1e400", "NaN", '"a"', "null", "[1]", "1.5")
HOSTILE = ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000, '{"x":1e999,"y":0}', '{"x":NaN,"y":0}', "\xff", "null",
           *(f'{{"x":0.5,"y":0.5,"store":{number}}}' for number in NO_STORES)]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: body[:30])
def test_a_hostile_question_is_refused_in_a_line(served: Served, body: str) -> None:
    status, content, _ = served.get(f"/{served.token}/ask/pixel", "POST", body)
    assert status in (400, 404)
    assert content.count(b"\n") == 0


def test_half_a_character_in_a_refusal_is_written_out(served: Served) -> None:
    def refuse(about: dict[str, object]) -> None:
        raise Refusal(f"{about['file']}: no such file")

    served.session.questions["refuse"] = refuse
    status, content, _ = served.get(f"/{served.token}/ask/refuse", "POST", '{"file": "\\ud800"}')
    assert (status, content) == (400, b"\\ud800: no such file")


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
