"""Clients that write and read as a given part of them likes to, and keep a record of everything.

Each client has a connection to every node and asks another one each time. Of a key that it has written it remembers
the token, and what that token has seen.
"""
from __future__ import annotations

import random
import threading
import time
import zlib
from dataclasses import dataclass, field
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence, Tuple

from client import Answer, Connection, NoAnswer, NotSent
from history import ACKNOWLEDGED, REFUSED, UNKNOWN, KeyName, Operation

TYPES = ("siblings", "last_write_wins", "immutable", "versioned")
DELETABLE = ("siblings", "last_write_wins")
# How long clients write to the same immutable keys before they go on to new ones.
IMMUTABLE_SECONDS = 8
# A node that could not be connected to is left alone for a while, and one that did not answer for longer.
AVOID_REFUSING_SECONDS = 0.3
AVOID_SILENT_SECONDS = 1.0

# What a client knows of a key: a token, and the values behind it.
Seen = Tuple[Optional[str], FrozenSet[str]]
NOTHING: Seen = (None, frozenset())


@dataclass
class Habits:
    """What clients do."""

    types: Dict[str, float] = field(default_factory=lambda: {
        "siblings": 4, "last_write_wins": 3, "immutable": 2, "versioned": 3})
    shared_keys: int = 20
    own_keys: int = 10
    share_of_shared: float = 0.4
    # The longest pause between two requests, in seconds.
    pause: float = 0.03
    filling: int = 400
    # What is added to every read's and every write's query.
    read_query: str = ""
    write_query: str = ""
    # Whether a read must show what was acknowledged before it began: not with r=1 or w=1.
    strict: bool = True
    # Whether the cluster has nodes that can stand in for others: then some writes ask for members only.
    has_fallbacks: bool = False


class Client(threading.Thread):
    def __init__(self, name: str, ports: Dict[str, int], seed: int, habits: Habits, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.operations: List[Operation] = []
        self.not_sent = 0
        self.failure: Optional[BaseException] = None
        self._random = random.Random(seed)
        self._habits = habits
        self._ports = ports
        self._connections: Dict[str, Connection] = {}
        self._avoided: Dict[str, float] = {}
        self._stop_asked = stop
        self._chains: Dict[KeyName, Seen] = {}
        self._count = 0
        self._begun = 0.0

    def run(self) -> None:
        self._begun = time.monotonic()
        try:
            while not self._stop_asked.is_set():
                self._act()
                self._stop_asked.wait(self._random.uniform(0, self._habits.pause))
        except BaseException as error:  # noqa: BLE001
            self.failure = error
        finally:
            for connection in self._connections.values():
                connection.close()

    # What to do

    def _act(self) -> None:
        key = self._choose_key()
        dice = self._random.random()
        if key[0] == "immutable":
            return self._act_on_immutable(key, dice)
        if dice < 0.30:
            self._put(key, self._chains.get(key, NOTHING))
        elif dice < 0.37:
            self._put(key, NOTHING)
        else:
            seen = self._get(key)
            if seen is None or dice > 0.85:
                return
            if dice < 0.45 and key[0] in DELETABLE and seen[0] is not None:
                self._remove(key, seen)
            else:
                self._put(key, seen)

    def _act_on_immutable(self, key: KeyName, dice: float) -> None:
        if dice < 0.4:
            self._put(key, NOTHING)
            return
        seen = self._get(key)
        if seen is not None and seen[1] and dice > 0.9:
            # What is there already may be written again.
            self._put(key, NOTHING, name=next(iter(seen[1])))

    def _choose_key(self) -> KeyName:
        habits = self._habits
        type = self._random.choices(list(habits.types), list(habits.types.values()))[0]
        shared = self._random.random() < habits.share_of_shared
        if type == "immutable":
            # They are soon decided, so there are new ones all the time.
            generation = int((time.monotonic() - self._begun) / IMMUTABLE_SECONDS)
            number = self._random.randrange(max(1, habits.shared_keys // 4))
            return type, f"shared-{generation}-{number}" if shared else f"{self.name}-{self._count // 25}"
        if shared:
            return type, f"shared-{self._random.randrange(habits.shared_keys)}"
        return type, f"{self.name}-{self._random.randrange(habits.own_keys)}"

    def _choose_node(self) -> Optional[str]:
        now = time.monotonic()
        nodes = [node for node in list(self._ports) if self._avoided.get(node, 0) < now]
        return self._random.choice(nodes) if nodes else None

    # Doing it

    def _get(self, key: KeyName) -> Optional[Seen]:
        begun = self._begin("get", key, None, frozenset())
        if begun is None:
            return None
        operation, connection = begun
        answer = self._ask(operation, lambda: connection.get(*key, query=self._habits.read_query))
        if answer is None or answer.status not in (200, 300, 404):
            return None
        operation.shown, operation.number = answer.values, answer.number
        return answer.token, frozenset(answer.values)

    def _put(self, key: KeyName, seen: Seen, name: Optional[str] = None) -> None:
        self._count += 1
        begun = self._begin("put", key, name or f"{self.name}.{self._count}", seen[1])
        if begun is None:
            return
        operation, connection = begun
        wants_body = self._random.random() < 0.15
        query = "&".join(filter(None, [
            self._habits.write_query, "returnbody=true" if wants_body else "", self._strictness(operation)]))
        # The same name has the same content, so that it can be written again.
        value = f"{operation.name} {'x' * (zlib.crc32((operation.name or '').encode()) % self._habits.filling)}"
        # The chain has broken unless the answer says how it goes on.
        self._chains.pop(key, None)
        answer = self._ask(operation, lambda: connection.put(*key, value, seen[0], query))
        if answer is None or answer.status not in (200, 204, 300):
            return
        operation.number = answer.number
        if wants_body:
            operation.shown = answer.values
        shown = frozenset(answer.values) if wants_body else frozenset([operation.name or ""])
        self._chains[key] = answer.token, shown

    def _remove(self, key: KeyName, seen: Seen) -> None:
        self._count += 1
        begun = self._begin("delete", key, f"{self.name}.{self._count}.delete", seen[1])
        if begun is None:
            return
        operation, connection = begun
        query = "&".join(filter(None, [self._habits.write_query, self._strictness(operation)]))
        self._chains.pop(key, None)
        self._ask(operation, lambda: connection.delete(*key, seen[0] or "", query))

    def _strictness(self, operation: Operation) -> str:
        if not self._habits.has_fallbacks or operation.type == "versioned":
            return ""
        operation.strict = self._random.random() < 0.5
        return "pw=quorum" if operation.strict else ""

    def _begin(
        self, kind: str, key: KeyName, name: Optional[str], seen: FrozenSet[str],
    ) -> Optional[Tuple[Operation, Connection]]:
        node = self._choose_node()
        if node is None:
            return None
        if node not in self._connections:
            self._connections[node] = Connection(self._ports[node])
        operation = Operation(
            kind, key[0], key[1], self.name, node, time.monotonic(), name, seen, self._habits.strict)
        return operation, self._connections[node]

    def _ask(self, operation: Operation, request: Callable[[], Answer]) -> Optional[Answer]:
        """Sends a request and notes what came of it."""
        try:
            answer = request()
        except NotSent:
            self.not_sent += 1
            self._avoided[operation.node] = time.monotonic() + AVOID_REFUSING_SECONDS
            return None
        except NoAnswer as error:
            operation.text = str(error)
            operation.end(UNKNOWN, time.monotonic())
            self.operations.append(operation)
            self._avoided[operation.node] = time.monotonic() + AVOID_SILENT_SECONDS
            return None
        operation.status, operation.text, operation.may_retry = answer.status, answer.text, answer.may_retry
        operation.end(_outcome(operation.kind, answer.status), time.monotonic())
        self.operations.append(operation)
        return answer


def _outcome(kind: str, status: int) -> str:
    if status in (200, 204, 300) or (kind == "get" and status == 404):
        return ACKNOWLEDGED
    # "Not found" says of a delete that there was nothing to do; any other status below 500 that nothing was done.
    return REFUSED if 400 <= status < 500 else UNKNOWN


class Load:
    """A number of clients that work until they are told to stop."""

    def __init__(self, ports: Dict[str, int], count: int, seed: int, habits: Habits, prefix: str = "c") -> None:
        # Shared by all clients: a node that is added here gets requests from then on.
        self.ports = dict(ports)
        self._stop = threading.Event()
        source = random.Random(seed)
        self.clients = [
            Client(f"{prefix}{number}", self.ports, source.getrandbits(60), habits, self._stop)
            for number in range(1, count + 1)]
        self.begun = time.monotonic()
        self.ended = self.begun

    def start(self) -> "Load":
        self.begun = time.monotonic()
        for client in self.clients:
            client.start()
        return self

    def stop(self) -> List[Operation]:
        """Waits until every request has been answered, and returns all of them."""
        self._stop.set()
        for client in self.clients:
            client.join(60)
            if client.is_alive():
                raise AssertionError(f"client {client.name} does not end")
            if client.failure is not None:
                raise client.failure
        self.ended = time.monotonic()
        return self.operations()

    def operations(self) -> List[Operation]:
        return [operation for client in self.clients for operation in list(client.operations)]


def read_everything(
    ports: Dict[str, int], keys: Sequence[KeyName], query: str, threads: int = 4,
) -> Dict[str, Dict[KeyName, Answer]]:
    """Reads keys from every node. What a node does not answer is asked again, a few times."""
    found: Dict[str, Dict[KeyName, Answer]] = {node: {} for node in ports}
    failures: List[BaseException] = []

    def read(node: str, part: Sequence[KeyName]) -> None:
        connection = Connection(ports[node])
        try:
            for key in part:
                for attempt in range(20):
                    try:
                        answer = connection.get(*key, query=query)
                    except (NoAnswer, NotSent) as error:
                        answer = Answer(0, (), None, None, str(error), True)
                    if answer.status in (200, 300, 404):
                        break
                    time.sleep(0.25)
                found[node][key] = answer
        except BaseException as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    workers = [
        threading.Thread(target=read, args=(node, keys[offset::threads]), daemon=True)
        for node in ports for offset in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return found
