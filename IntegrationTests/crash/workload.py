"""Clients that write as fast as they are answered, through reads, contexts old and new, and no context at all."""
from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
from collections import deque
from typing import Deque, Dict, FrozenSet, List, Optional, Tuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

import riak_pb  # noqa: E402
from history import History, Write  # noqa: E402
from kindred_process import Address  # noqa: E402

BUCKET = b"crash"
Key = Tuple[str, str]
# What a read returned: the context and the values it covers.
Seen = Tuple[Optional[bytes], FrozenSet[bytes]]

# Few keys of each type, so that clients meet on them; immutable keys are new in every cycle, or nothing would happen.
KEYS_OF_A_TYPE = 80
IMMUTABLE_KEYS_OF_A_CYCLE = 40
# Contexts that a client keeps of a key, from this cycle and those before the crash.
CONTEXTS_KEPT = 4


class Memory:
    """The contexts that clients still hold; outlives the server."""

    def __init__(self) -> None:
        self._seen: Dict[Key, Deque[Seen]] = {}
        self._lock = threading.Lock()

    def remember(self, key: Key, seen: Seen) -> None:
        if seen[0] is not None:
            with self._lock:
                self._seen.setdefault(key, deque(maxlen=CONTEXTS_KEPT)).append(seen)

    def recall(self, key: Key, random_source: random.Random) -> Optional[Seen]:
        with self._lock:
            kept = self._seen.get(key)
            return random_source.choice(list(kept)) if kept else None


class Client(threading.Thread):
    """One connection. Ends when the server does; anything else that goes wrong is in `failure`."""

    def __init__(
        self, name: str, cycle: int, address: Address, seed: int, history: History, memory: Memory, stop: threading.Event,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._cycle = cycle
        self._address = address
        self._random = random.Random(seed)
        self._history = history
        self._memory = memory
        self._stop_asked = stop
        self._count = 0
        self.failure: Optional[str] = None
        self.errors: Dict[str, int] = {}

    def run(self) -> None:
        try:
            with riak_pb.Connection(self._address, 30) as connection:
                while not self._stop_asked.is_set():
                    self._write(connection, self._choose())
        except (riak_pb.ConnectionEnded, ConnectionError):
            pass
        except socket.timeout:
            self.failure = "no answer for 30 seconds"
        except Exception as error:  # noqa: BLE001
            self.failure = f"{type(error).__name__}: {error}"

    def _choose(self) -> Key:
        type = self._random.choices(["siblings", "versioned", "last_write_wins", "immutable"], [4, 3, 2, 2])[0]
        if type == "immutable":
            return type, f"{self._cycle}-{self._random.randrange(IMMUTABLE_KEYS_OF_A_CYCLE)}"
        # A few keys are hot.
        return type, str(min(self._random.randrange(KEYS_OF_A_TYPE), self._random.randrange(KEYS_OF_A_TYPE)))

    def _read(self, connection: riak_pb.Connection, key: Key) -> Seen:
        started = time.monotonic()
        stored = connection.get(BUCKET, key[1].encode(), key[0].encode())
        return self._note(key, stored, started)

    def _note(self, key: Key, stored: riak_pb.Stored, started: float) -> Seen:
        self._history.read(key, stored.values, started, time.monotonic())
        seen = (stored.context, frozenset(stored.values))
        self._memory.remember(key, seen)
        return seen

    def _context(self, connection: riak_pb.Connection, key: Key) -> Seen:
        """Mostly read, then write; sometimes a context from long ago, perhaps from before a crash; sometimes none."""
        dice = self._random.random()
        if dice < 0.25:
            old = self._memory.recall(key, self._random)
            if old is not None:
                return old
        if dice > 0.9:
            return None, frozenset()
        return self._read(connection, key)

    def _write(self, connection: riak_pb.Connection, key: Key) -> None:
        self._count += 1
        value = f"{self._cycle}.{self.name}.{self._count}".encode()
        if key[0] == "immutable":
            # Of few contents, so that the same content comes again.
            value = b"content %d" % self._random.randrange(3)
            context, covers = None, frozenset()
            if self._random.random() < 0.3:
                context, covers = self._read(connection, key)
        else:
            context, covers = self._context(connection, key)
        is_delete = key[0] in ("siblings", "versioned") and context is not None and self._random.random() < 0.05
        return_body = not is_delete and self._random.random() < 0.3

        write = Write(None if is_delete else value, covers, time.monotonic())
        self._history.begin(key, write)
        bucket_key, type = key[1].encode(), key[0].encode()
        try:
            if is_delete:
                connection.delete(BUCKET, bucket_key, type, context=context)
                self._history.acknowledge(key, write, time.monotonic())
                return
            stored = connection.put(BUCKET, bucket_key, value, type, context=context, return_body=return_body or None)
            self._history.acknowledge(key, write, time.monotonic())
            if return_body:
                self._note(key, stored, write.invoked)
        except riak_pb.RiakError as error:
            self.errors[error.text] = self.errors.get(error.text, 0) + 1
            # An answer that does not say whether it happened.
            if any(word in error.text for word in ("timeout", "overload", "unknown")):
                self._history.lose(key, write, time.monotonic())
            else:
                self._history.refuse(key, write, time.monotonic())
        except Exception:
            if write.outcome == "pending":
                self._history.lose(key, write, time.monotonic())
            raise


def read_all(address: Address, keys: List[Key]) -> List[List[bytes]]:
    """The values of all keys, read through one pipeline."""
    out: List[List[bytes]] = []
    with riak_pb.Connection(address, 60) as connection:
        for begin in range(0, len(keys), 200):
            batch = keys[begin:begin + 200]
            connection.send(b"".join(
                riak_pb.frame(riak_pb.GET, riak_pb.get_request(BUCKET, name.encode(), type.encode()))
                for type, name in batch))
            for type, name in batch:
                code, body = connection.receive()
                assert code == riak_pb.GET_REPLY, f"reading {type}/{name} was answered with message {code}: {body!r}"
                contents = [riak_pb.Content.decoded(entry) for entry in riak_pb.decode(body).get(1, [])  # type: ignore[arg-type]
                            if isinstance(entry, bytes)]
                out.append([content.value for content in contents if not content.deleted])
    return out
