"""The certificates of HTTPS: made by an authority of the mock's own, or given by the user."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import ssl
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duologue_mock.http.cors import is_loopback
from duologue_mock.https.tls import create_context
from duologue_mock.settings import MockSettings

if TYPE_CHECKING:
    import trustme
    from gevent.ssl import SSLContext

LIFETIME = 397
"""Days for which a certificate is valid: browsers refuse those that are valid for more than 398."""
_MAX_NAMES = 256
"""Host names for which a certificate is remembered."""
_CERTIFICATE_START = b"-----BEGIN CERTIFICATE-----"


class CertificateError(ValueError):
    """A certificate or key cannot be used; the message names the file."""


class Authority:
    """A certificate authority of the mock's own, and the contexts of the servers that it vouches for.

    Args:
        settings: where its certificate is written, where its key is kept, and the host names of the mock.

    Raises:
        CertificateError: a file of it cannot be used.
        ImportError: the extra that makes certificates is not installed.
    """

    def __init__(self, settings: MockSettings) -> None:
        self._hosts = frozenset(host.lower().strip("[]") for host in settings["allowed_hosts"])
        self._ca = _load_or_create(settings["ca_file"], settings["ca_key_file"])
        self.pem: str = self._ca.cert_pem.bytes().decode("ascii")
        self._file = settings["ca_file"]
        self._get_context = functools.lru_cache(maxsize=_MAX_NAMES)(self._create_context)
        self.context = self._create_context("localhost", "127.0.0.1", "::1", *sorted(self._hosts))
        self.context.sni_callback = self._choose_certificate

    @functools.cached_property
    def file(self) -> Path:
        """The file with its certificate; one that is deleted as the process ends, unless the settings name one."""
        if self._file is not None:
            return Path(self._file)
        descriptor, path = tempfile.mkstemp(prefix="duologue-ca-", suffix=".pem")
        with os.fdopen(descriptor, "w") as file:
            file.write(self.pem)
        weakref.finalize(self, _remove, path)
        return Path(path)

    def _choose_certificate(self, sock: Any, name: str | None, _: ssl.SSLContext) -> None:
        """Present a certificate for the very name that a client asks for (RFC 6066, section 3).

        One for `*.localhost` would not do: clients accept no wildcard directly below a top-level domain.
        """
        name = (name or "").lower()
        if is_loopback(name) or name in self._hosts:
            with contextlib.suppress(CertificateError):
                sock.context = self._get_context(name)

    def _create_context(self, *names: str) -> SSLContext:
        now = datetime.datetime.now(datetime.UTC)
        lifetime = datetime.timedelta(days=LIFETIME)
        before = now - datetime.timedelta(days=1)  # the clock of a container may be behind
        try:
            certificate = self._ca.issue_cert(*names, not_before=before, not_after=before + lifetime)
        except UnicodeError as error:  # the base of what the package `idna` raises
            raise CertificateError(f"There can be no certificate for {' and '.join(names)}: {error}.") from error
        with certificate.private_key_and_cert_chain_pem.tempfile() as path:
            return create_context(path)


def create_given_context(certificate: str | Path, key: str | Path | None) -> SSLContext:
    """Return the context of a server with a certificate that the user has.

    Args:
        certificate: path of its PEM file.
        key: path of its key's; None if the key is in the same file.

    Raises:
        CertificateError: a file cannot be read, or has no usable certificate or key.
    """
    try:
        return create_context(str(certificate), None if key is None else str(key))
    except ssl.SSLError as error:
        where = certificate if key is None else f"{certificate} and {key}"
        raise CertificateError(
            f"{where}: not a certificate and its unencrypted private key in PEM form ({error.reason})."
        ) from error
    except OSError as error:
        raise CertificateError(
            f"{certificate if key is None else f'{certificate}, {key}'}: {error.strerror}."
        ) from error


def _load_or_create(ca_file: str | Path | None, key_file: str | Path | None) -> trustme.CA:
    try:
        import trustme  # takes longer to load than all the rest, and only HTTPS needs it
    except ModuleNotFoundError as missing:
        raise ImportError(
            f"HTTPS needs {missing.name} to make a certificate: pip install 'duologue[https]'. "
            "Or pass a certificate and its key."
        ) from None
    try:
        if ca_file is not None and key_file is not None and Path(key_file).exists():
            return _load(Path(ca_file), Path(key_file))
        ca = trustme.CA(organization_name="Duologue mock server", organization_unit_name="Development certificates")
        if ca_file is not None:
            _write_certificate(Path(ca_file), ca.cert_pem.bytes())
        if key_file is not None:
            _write_key(Path(key_file), ca.private_key_pem.bytes())
    except OSError as error:
        raise CertificateError(f"{error.filename}: {error.strerror}.") from error
    return ca


def _load(ca_file: Path, key_file: Path) -> trustme.CA:
    import trustme
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    certificate, key = ca_file.read_bytes(), key_file.read_bytes()
    try:
        belongs = load_pem_x509_certificate(certificate).public_key() == load_pem_private_key(key, None).public_key()
    except (ValueError, TypeError) as error:
        raise CertificateError(f"{ca_file} and {key_file}: not a certificate and its key in PEM form.") from error
    if not belongs:
        raise CertificateError(f"{key_file} is not the key of the certificate in {ca_file}. Delete both for new ones.")
    return trustme.CA.from_pem(certificate, key)


def _write_certificate(path: Path, pem: bytes) -> None:
    """Write the certificate, over one of an earlier run at most."""
    if path.exists() and not path.read_bytes().startswith(_CERTIFICATE_START):
        raise CertificateError(f"{path} exists and is not a certificate. Name another file, or delete it.")
    path.write_bytes(pem)


def _write_key(path: Path, pem: bytes) -> None:
    """Write the private key, for its owner alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()
