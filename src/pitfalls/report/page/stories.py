"""Stories: each cell of the matrix in words, numbers and a command to run it again."""

from typing import Any

from pitfalls.claims import closed_forms as expectations
from pitfalls.report.page.gathering import CellKey, Material, cell_key
from pitfalls.report.page.guarding import guard_says
from pitfalls.report.tables import claim_text, number
from pitfalls.verdicts.run import mechanism_of

EFFECTS = {
    "bites": "the loss shows it: the model learns the wrong thing, or nothing",
    "masked": "it is in the data and not in the loss; a race or a new loss would let it out",
    "repaired": "the framework hides it, by a copy or by aligning ranks",
    "clean": "there is no bug in this cell",
}
"""What can become of a bug, from worst to best."""


def heat_maps(material: Material) -> list[dict[str, Any]]:
    """Return a map for each model: generators as rows, runtimes as columns, a story or None in each."""
    told = stories(material)
    return [
        {
            "model": model,
            "about": material.options["model"].get(model, ""),
            "rows": [
                {"generator": g, "cells": [told.get((r, g, model)) for r in material.axes["runtime"]]}
                for g in material.axes["generator"]
            ],
        }
        for model in material.axes["model"]
    ]


def stories(material: Material) -> dict[CellKey, dict[str, Any]]:
    """Return the story of each judged cell."""
    entries = {cell_key(entry["cell"]): entry for entry in material.verdicts["cells"]}
    return {key: story(entry, material.runs.get(key, []), material) for key, entry in entries.items()}


def story(entry: dict[str, Any], runs: list[dict[str, Any]], material: Material) -> dict[str, Any]:
    """Return one cell as the page tells it."""
    cell, low_high = entry["cell"], entry["interval"]
    return {
        "id": "/".join(cell_key(cell)),
        "cell": cell,
        "about": {axis: material.options[axis].get(name, "") for axis, name in cell.items()},
        "effect": entry["effect"],
        "tone": tone(entry["effect"]),
        "failed": entry["verdict"] == "fail",
        "reasons": entry["reasons"],
        "bugs": bugs_of(runs),
        "measured": number(entry["measured"]),
        "measured_short": short(entry["measured"]),
        "interval": " to ".join(number(loss) for loss in low_high),
        "claimed": claim_text(entry["claim"]),
        "claimed_short": short(entry["claim"]["loss"]),
        "is_race": entry["claim"]["kind"] == "race",
        "formula": entry["claim"]["formula"],
        "reason": sentence(entry["claim"]["reason"]),
        "broken_rows": f"{entry['broken_rows']:.1%}",
        "seeds": [seed_row(run) for run in runs],
        "shapes": shape_rows(runs[0]["shapes"]) if runs else [],
        "guard": guard_says(entry, material),
        "command": command(cell),
    }


def shape_rows(shapes: dict[str, list[int | None]]) -> list[tuple[str, str]]:
    """Return the shapes that meet in the loss, and the difference before Keras repaired it where it did."""
    rows = [("labels", shapes["labels"]), ("prediction", shapes["prediction"])]
    if shapes["loss_difference_before_repair"] != shapes["loss_difference"]:
        rows.append(("difference, unrepaired", shapes["loss_difference_before_repair"]))
    rows.append(("difference in the loss", shapes["loss_difference"]))
    return [(name, str(tuple(shape))) for name, shape in rows]


def seed_row(run: dict[str, Any]) -> dict[str, Any]:
    """Return what one seed of a cell measured."""
    offsets = run["buffer_address_mod_64"]
    return {
        "seed": run["cell"]["seed"],
        "loss": number(run["final_loss"]),
        "broken": f"{run['broken_rows']:.1%}",
        "repeated": f"{run['repeated_batches']:.1%}",
        "answer": f"{run['prediction']['value']:.2f}" if run.get("prediction") else "",
        "addresses": ", ".join(f"{name} {at}" for name, at in offsets.items() if at is not None)
        or "none reused",
    }


def bugs_of(runs: list[dict[str, Any]]) -> list[str]:
    """Return which of the two bugs a cell carries: aliasing, broadcasting."""
    if not runs:
        return []
    m = mechanism_of(runs[0])
    carried = {"aliasing": expectations.has_aliasing(m), "broadcasting": expectations.has_rank_bug(m)}
    return [bug for bug, is_there in carried.items() if is_there]


def command(cell: dict[str, Any], seed: int = 0) -> str:
    """Return the line that runs a cell again."""
    options = " ".join(f"{axis}={cell[axis]}" for axis in ("runtime", "generator", "model"))
    return f"python src/train.py {options} seed={seed}"


def tone(effect: str) -> str:
    """Return the colour's name of an effect; seeds that disagree take the worst of theirs."""
    return next((name for name in EFFECTS if name in effect), "clean")


def short(loss: float) -> str:
    """Print a loss without decimals, and a small one with two digits."""
    return f"{loss:.0f}" if loss >= 10 else f"{loss:.2g}"


def sentence(text: str) -> str:
    """Begin a text with a capital letter, unless it begins with a name in code."""
    return text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def answers(material: Material) -> list[dict[str, Any]]:
    """Say for each runtime how often each bug bites where it is the only one."""
    told = stories(material)
    return [
        {
            "runtime": runtime,
            "about": sentence(material.options["runtime"].get(runtime, "")),
            "bugs": [answer(bug, [s for key, s in told.items() if key[0] == runtime]) for bug in BUGS],
        }
        for runtime in material.axes["runtime"]
    ]


BUGS = ("aliasing", "broadcasting")


def answer(bug: str, cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Say how often one bug bites in cells that carry no other."""
    alone = [one for one in cells if one["bugs"] == [bug]]
    bitten = [one for one in alone if "bites" in one["effect"]]
    return {
        "bug": bug,
        "word": "bites" if bitten else "stays hidden" if alone else "not tried",
        "tone": "bites" if bitten else "repaired",
        "bitten": len(bitten),
        "of": len(alone),
        "by": list(dict.fromkeys(one["cell"]["generator"] for one in bitten)),
    }
