"""The alignment lottery in JAX: what cures it, and what only seems to."""

from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.project import HAND_OVER, JAX_LOOP, LOAD, OFFSET
from pitfalls.report.words import losses_at_text, share
from pitfalls.verdicts.effects import worst_of
from pitfalls.verdicts.records import Ticket

CALLS = {
    "as_it_is": "step(x)",
    "asarray": "step(jnp.asarray(x))",
    "array_copy": "step(jnp.array(x, copy=True))",
    "device_put": "step(jax.device_put(x))",
    "device_put_no_alias": "step(jax.device_put(x, may_alias=False))",
    "numpy_copy": "step(np.copy(x))",
}
"""What a user writes, by `hand_over` of conf/feed."""

WAITS = {
    "nothing": "no wait",
    "batch": "block_until_ready(batch)",
    "step": "block_until_ready(result)",
}
"""What is waited for before the next batch is made, by `waits` of conf/feed."""

HEADERS = ("what you write", *WAITS.values(), "does it cure the bug?")


@dataclass(frozen=True)
class HandOver:
    """One way to hand a batch over: its run for each thing to wait for, in the order of `WAITS`."""

    way: str
    tickets: tuple[Ticket, ...]

    @property
    def call(self) -> str:
        """What a user writes."""
        return CALLS.get(self.way, self.way)

    @property
    def conclusion(self) -> str:
        """Say whether it cures the bug without a wait for the step, from the effects that were measured."""
        effects = {ticket.waits: worst_of(ticket.effect) for ticket in self.tickets}
        if effects.get("nothing") != "bites":
            return "yes"
        if effects.get("batch") != "bites":
            return "only if you wait for the batch"
        return "no"

    @property
    def texts(self) -> list[str]:
        """The row of a table under `HEADERS`."""
        return [f"`{self.call}`", *(share(ticket.broken_rows) for ticket in self.tickets), self.conclusion]


def tickets_of(tickets: Sequence[Ticket], runtime: str, varied: str) -> list[Ticket]:
    """Return the runs of one runtime in which one key of the configuration was swept."""
    return [ticket for ticket in tickets if ticket.cell.runtime == runtime and ticket.varied == varied]


def hand_overs(tickets: Sequence[Ticket]) -> list[HandOver]:
    """Return each way to hand a batch over that was tried with everything that can be waited for."""
    tried = tickets_of(tickets, JAX_LOOP, HAND_OVER)
    by_way = {
        way: tuple(
            ticket for wait in WAITS for ticket in tried if (ticket.hand_over, ticket.waits) == (way, wait)
        )
        for way in CALLS
    }
    return [HandOver(way, found) for way, found in by_way.items() if len(found) == len(WAITS)]


def lottery_in_words(tickets: Sequence[Ticket], runtime: str) -> str:
    """Say what one runtime lost at each address."""
    losses = {ticket.offset_bytes: ticket.measured for ticket in tickets_of(tickets, runtime, OFFSET)}
    return losses_at_text(losses, "at")


def loads_in_words(tickets: Sequence[Ticket]) -> str:
    """Say which shares of the rows were broken with steps of each length."""
    shares: dict[int, list[float]] = {}
    for ticket in tickets_of(tickets, JAX_LOOP, LOAD):
        shares.setdefault(ticket.load or 0, []).append(ticket.broken_rows)
    return "; ".join(f"{', '.join(map(share, found))} with load {load}" for load, found in shares.items())
