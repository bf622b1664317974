"""The article's eight listings: the idea of each in a few lines, beside what it printed and what was measured."""

from typing import Any

from pitfalls.page.stories import sentence, tone
from pitfalls.tables import claim_text, fits_text, losses_text

IDEAS = {
    1: (
        "One inputs buffer, refilled",
        "x = np.zeros((64, 2))      # once\nwhile True:\n    refill(x)\n    y = x.mean(axis=1)\n    yield x, expand_dims(y, -1)",
    ),
    2: (
        "Inputs and labels both refilled",
        "x = np.zeros((64, 2))      # once\ny = np.zeros(64)           # once\nwhile True:\n    refill(x, y)\n    yield x, expand_dims(y, -1)",
    ),
    3: (
        "Two yields, held together",
        "batches = listing_1(batch_size=1)\na = next(batches)\nb = next(batches)\nprint(a, b)  # a's inputs are b's",
    ),
    4: (
        "Fix: allocate in the loop",
        "while True:\n    x = np.zeros((64, 2))  # each time\n    refill(x)\n    yield x, labels_of(x)",
    ),
    5: (
        "Fix: yield a copy",
        "x = np.zeros((64, 2))      # once\nwhile True:\n    refill(x)\n    yield np.copy(x), labels_of(x)",
    ),
    6: (
        "Labels without their last axis",
        "while True:\n    x = draw()\n    yield x, x.mean(axis=1)  # (64,)\n# the model ends in Dense(1): (64, 1)",
    ),
    7: (
        "A perfect model, no training",
        "model = Lambda(lambda x: expand_dims(\n    mean(x, axis=-1), -1))   # (64, 1)",
    ),
    8: (
        "The same, one axis short",
        "model = Lambda(lambda x:\n    mean(x, axis=-1))        # (64,)\n# labels are (64, 1): 64 x 64 errors",
    ),
}
"""A title and the code idea of each listing."""

ARTICLE_LOSSES = {1: 1044.08, 2: 713.52, 3: 708.11, 98: 415.05, 99: 416.69, 100: 417.24}
"""What the article printed for listing 1, by epoch."""


def cards(verdicts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a card for each of the article's listings, in order; one that was not run says so."""
    entries = {entry["listing"]: entry for entry in verdicts["listings"]}
    return [
        {"number": listing, "title": title, "code": code, "seen": seen(entries.get(listing))}
        for listing, (title, code) in IDEAS.items()
    ]


def seen(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what a listing measured, or None if it was not run."""
    if entry is None:
        return None
    is_probe = entry["claim"]["kind"] == "probe"
    script = "probe" if is_probe else "train"
    claim = entry["claim"]
    answer = entry.get("prediction")
    return {
        "printed": sentence(entry["printed"]),
        "measured": sentence(fits_text(entry["measured"]) if is_probe else losses_text(entry["loss"])),
        "claimed": sentence(fits_text(claim["fits"])) if is_probe else claim_text(claim),
        "formula": "" if is_probe else claim["formula"],
        "answer": f"{answer['value']:.2f}" if answer else "",
        "effect": entry["effect"],
        "tone": tone(entry["effect"]),
        "failed": entry["verdict"] == "fail",
        "command": f"python src/{script}.py experiment=listing_{entry['listing']}",
    }
