"""The drawn queue: ten batches of a generator kept at once, as a probe found them."""

from dataclasses import dataclass

from pitfalls.results import Labels, Probe, Slot

DRAWN = {3: "reused_inputs", 4: "fresh_arrays"}
"""The listings whose probes are drawn: one buffer that is refilled, and arrays of their own."""


@dataclass(frozen=True)
class DrawnQueue:
    """A full queue of references, and where they lead."""

    probe: Probe

    @property
    def name(self) -> str:
        """The generator."""
        return self.probe.generator or DRAWN[self.probe.listing or 0]

    @property
    def slots(self) -> list[Slot]:
        """The first row of each batch, the newest last."""
        return self.probe.queue

    @property
    def is_one_buffer(self) -> bool:
        """Whether all references lead to one array."""
        return self.probe.buffers == 1

    @property
    def fitting(self) -> list[int]:
        """The places whose label fits the inputs that their reference leads to, from 1."""
        return [at for at, slot in enumerate(self.slots, start=1) if slot.fits]

    @property
    def by_chance(self) -> list[int]:
        """The places whose label fits though its inputs are gone: all but the newest of one buffer."""
        return [at for at in self.fitting if at < len(self.slots)] if self.is_one_buffer else []

    @property
    def first_inputs(self) -> list[list[int]]:
        """The first row of the two yields that the probe kept."""
        return [[int(value) for value in inputs[0]] for inputs in self.probe.yields]

    @property
    def first_labels(self) -> list[float]:
        """The labels of these rows."""
        return [flat(labels)[0] for labels in self.probe.labels]


def queues(probes: list[Probe]) -> list[DrawnQueue]:
    """Return the two queues to draw, none that was not probed."""
    by_listing = {probe.listing: probe for probe in probes if probe.queue}
    return [DrawnQueue(by_listing[listing]) for listing in DRAWN if listing in by_listing]


def flat(labels: Labels) -> list[float]:
    """Return a batch's labels without their last axis, if they have one."""
    return [label[0] if isinstance(label, list) else label for label in labels]
