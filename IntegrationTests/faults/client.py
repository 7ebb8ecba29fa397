"""What a client of the cluster needs of Riak's HTTP interface, with connections that are kept open."""
from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

BUCKET = "faults"
TIMEOUT_SECONDS = 5.0
# A node gives up a little before its client does.
TIMEOUT_QUERY = "timeout=4500"


class NotSent(Exception):
    """There is no connection: nothing has been asked."""


class NoAnswer(Exception):
    """The request was sent, or a part of it; what became of it is unknown."""


@dataclass
class Answer:
    status: int
    values: Tuple[str, ...]
    token: Optional[str]
    number: Optional[int]
    text: str
    may_retry: bool


class Connection:
    """Requests to one node, one after the other."""

    def __init__(self, port: int, seconds: float = TIMEOUT_SECONDS) -> None:
        self._port = port
        self._seconds = seconds
        self._http: Optional[http.client.HTTPConnection] = None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def get(self, type: str, key: str, query: str = "") -> Answer:
        return self._request("GET", type, key, query, {"Accept": "multipart/mixed, */*;q=0.5"})

    def put(self, type: str, key: str, value: str, token: Optional[str], query: str = "") -> Answer:
        headers = {"Content-Type": "text/plain", "Accept": "multipart/mixed, */*;q=0.5"}
        if token is not None:
            headers["X-Riak-Vclock"] = token
        return self._request("PUT", type, key, query, headers, value.encode())

    def delete(self, type: str, key: str, token: str, query: str = "") -> Answer:
        return self._request("DELETE", type, key, query, {"X-Riak-Vclock": token})

    def _request(
        self, method: str, type: str, key: str, query: str, headers: Dict[str, str], body: Optional[bytes] = None,
    ) -> Answer:
        if self._http is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._seconds)
            try:
                connection.connect()
            except OSError as error:
                raise NotSent(str(error)) from error
            self._http = connection
        path = f"/types/{type}/buckets/{BUCKET}/keys/{key}?{TIMEOUT_QUERY}{'&' + query if query else ''}"
        try:
            self._http.request(method, path, body, headers)
            response = self._http.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(f"{error.__class__.__name__}: {error}") from error
        return _answer(response, content)


def _answer(response: http.client.HTTPResponse, body: bytes) -> Answer:
    values: Tuple[str, ...] = ()
    if response.status == 300:
        boundary = (response.getheader("Content-Type") or "").partition("boundary=")[2].strip('"').encode()
        for part in body.split(b"\r\n--" + boundary)[1:-1]:
            head, _, value = part.partition(b"\r\n\r\n")
            if b"x-riak-deleted" not in head.lower():
                values += (_name(value),)
    elif response.status == 200:
        values = (_name(body),)
    number = response.getheader("X-Kindred-Version")
    text = "" if response.status < 400 else body[:200].decode(errors="replace").strip()
    return Answer(
        response.status, values, response.getheader("X-Riak-Vclock"), int(number) if number else None, text,
        response.getheader("Retry-After") is not None)


def _name(value: bytes) -> str:
    """Values are a name, and filling after a space."""
    return value.partition(b" ")[0].decode(errors="replace")
