"""Simulate: the engine's own code under an event heap, on a clock that is a number."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.core.errors import ConfigError
from headrace.engine.request import Chunk, Request, Served
from headrace.engine.simulator.replica import Machine, Replica

#: Chooses a replica for a request: a pure function of what the replicas hold, the request, its number and name.
Route = Callable[[Sequence[Replica], Request, int, str], int]
#: Gives the seconds of a tick: of the replica's number, its rows and what its cost model predicts.
Duration = Callable[[int, Sequence[tuple[int, int]], float], float]


@dataclass
class Outcome:
    """What a simulated run brought.

    Attributes:
        served: by request, in the order given.
        ticks: how many each replica ran.
        busy: seconds that each replica ran.
        end: when the last was over, ns.
    """

    served: list[Served]
    ticks: list[int] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    end: int = 0


def simulate(
    requests: Sequence[Request],
    machines: Machine | Sequence[Machine],
    *,
    route: Route | None = None,
    duration: Duration | None = None,
    until: int | None = None,
    make: Callable[[Machine, int], Replica] = Replica,
    told: Callable[[int], None] | None = None,
) -> Outcome:
    """Run requests through one machine or a cluster.

    Args:
        requests: in any order.
        machines: one, or one a replica.
        route: which replica gets a request whose session is nowhere yet; None: each in turn.
        duration: of ticks; None: as predicted by the machine's cost model.
        until: clock time at which the run is cut, ns; what was not served by then has no end.
        make: makes the replica of a machine and its number.
        told: called with the clock time, ns, before what happens then.

    Raises:
        ConfigError: there is no machine, or a route to none.
    """
    group = [machines] if isinstance(machines, Machine) else list(machines)
    if not group:
        raise ConfigError("simulate: give a machine at least")
    replicas = [make(machine, number) for number, machine in enumerate(group)]
    outcome = Outcome([Served(one, one.arrival) for one in requests], [0] * len(group), [0.0] * len(group))
    heap: list[tuple[int, int, str, Any]] = []
    for number, request in enumerate(requests):
        heap.append((request.arrival, number, "arrive", number))
    heapq.heapify(heap)
    order = len(requests)
    homes: dict[str, int] = {}
    now = 0
    while heap:
        if until is not None and heap[0][0] > until:
            break
        now = heap[0][0]
        if told is not None:
            told(now)
        touched: set[int] = set()
        while heap and heap[0][0] == now:
            _, _, what, payload = heapq.heappop(heap)
            if what == "tick":
                number, seconds = payload
                replicas[number].finish(now, seconds)
                touched.add(number)
                continue
            at, chunk = payload if what == "chunk" else (payload, None)
            served = outcome.served[at]
            request, name = served.request, served.request.session or f"r{at}"
            if isinstance(chunk, Chunk):
                replicas[homes[name]].more(served, name, chunk, now)
            else:
                if name not in homes:
                    homes[name] = _home(route, replicas, request, at, name)
                replicas[homes[name]].arrive(served, name, now)
                for later in request.chunks:
                    order += 1
                    heapq.heappush(heap, (request.arrival + later.after, order, "chunk", (at, later)))
            touched.add(homes[name])
        for number in sorted(touched):
            replica = replicas[number]
            if replica.step is not None:
                continue
            seconds = replica.begin(now)
            if seconds is None or replica.step is None:
                continue
            if duration is not None:
                seconds = duration(number, replica.step.plan.rows, seconds)
            outcome.ticks[number] += 1
            outcome.busy[number] += seconds
            order += 1
            heapq.heappush(heap, (now + max(round(seconds * 1e9), 1), order, "tick", (number, seconds)))
    outcome.end = now
    return outcome


def _home(route: Route | None, replicas: Sequence[Replica], request: Request, number: int, name: str) -> int:
    if route is None:
        return number % len(replicas)
    chosen = route(replicas, request, number, name)
    if not 0 <= chosen < len(replicas):
        raise ConfigError(f"the route of request {number} leads to replica {chosen} of {len(replicas)}")
    return chosen
