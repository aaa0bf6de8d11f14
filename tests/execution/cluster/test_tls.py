"""Secured clusters: keys are shown to whom they are due, and who has none is refused."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dask
import pytest
from blocks import FillJob, plan_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dask_programs import Running
from program import names
from stacks import frames, result, run, written

from imfuse_tiles.cli.main import main
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.pools import open_pool
from imfuse_tiles.options.resources import Cluster, Resources
from imfuse_tiles.storage.store import Store


@dataclass(frozen=True)
class Keys:
    """Files of a certificate and its key; the certificate is its own authority."""

    cert: str
    key: str

    @classmethod
    def made(cls, folder: Path) -> Keys:
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")])
        now, here = datetime.datetime.now(datetime.UTC), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([here]), critical=False)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        folder.mkdir()
        (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        (folder / "key.pem").write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        )
        return cls(str(folder / "cert.pem"), str(folder / "key.pem"))

    @property
    def cluster(self) -> Cluster:
        return Cluster(tls=(self.cert, self.key, self.cert))

    def words(self) -> list[str]:
        return ["--tls-cert", self.cert, "--tls-key", self.key, "--tls-ca", self.cert]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.made(tmp_path_factory.mktemp("tls") / "keys")


@pytest.fixture(scope="module")
def secured(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A scheduler and a worker that talk to nobody without these keys."""
    words = ["--tls-ca-file", keys.cert, "--tls-cert", keys.cert, "--tls-key", keys.key]
    cluster = Running(tmp_path_factory.mktemp("secured"), 1, *words)
    yield cluster
    cluster.close()


def test_a_secured_scheduler_computes_for_who_has_the_keys(secured: Running, keys: Keys, tmp_path: Path) -> None:
    assert secured.address.startswith("tls://127.0.0.1:")
    plan, store = plan_of(FillJob("first/x")), Store(str(tmp_path / "store"))
    run(plan, store, scheduler=secured.address, cluster=keys.cluster)
    assert float(result(plan, store)[0, 299, 399]) == 200300 + 200300
    images = names(written(tmp_path / "in", frames(1, shape=(40, 40))))
    words = ["fuse", "--bg=mean", "--quiet", "--scheduler", f"file:{secured.file}", *keys.words()]
    assert main([*words, "--store", str(tmp_path / "other"), "-o", str(tmp_path / "r.tif"), *images]) == 0


def test_a_local_cluster_is_secured_by_the_keys_given(keys: Keys, tmp_path: Path) -> None:
    Store(str(tmp_path / "store")).create()
    resources = Resources(2 << 30, 1, 100, "local:1", keys.cluster)
    with open_pool(resources, str(tmp_path / "store")) as pool:
        assert pool.client.scheduler.address.startswith("tls://127.0.0.1:")
        assert pool.submit(abs, -3).result(240) == 3


def test_other_keys_are_refused(secured: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imfuse_tiles.execution.dask_cluster.PATIENCE", 2)
    resources = Resources(2 << 30, 1, 100, secured.address, Keys.made(tmp_path / "others").cluster)
    with pytest.raises(Refusal, match="no dask scheduler answers there"), open_pool(resources, str(tmp_path)):
        pass


def test_no_keys_are_refused_before_anything_is_written(
    secured: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = names(written(tmp_path / "in", frames(1, shape=(40, 40))))
    for spec in (secured.address, "tls://nobody:8786"):
        words = ["fuse", "--bg=mean", "--scheduler", spec, "--store", str(tmp_path / "store"), *images]
        assert main(words) == 2
        said = f"imfuse-tiles: --scheduler {spec}: a secured scheduler takes --tls-cert, --tls-key and --tls-ca"
        assert capsys.readouterr().err.startswith(said)
    assert not (tmp_path / "store").exists()
    resources = Resources(2 << 30, 1, 100, f"file:{secured.file}")
    with pytest.raises(Refusal, match="a secured scheduler takes"), open_pool(resources, str(tmp_path)):
        pass


def test_keys_of_dask_s_own_configuration_will_do(secured: Running, keys: Keys, tmp_path: Path) -> None:
    images = names(written(tmp_path / "in", frames(1, shape=(40, 40))))
    client = {"distributed.comm.tls.ca-file": keys.cert, "distributed.comm.tls.client.cert": keys.cert,
              "distributed.comm.tls.client.key": keys.key}  # fmt: skip
    words = ["fuse", "--bg=mean", "--quiet", "--scheduler", secured.address, "--store", str(tmp_path / "store")]
    with dask.config.set(client):
        assert main([*words, "-o", str(tmp_path / "r.tif"), *images]) == 0


@pytest.mark.parametrize("missing", range(3))
def test_keys_that_are_incomplete_or_unreadable_are_refused(
    keys: Keys, tmp_path: Path, missing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    images = names(written(tmp_path / "in", frames(1, shape=(40, 40))))
    words = keys.words()
    del words[2 * missing : 2 * missing + 2]
    said = ["fuse", "--bg=mean", "--scheduler", "tls://nobody:8786", "--store", str(tmp_path / "store")]
    assert main([*said, *words, *images]) == 2
    assert f"--{('tls-cert', 'tls-key', 'tls-ca')[missing]} is missing" in capsys.readouterr().err
    words = keys.words()
    words[2 * missing + 1] = images[0]
    assert main([*said, *words, *images]) == 2
    assert "--tls-cert, --tls-key, --tls-ca: " in capsys.readouterr().err
