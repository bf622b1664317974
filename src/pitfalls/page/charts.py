"""Charts of every run: Vega-Lite specifications, as plain data.

Colours are names of the page's style sheet (`var(--bites)`), so that light, dark and print
need no second drawing.
"""

from typing import Any

from pitfalls.page.gathering import CellKey, Material, cell_key
from pitfalls.page.stories import EFFECTS, tone
from pitfalls.tables import number

Spec = dict[str, Any]

LOSS_SCALE = {"type": "symlog", "constant": 0.001, "domain": [0, 3000], "nice": False, "clamp": True}
"""Logarithmic, but with a place for 0: a perfect model's loss."""

LOSS_AXIS = {"values": [0, 0.01, 1, 100], "title": None, "labelExpr": "datum.value"}

EFFECT_SCALE = {"domain": list(EFFECTS), "range": [f"var(--{effect}-ink)" for effect in EFFECTS]}


def layered(*layers: Spec, **rest: Any) -> Spec:
    """Return layers drawn over each other, as wide as the page gives them room."""
    return {"width": "container", **rest, "layer": list(layers)}


def dashed(channel: str, at: float) -> Spec:
    """Return a dashed line across the chart at a value of x or y."""
    mark = {"type": "rule", "strokeDash": [5, 3], "color": "var(--claim)"}
    return {
        "data": {"values": [{}]},
        "mark": mark,
        "encoding": {channel: {"datum": at, "type": "quantitative"}},
    }


def curves(material: Material) -> list[dict[str, Any]]:
    """Return the loss by epoch of every cell, a line for each seed, and the floor that is claimed."""
    entries = {cell_key(entry["cell"]): entry for entry in material.verdicts["cells"]}
    return [
        {
            "id": "/".join(key),
            "tone": tone(entries[key]["effect"]),
            "effect": entries[key]["effect"],
            "cell": entries[key]["cell"],
            "floor": entries[key]["claim"]["loss"],
            "losses": {
                str(run["cell"]["seed"]): [float(f"{loss:.5g}") for loss in run["loss"]] for run in runs
            },
        }
        for key, runs in in_order(material)
    ]


def in_order(material: Material) -> list[tuple[CellKey, list[dict[str, Any]]]]:
    """Return the judged cells that have results, model by model, generator by generator."""
    judged = {cell_key(entry["cell"]) for entry in material.verdicts["cells"]}
    axes = material.axes
    keys = [(r, g, m) for m in axes["model"] for g in axes["generator"] for r in axes["runtime"]]
    return [(key, material.runs[key]) for key in keys if key in judged and key in material.runs]


def curve(height: int, axis: Spec) -> Spec:
    """Return the empty chart of one cell: the page puts its rows, its floor and its colour into it."""
    epoch = {
        "field": "epoch",
        "type": "quantitative",
        "title": None,
        "axis": axis | {"tickMinStep": 1, "grid": False},
        "scale": {"zero": False, "nice": False},
    }
    loss = {"field": "loss", "type": "quantitative", "scale": LOSS_SCALE, "axis": LOSS_AXIS}
    seed = {"field": "seed", "type": "nominal"}
    tooltip = [seed, {"field": "epoch"}, {"field": "loss", "format": ".4g"}]
    colour = {"field": "colour", "type": "nominal", "scale": None}
    return layered(
        {
            "data": {"name": "floor", "values": []},
            "mark": {"type": "rule", "strokeDash": [4, 3], "color": "var(--claim)"},
            "encoding": {"y": loss, "tooltip": [{"field": "loss", "title": "claimed", "format": ".4g"}]},
        },
        {
            "data": {"name": "rows", "values": []},
            "mark": {"type": "line", "strokeWidth": 1.2, "opacity": 0.85},
            "encoding": {"x": epoch, "y": loss, "detail": seed, "color": colour},
        },
        {
            "data": {"name": "rows"},
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0},
            "encoding": {"x": epoch, "y": loss, "tooltip": tooltip},
        },
        height=height,
    )


def predictions(material: Material, truth: float, constant: float) -> Spec:
    """Draw what every trained model answers to one pair, beside the true mean and the mean of all means."""
    rows = [
        {
            "generator": key[1],
            "runtime": key[0],
            "seed": run["cell"]["seed"],
            "answer": run["prediction"]["value"],
            "effect": tone(entry["effect"]),
        }
        for entry in material.verdicts["cells"]
        for key in [cell_key(entry["cell"])]
        for run in material.runs.get(key, [])
        if run.get("prediction") and run["mechanism"]["trainable_parameters"]
    ]
    x = {"field": "answer", "type": "quantitative", "title": "answer", "scale": {"zero": False, "nice": True}}
    tooltip = [{"field": name} for name in ("runtime", "generator", "seed", "effect")]
    return layered(
        dashed("x", truth),
        dashed("x", constant),
        by_generator(material, x, "runtime", [*tooltip, {"field": "answer", "format": ".2f"}]),
        data={"values": rows},
        height=40 * len(material.axes["generator"]),
    )


def misses(material: Material) -> Spec:
    """Draw how far each cell's loss is from its claim, in tolerances: a claim fails beyond 1."""
    rows = [
        {
            **entry["cell"],
            "miss": (entry["measured"] - entry["claim"]["loss"]) / (entry["claim"]["tolerance"] or 1),
            "claimed": number(entry["claim"]["loss"]),
            "measured": number(entry["measured"]),
            "effect": tone(entry["effect"]),
            "verdict": entry["verdict"],
        }
        for entry in material.verdicts["cells"]
    ]
    reach = max([1.25, *(abs(row["miss"]) * 1.1 for row in rows)])
    x = {
        "field": "miss",
        "type": "quantitative",
        "title": "distance from the claim, in tolerances",
        "scale": {"domain": [-reach, reach], "nice": False},
    }
    tooltip = [
        {"field": name} for name in ("runtime", "generator", "model", "claimed", "measured", "verdict")
    ]
    return layered(
        dashed("x", -1),
        dashed("x", 1),
        by_generator(material, x, "model", tooltip),
        data={"values": rows},
        height=40 * len(material.axes["generator"]),
    )


def by_generator(material: Material, x: Spec, apart: str, tooltip: list[Spec]) -> Spec:
    """Return points in a band for each generator, another axis a little apart within it."""
    shape = {
        "field": "verdict",
        "scale": {"domain": ["pass", "fail"], "range": ["circle", "cross"]},
        "legend": None,
    }
    return {
        "mark": {"type": "point", "filled": True, "size": 50, "opacity": 0.85},
        "encoding": {
            "y": {
                "field": "generator",
                "type": "nominal",
                "sort": material.axes["generator"],
                "title": None,
                "axis": {"labelLimit": 160, "grid": True, "tickBand": "extent", "labelFontSize": 11},
            },
            "x": x,
            "yOffset": {"field": apart, "type": "nominal", "sort": material.axes[apart]},
            "color": {"field": "effect", "type": "nominal", "scale": EFFECT_SCALE, "legend": None},
            "tooltip": tooltip,
        }
        | ({"shape": shape} if apart == "model" else {}),
    }
