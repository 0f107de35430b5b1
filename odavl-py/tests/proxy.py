"""What stands between a client and a service, and fails as networks do."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Proxy:
    """Passes bytes on to whoever listens on `port` of this machine, unless it is told otherwise."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:{}".format(self._listener.getsockname()[1])
        self.port = 0
        self.left: int | None = None
        """After how many bytes of an answer the connection is cut, once; ``None``: never."""
        self.cuts = 0
        """How many were cut."""
        self.opened = 0
        """How many connections there were."""
        self.most: int | None = None
        """After how many bytes of what clients send no more is passed on, once; ``None``: never."""
        self.passes = threading.Event()
        """Whether what clients send is passed on."""
        self.waits = threading.Event()
        """Whether a client has sent what is not passed on."""
        self.gone = threading.Event()
        """Whether a client has left meanwhile."""
        self.passes.set()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                self._open |= {client, server}
                self.opened += 1
                for pump in [self._ask, self._answer]:
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if self.most is not None:
                    self.most -= len(data)
                    if self.most < 0:
                        self.most = None
                        self.passes.clear()
                if not self.passes.is_set():
                    self.waits.set()
                    if self._left(client):
                        self.gone.set()
                        break
                server.sendall(data)
        self._end(client, server)

    def _left(self, client: socket.socket) -> bool:
        """Waits until what was sent is passed on, or its sender is gone."""
        client.settimeout(0.01)
        while not self.passes.is_set():
            with suppress(TimeoutError):
                if not client.recv(1, socket.MSG_PEEK):
                    return True
        client.settimeout(None)
        return False

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if self.left is not None and len(data) > self.left:
                    client.sendall(data[: self.left])
                    self.left, self.cuts = None, self.cuts + 1
                    break
                self.left = None if self.left is None else self.left - len(data)
                client.sendall(data)
        self._end(client, server)

    def _end(self, *ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._open.discard(end)

    def stop(self) -> None:
        """Takes no more, and cuts all there is."""
        self._end(self._listener, *list(self._open))

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
