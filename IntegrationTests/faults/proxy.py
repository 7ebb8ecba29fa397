#!/usr/bin/env python3
"""The network between the nodes, which can be made worse: a process of its own that stands in front of every node.

Each node advertises a port of this process and is dialled there by the others. The first frame of a connection, the
hello, says in plain bytes which node dials (docs/formats/peer-transport.md); so the two streams of bytes of every
connection belong to two *directions*, such as n1→n2, and each direction can be

- stalled: bytes are held, and pass when the stall ends, as in a network that is cut and repaired. A connection that is
  dialled meanwhile is not established before that;
- slow: every piece of data is late by a delay, and a direction has a bandwidth.

And between two nodes connections can be *cut*: closed, and closed at once when they are dialled anew.

It is controlled by lines of JSON on its standard input, and answers each with a line. It ends when that is closed.
Run as a process because the clients of a test keep an interpreter busy; network.py is the other end of the pipe.
"""
from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import struct
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

HELLO_BYTES = 43
HELLO_DIALLER = 27
PIECE_BYTES = 64 << 10
# So much of a direction is on its way at most; then its sender feels it. About what the kernel holds for a connection.
PIECES_ON_THE_WAY = 32

Direction = Tuple[str, str]


@dataclass
class Link:
    """One direction."""

    delay: float = 0.0
    rate: float = 0.0
    carried: int = 0
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.flowing.set()


class Proxy:
    def __init__(self) -> None:
        self.names: Dict[int, str] = {}
        self.links: Dict[Direction, Link] = {}
        self.cuts: Set[frozenset[str]] = set()
        self.connections: Set[Connection] = set()
        self.servers: List[asyncio.Server] = []

    def link(self, sender: str, receiver: str) -> Link:
        return self.links.setdefault((sender, receiver), Link())

    async def obey(self, order: Dict[str, Any]) -> Dict[str, Any]:
        does = order["do"]
        if does == "serve":
            node, target = order["node"], order["target"]

            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await Connection(self, node, target, reader, writer).run()

            self.servers.append(await asyncio.start_server(accept, "127.0.0.1", order["port"], limit=4 * PIECE_BYTES))
        elif does == "name":
            self.names.update({int(number): name for number, name in order["names"].items()})
        elif does == "link":
            link = self.link(order["sender"], order["receiver"])
            link.delay, link.rate = order.get("delay", link.delay), order.get("rate", link.rate)
            if "stalled" in order:
                (link.flowing.clear if order["stalled"] else link.flowing.set)()
        elif does == "cut":
            pair = frozenset(order["nodes"])
            (self.cuts.add if order["cut"] else self.cuts.discard)(pair)
            if order["cut"]:
                self.end(pair)
        elif does == "reset":
            return {"closed": self.end(frozenset(order["nodes"]))}
        elif does == "heal":
            self.cuts.clear()
            for link in self.links.values():
                link.delay = link.rate = 0
                link.flowing.set()
        elif does == "carried":
            return {"bytes": {f"{sender}>{receiver}": link.carried for (sender, receiver), link in self.links.items()}}
        else:
            return {"error": "unknown order"}
        return {}

    def end(self, pair: frozenset[str]) -> int:
        ended = [connection for connection in self.connections if connection.pair == pair]
        for connection in ended:
            connection.close()
        return len(ended)


class Connection:
    """One that a node has dialled, and the one that goes on to the node that it meant."""

    def __init__(
        self, proxy: Proxy, receiver: str, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    ) -> None:
        self.proxy = proxy
        self.receiver = receiver
        self.target = target
        self.reader = reader
        self.writer = writer
        self.onward: Optional[asyncio.StreamWriter] = None
        self.number = 0
        self.tasks: List["asyncio.Task[None]"] = []

    async def run(self) -> None:
        try:
            hello = await self.reader.readexactly(HELLO_BYTES)
            self.number = struct.unpack_from(">I", hello, HELLO_DIALLER)[0]
            if self.pair in self.proxy.cuts:
                return
            self.proxy.connections.add(self)
            if not await self._established():
                return
            reader, self.onward = await asyncio.open_connection("127.0.0.1", self.target, limit=4 * PIECE_BYTES)
            self.onward.write(hello)
            self.tasks = [
                asyncio.ensure_future(self._carry(self.reader, self.onward, self.there)),
                asyncio.ensure_future(self._carry(reader, self.writer, self.back))]
            # When one stream has ended and all of it is delivered, so has the connection: the nodes close none by half.
            await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.proxy.connections.discard(self)
            self.close()

    # Looked up anew each time: a connection may be older than what is known of names.

    @property
    def dialler(self) -> str:
        return self.proxy.names.get(self.number, f"node {self.number}")

    @property
    def pair(self) -> frozenset[str]:
        return frozenset((self.dialler, self.receiver))

    def there(self) -> Link:
        return self.proxy.link(self.dialler, self.receiver)

    def back(self) -> Link:
        return self.proxy.link(self.receiver, self.dialler)

    async def _established(self) -> bool:
        """Waits until both directions flow. A dialler that gives up before has never been heard of."""
        while not (self.there().flowing.is_set() and self.back().flowing.is_set()):
            await asyncio.sleep(0.02)
            if self.reader.at_eof() or self.writer.is_closing():
                return False
        return True

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Callable[[], Link],
    ) -> None:
        pieces: "asyncio.Queue[Optional[Tuple[float, bytes]]]" = asyncio.Queue(PIECES_ON_THE_WAY)
        delivery = asyncio.ensure_future(self._deliver(pieces, writer, direction))
        self.tasks.append(delivery)
        clock = asyncio.get_running_loop().time
        try:
            while not delivery.done():
                data = await reader.read(PIECE_BYTES)
                await pieces.put((clock(), data) if data else None)
                if not data:
                    break
        except OSError:
            await pieces.put(None)
        await delivery

    async def _deliver(
        self, pieces: "asyncio.Queue[Optional[Tuple[float, bytes]]]", writer: asyncio.StreamWriter,
        direction: Callable[[], Link],
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            piece = await pieces.get()
            link = direction()
            if not link.flowing.is_set():
                await link.flowing.wait()
            if piece is None:
                return
            read_at, data = piece
            if link.delay > 0:
                await asyncio.sleep(max(0.0, read_at + link.delay * random.uniform(0.8, 1.2) - clock()))
            if link.rate > 0:
                await asyncio.sleep(len(data) / link.rate)
            if not link.flowing.is_set():
                await link.flowing.wait()
            try:
                writer.write(data)
                await writer.drain()
            except OSError:
                return
            link.carried += len(data)

    def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        for writer in (self.writer, self.onward):
            if writer is not None:
                writer.close()


async def main() -> None:
    proxy = Proxy()
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        try:
            answer = await proxy.obey(json.loads(line))
        except OSError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
    # The connections end with the process.
    os._exit(0)


if __name__ == "__main__":
    # Control-C is for the test, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())
