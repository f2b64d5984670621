"""Certificates: whose names they have, which authority made them, and the files they are in."""

from __future__ import annotations

import re
import ssl
import stat
import sys
from pathlib import Path

import pytest
import trustme

from duologue_mock import MockServer
from duologue_mock.https.certificates import CertificateError
from tests.mockserver.https.secure_peers import ask_securely, secure_peer, trust

HEALTH = "GET /api/health HTTP/1.1"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "w1.localhost", "a.b.localhost", "mock.example"])
def test_names(name: str) -> None:
    """A client that verifies host names is served by each name of the mock."""
    with MockServer(https=True, allowed_hosts=("mock.example",)) as mock, secure_peer(mock, name) as one:
        assert isinstance(one.socket, ssl.SSLSocket)
        assert one.socket.getpeercert()


@pytest.mark.parametrize("name", ["example.com", "localhost.example", "a_b.localhost"])
def test_other_names(name: str) -> None:
    with MockServer(https=True) as mock:
        with pytest.raises(ssl.SSLCertVerificationError), secure_peer(mock, name):
            pass
        assert ask_securely(mock, HEALTH).status == 200


def test_certificates_are_remembered() -> None:
    with MockServer(https=True) as mock:
        serials = []
        for name in ("w1.localhost", "w2.localhost", "w1.localhost"):
            with secure_peer(mock, name) as one:
                assert isinstance(one.socket, ssl.SSLSocket)
                serials.append((one.socket.getpeercert() or {})["serialNumber"])
        assert serials[0] == serials[2] != serials[1]


def test_validity_is_short() -> None:
    """Browsers refuse certificates that are valid for longer than 398 days."""
    with MockServer(https=True) as mock, secure_peer(mock) as one:
        assert isinstance(one.socket, ssl.SSLSocket)
        certificate = one.socket.getpeercert() or {}
        start, end = (ssl.cert_time_to_seconds(str(certificate[key])) for key in ("notBefore", "notAfter"))
        assert 300 < (end - start) / 86400 < 398


def test_each_server_has_its_authority() -> None:
    with MockServer(https=True) as first, MockServer(https=True) as second:
        assert first.ca_pem != second.ca_pem
        with pytest.raises(ssl.SSLCertVerificationError), secure_peer(first, context=trust(second)):
            pass


def test_authority_survives_restart() -> None:
    mock = MockServer(https=True)
    assert (mock.ca_file, mock.ca_pem) == (None, None)
    with mock:
        assert mock.ca_file is not None
        assert mock.ca_file.read_text() == mock.ca_pem
        path = mock.ca_file
    with mock:
        assert (mock.ca_file, mock.ca_pem) == (path, path.read_text())
        assert ask_securely(mock, HEALTH).status == 200


def test_no_ca_without_https() -> None:
    with MockServer() as mock:
        assert (mock.ca_file, mock.ca_pem) == (None, None)


def test_ca_file_is_overwritten(tmp_path: Path) -> None:
    """Each run has a new authority, and writes its certificate to the same file."""
    path = tmp_path / "ca.pem"
    contents = []
    for _ in range(2):
        with MockServer(https=True, ca_file=path) as mock:
            assert mock.ca_file == path
            contents.append(path.read_text())
            assert contents[-1] == mock.ca_pem
    assert contents[0] != contents[1]
    assert list(tmp_path.iterdir()) == [path], "no private key is written unasked"


def test_authority_is_kept(tmp_path: Path) -> None:
    path, key = tmp_path / "ca.pem", tmp_path / "ca-key.pem"
    pems = []
    for _ in range(2):
        with MockServer(https=True, ca_file=path, ca_key_file=key) as mock:
            pems.append(mock.ca_pem)
            assert ask_securely(mock, HEALTH).status == 200
    assert pems[0] == pems[1] == path.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_other_files_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(CertificateError, match=re.escape(f"{path} exists and is not a certificate")):
        MockServer(https=True, ca_file=path).start()
    assert path.read_text() == "mine"


def write_authority(folder: Path, name: str) -> tuple[Path, Path]:
    authority = trustme.CA()
    path, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    authority.cert_pem.write_to_path(path)
    authority.private_key_pem.write_to_path(key)
    return path, key


def test_key_of_another_authority(tmp_path: Path) -> None:
    path, _ = write_authority(tmp_path, "one")
    _, key = write_authority(tmp_path, "two")
    with pytest.raises(CertificateError, match="is not the key of the certificate"):
        MockServer(https=True, ca_file=path, ca_key_file=key).start()


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_invalid_key(tmp_path: Path, content: str) -> None:
    path, key = write_authority(tmp_path, "one")
    key.write_text(content)
    with pytest.raises(CertificateError, match=key.name):
        MockServer(https=True, ca_file=path, ca_key_file=key).start()


def test_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"ca\.pem: No such file or directory"):
        MockServer(https=True, ca_file=tmp_path / "nowhere" / "ca.pem").start()


def test_host_without_certificate() -> None:
    with pytest.raises(CertificateError, match="my_host"):
        MockServer(https=True, allowed_hosts=("my_host",)).start()


# --- a certificate of the user's own


@pytest.mark.parametrize("together", [True, False])
def test_own_certificate(tmp_path: Path, together: bool) -> None:
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    path, key = tmp_path / "own.pem", None if together else tmp_path / "own-key.pem"
    own.private_key_and_cert_chain_pem.write_to_path(path)
    if key is not None:
        own.cert_chain_pems[0].write_to_path(path)
        own.private_key_pem.write_to_path(key)
    with MockServer(certificate=path, certificate_key=key) as mock:
        assert mock.origin.startswith("https://")
        assert mock.ca_file is None
        context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        with secure_peer(mock, context=context) as one:
            assert isinstance(one.socket, ssl.SSLSocket)
            assert one.socket.getpeercert()


@pytest.mark.parametrize(
    "content", [None, "", "neither", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_invalid_certificate(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "own.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CertificateError, match=r"own\.pem"):
        MockServer(certificate=path).start()


def test_encrypted_key(tmp_path: Path) -> None:
    """It is refused; nothing asks for its password on the terminal."""
    from cryptography.hazmat.primitives import serialization

    own = trustme.CA().issue_cert("localhost")
    key = serialization.load_pem_private_key(own.private_key_pem.bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    encrypted = key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret"))
    path = tmp_path / "own.pem"
    path.write_bytes(own.cert_chain_pems[0].bytes() + encrypted)
    with pytest.raises(CertificateError, match="unencrypted private key"):
        MockServer(certificate=path).start()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ca_file": "ca.pem"}, "ca_file has no effect without https"),
        ({"https": True, "ca_key_file": "key.pem"}, "ca_key_file has no effect without ca_file"),
        ({"certificate_key": "key.pem"}, "certificate_key has no effect without certificate"),
        ({"https": True, "certificate": "own.pem", "ca_file": "ca.pem"}, "pass either"),
    ],
)
def test_combination_without_effect(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MockServer(**settings)  # type: ignore[arg-type]  # settings of several types


def test_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ImportError, match=r"pip install 'duologue\[https\]'"):
        MockServer(https=True).start()
