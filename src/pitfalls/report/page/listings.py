"""The article's eight listings: the idea of each, what the article printed, and what was measured."""

from pathlib import Path
from typing import Any

import yaml

from pitfalls.report.page.stories import sentence, tone
from pitfalls.report.tables import claim_text, fits_text, losses_text

IDEAS = Path(__file__).parent / "templates" / "listings.yaml"
"""A title and the code idea of each listing."""

ARTICLE_LOSSES = {1: 1044.08, 2: 713.52, 3: 708.11, 98: 415.05, 99: 416.69, 100: 417.24}
"""What the article printed for listing 1, by epoch."""


def cards(verdicts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a card for each of the article's listings, in order; one that was not run says so."""
    entries = {entry["listing"]: entry for entry in verdicts["listings"]}
    return [
        {"number": listing, **idea, "seen": seen(entries.get(listing))}
        for listing, idea in yaml.safe_load(IDEAS.read_text()).items()
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
