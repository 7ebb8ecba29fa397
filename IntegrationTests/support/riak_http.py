"""An HTTP/1.1 client over a bare socket, which keeps every header and every byte of the body as it came."""
from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

from kindred_process import Address


class ConnectionEnded(Exception):
    """The server closed the connection where it should have answered."""


@dataclass
class Response:
    status: int
    reason: str
    headers: List[Tuple[str, str]]
    body: bytes

    def all(self, name: str) -> List[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> Optional[str]:
        values = self.all(name)
        return values[0] if values else None

    @property
    def context(self) -> Optional[str]:
        return self.header("X-Riak-Vclock")

    def siblings(self) -> List[Tuple[Dict[str, str], bytes]]:
        """The parts of a multipart/mixed body, which must be built exactly as Riak builds it: every part is preceded by
        CRLF, two dashes, the boundary and CRLF, and the whole ends with CRLF, two dashes, the boundary, two dashes and
        CRLF. Riak's clients drop a sibling if the first or the last CRLF is missing."""
        content_type = self.header("Content-Type") or ""
        assert content_type.startswith("multipart/mixed; boundary="), f"Content-Type is {content_type}"
        boundary = content_type[len("multipart/mixed; boundary="):].strip('"').encode()
        separator, end = b"\r\n--" + boundary + b"\r\n", b"\r\n--" + boundary + b"--\r\n"
        assert self.body.startswith(separator), f"the body starts with {self.body[:80]!r}"
        assert self.body.endswith(end), f"the body ends with {self.body[-80:]!r}"
        parts: List[Tuple[Dict[str, str], bytes]] = []
        for part in self.body[len(separator):-len(end)].split(separator):
            head, blank, value = part.partition(b"\r\n\r\n")
            assert blank, f"a part has no empty line after its headers: {part[:80]!r}"
            headers = {}
            for line in head.split(b"\r\n"):
                name, colon, text = line.decode("latin-1").partition(": ")
                assert colon, f"not a header: {line!r}"
                headers[name.lower()] = text
            parts.append((headers, value))
        return parts

    @property
    def values(self) -> List[bytes]:
        """All values, sorted, whether there is one or several."""
        if self.status == 300:
            return sorted(value for headers, value in self.siblings() if "x-riak-deleted" not in headers)
        assert self.status == 200, f"{self.status}: {self.body!r}"
        return [self.body]


Headers = Union[Dict[str, str], List[Tuple[str, str]], None]


class Connection:
    """One keep-alive connection."""

    def __init__(self, address: Address, seconds: float = 20) -> None:
        self.address = address
        self.socket = socket.create_connection(address, seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, method: str, target: str, headers: Headers = None, body: Optional[bytes] = None) -> None:
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        lines = [f"{method} {target} HTTP/1.1", "Host: %s:%d" % self.address]
        lines += [f"{name}: {value}" for name, value in pairs]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send_raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def send_raw(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except ConnectionError as error:
            raise ConnectionEnded(str(error)) from error

    def _fill(self) -> None:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise ConnectionEnded(str(error)) from error
        if not data:
            raise ConnectionEnded("closed by the server")
        self._buffer += data

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        out = bytes(self._buffer[:count])
        del self._buffer[:count]
        return out

    def _take_line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, _ = bytes(self._buffer).partition(b"\r\n")
        del self._buffer[:len(line) + 2]
        return line

    def receive(self, method: str = "GET") -> Response:
        version, status, reason = (self._take_line().decode("latin-1").split(" ", 2) + [""])[:3]
        assert version == "HTTP/1.1", f"the server speaks {version}"
        headers: List[Tuple[str, str]] = []
        while True:
            line = self._take_line().decode("latin-1")
            if not line:
                break
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        response = Response(int(status), reason, headers, b"")
        if method == "HEAD" or response.status in (204, 304) or 100 <= response.status < 200:
            return response
        if (response.header("Transfer-Encoding") or "").lower() == "chunked":
            body = bytearray()
            while True:
                size = int(self._take_line().split(b";")[0], 16)
                body += self._take(size)
                if size == 0:
                    while self._take_line():
                        pass
                    break
                assert self._take(2) == b"\r\n", "a chunk does not end with CRLF"
            response.body = bytes(body)
        elif response.header("Content-Length") is not None:
            response.body = self._take(int(response.header("Content-Length") or 0))
        else:
            try:
                while True:
                    self._fill()
            except ConnectionEnded:
                response.body = bytes(self._buffer)
                self._buffer.clear()
        return response

    def request(self, method: str, target: str, headers: Headers = None, body: Optional[bytes] = None) -> Response:
        self.send(method, target, headers, body)
        return self.receive(method)

    def is_closed_by_server(self, seconds: float = 10) -> bool:
        self.socket.settimeout(seconds)
        try:
            return not self._buffer and self.socket.recv(1) == b""
        except socket.timeout:
            return False
        except ConnectionError:
            return True

    # Objects

    def get(self, path: str, headers: Headers = None) -> Response:
        """Siblings come as multipart, unless the headers ask for something else."""
        return self.request("GET", path, headers if headers is not None else {"Accept": "multipart/mixed, */*;q=0.5"})

    def put(self, path: str, body: bytes, context: Optional[str] = None, headers: Headers = None) -> Response:
        sent: Dict[str, str] = {"Content-Type": "text/plain"}
        if context is not None:
            sent["X-Riak-Vclock"] = context
        sent.update(dict(headers or {}))
        return self.request("PUT", path, sent, body)
