"""HTTPS: sockets that behave as plain ones do, and handshakes that keep no other connection waiting."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.ssl import SSLContext, SSLSocket

from duologue_mock.errors import HTTPError
from duologue_mock.http.server import TLS_HANDSHAKE, ConnectionHandler, Server


class TLSSocket(SSLSocket):  # type: ignore[misc]  # gevent is not typed
    """The server's end of a TLS connection.

    What reads HTTP and websockets looks at what has arrived without waiting (`settimeout(0)`), without taking it
    (`MSG_PEEK`), and wakes a waiting reader by shutting the connection down. The base class has another exception for
    the first, refuses the second, and fails in the reader after the third.
    """

    _peeked = b""

    def read(self, nbytes: int = 1024, buffer: Any = None) -> Any:
        """Return what has arrived, after waiting for it unless the timeout is 0.

        Raises:
            BlockingIOError: the timeout is 0, and nothing has arrived.
        """
        if self._peeked:
            return self._take_peeked(nbytes, buffer)
        try:
            return super().read(nbytes, buffer)
        except ssl.SSLWantReadError:
            raise BlockingIOError(errno.EWOULDBLOCK, "Nothing has arrived") from None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Return what has arrived; with `MSG_PEEK` it stays there for the next call."""
        if not flags & socket.MSG_PEEK:
            data: bytes = self.read(buflen) if buflen else b""
            return data
        self._peeked = self._peeked or self.read(buflen)
        return self._peeked[:buflen]

    def _take_peeked(self, size: int, buffer: Any) -> Any:
        data, self._peeked = self._peeked[:size], self._peeked[size:]
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def shutdown(self, how: int) -> None:
        """Shut the connection down, and leave TLS as it is: a reader gets the end of the stream, not an error."""
        if how != socket.SHUT_RD:
            self.send_close_notify()
        socket.socket.shutdown(self._sock, how)

    def send_close_notify(self) -> None:
        """Say that nothing more is sent (RFC 8446, section 6.1), without waiting for the client to do the same."""
        if self._sslobj is not None:
            timeout = self.gettimeout()
            self.settimeout(0)
            with contextlib.suppress(OSError, ValueError):  # closed, or by the client first
                self._sslobj.shutdown()
            self.settimeout(timeout)


def create_context(certificate: str, key: str | None = None) -> SSLContext:
    """Return what a server of HTTPS needs: protocol versions and a certificate.

    Args:
        certificate: path of the PEM file with the certificate, followed by those that prove it.
        key: path of the PEM file with the private key; None if it is in the file of the certificate.

    Raises:
        OSError: a file cannot be read, or has no usable certificate or key.
    """
    context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = TLSSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key, password="")  # an encrypted key is an error, not a question
    return context


class TLSConnectionHandler(ConnectionHandler):
    """Serves the requests of one connection, and ends it as TLS wants it ended."""

    def handle_one_request(self) -> Any:
        """Read one request and send its response; return None to close the connection, True to keep it."""
        keep = super().handle_one_request()
        if keep is None:
            self.socket.send_close_notify()
        return keep


class TLSServer(Server):
    """Listens on one address, for HTTPS.

    Args:
        listener: a bound, listening socket.
        application: the WSGI application.
        context: the certificate.
        read_timeout: seconds for the handshake, and then for a request to arrive.
        options: those of `Server`.
    """

    handler_class = TLSConnectionHandler

    def __init__(
        self,
        listener: socket.socket,
        application: Callable[..., Iterable[bytes]],
        context: SSLContext,
        *,
        read_timeout: float,
        **options: Any,
    ) -> None:
        super().__init__(listener, application, read_timeout=read_timeout, ssl_context=context, **options)
        self._context = context
        self._handshakes: set[gevent.Greenlet] = set()

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> None:
        """Serve a connection over TLS; its handshake is done in the greenlet that serves it."""
        client = self._shake_hands(client_socket, address)
        if client is not None:
            with contextlib.closing(client):
                self.handle(client, address)

    def _shake_hands(self, client_socket: Any, address: Any) -> TLSSocket | None:
        """Return the connection, secured within the read timeout; None if the client does not speak TLS."""
        greenlet = gevent.getcurrent()
        self._handshakes.add(greenlet)
        try:
            with gevent.Timeout(self.read_timeout):
                first = client_socket.recv(1, socket.MSG_PEEK)
                if first == TLS_HANDSHAKE:
                    return self._secure(client_socket)
                if first:
                    error = HTTPError(400, "This port speaks HTTPS", hint="Begin the URL with `https://`.")
                    client_socket.sendall(self.refuse(error, address[0]))
        except (OSError, gevent.Timeout) as error:
            self.log_connection(f"{address[0]} did not finish a TLS handshake: {error}")
        finally:
            self._handshakes.discard(greenlet)
        return None

    def _secure(self, client_socket: Any) -> TLSSocket:
        client: TLSSocket = self._context.wrap_socket(client_socket, server_side=True, do_handshake_on_connect=False)
        try:
            client.do_handshake()
        except BaseException:
            client.close()
            raise
        return client

    def finish(self, timeout: float) -> None:
        """Accept no more connections, let requests in progress finish for some seconds, then close every connection."""
        gevent.killall(tuple(self._handshakes))
        super().finish(timeout)
