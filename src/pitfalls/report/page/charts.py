"""Charts of every run: Vega-Lite specifications, as plain data.

Colours are names of the page's style sheet (`var(--bites)`), so that light, dark and print
need no second drawing.
"""

import itertools
from typing import Any

from pitfalls.report.page.gathering import CellKey, Material, cell_key
from pitfalls.report.page.stories import EFFECTS, tone
from pitfalls.report.tables import number

Spec = dict[str, Any]

LOSS_SCALE = {"type": "symlog", "constant": 0.001, "domain": [0, 3000], "nice": False, "clamp": True}
"""Logarithmic, but with a place for 0: a perfect model's loss."""

LOSS_AXIS = {"values": [0, 0.01, 1, 100], "title": None, "labelExpr": "datum.value"}

SHAPES = {"circle": "○", "square": "□", "triangle-up": "△", "diamond": "◇", "triangle-down": "▽"}
"""A shape for each seed, and its sign in text: lines that lie on each other can be told apart, points cannot."""

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
            "losses": {seed_of(run): [digits(loss, 5) for loss in run["loss"]] for run in runs},
            "truths": [digits(sum(pair) / 2, 4) for pair in runs[0]["answers"]["inputs"]],
            "answers": {
                seed_of(run): [digits(value, 4) for value in run["answers"]["values"]] for run in runs
            },
        }
        for key, runs in in_order(material)
    ]


def seed_of(run: dict[str, Any]) -> str:
    """Return a run's seed, as the page names it."""
    return str(run["cell"]["seed"])


def digits(value: float, how_many: int) -> float:
    """Round to some digits that count: the page carries thousands of numbers."""
    return float(f"{value:.{how_many}g}")


def in_order(material: Material) -> list[tuple[CellKey, list[dict[str, Any]]]]:
    """Return the judged cells that have results, model by model, generator by generator."""
    judged = {cell_key(entry["cell"]) for entry in material.verdicts["cells"]}
    axes = material.axes
    keys = [(r, g, m) for m in axes["model"] for g in axes["generator"] for r in axes["runtime"]]
    return [(key, material.runs[key]) for key in keys if key in judged and key in material.runs]


def curve(height: int, axis: Spec, hover: bool) -> Spec:
    """Return the empty chart of one cell: the page puts its rows, its floor and its colour into it.

    Args:
        height: In pixels.
        axis: What the axis of epochs adds.
        hover: Whether each epoch tells its loss: a point for each is too many in dozens of charts.
    """
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
    points = {
        "data": {"name": "rows"},
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0},
        "encoding": {"x": epoch, "y": loss, "tooltip": tooltip},
    }
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
        *([points] if hover else []),
        height=height,
    )


def seed_marks(material: Material) -> dict[str, str]:
    """Return the sign of each seed's shape, to be printed in text."""
    return dict(zip(seeds_of(material), itertools.cycle(SHAPES.values()), strict=False))


def seeds_of(material: Material) -> list[str]:
    """Return every seed of the matrix, in order."""
    return [
        str(seed) for seed in sorted({run["cell"]["seed"] for runs in material.runs.values() for run in runs})
    ]


def answers(material: Material, high: int, height: int, axis: Spec, size: int) -> Spec:
    """Return the empty chart of one cell's answers against the truth, a shape for each seed.

    Args:
        material: For the seeds.
        high: Exclusive upper end of the draw: both axes reach as far as the truth can.
        height: In pixels.
        axis: What both axes share.
        size: Of a point.
    """
    scale = {"domain": [0, high - 1], "nice": False}
    reach = {"type": "quantitative", "axis": axis | {"values": [0, (high - 1) / 2, high - 1]}}
    shapes = {"domain": seeds_of(material), "range": list(SHAPES)}
    truth = reach | {"field": "truth", "scale": scale}
    answer = reach | {"field": "answer", "scale": scale | {"clamp": True}}
    return layered(
        {
            "data": {"values": [{"truth": at, "answer": at} for at in (0, high - 1)]},
            "mark": {"type": "line", "strokeDash": [4, 3], "strokeWidth": 1, "color": "var(--claim)"},
            "encoding": {"x": truth, "y": answer},
        },
        {
            "data": {"name": "answers", "values": []},
            "mark": {"type": "point", "filled": False, "strokeWidth": 1, "size": size, "opacity": 1},
            "encoding": {
                "x": truth,
                "y": answer,
                "shape": {"field": "seed", "type": "nominal", "scale": shapes, "legend": None},
                "color": {"field": "colour", "type": "nominal", "scale": None},
                "tooltip": [
                    {"field": "seed"},
                    {"field": "truth", "format": ".4g"},
                    {"field": "answer", "format": ".4g"},
                ],
            },
        },
        height=height,
    )


def answers_to_one_pair(material: Material, truth: float, constant: float) -> Spec:
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
        "title": "tolerances from the claim",
        "scale": {"domain": [-reach, reach], "nice": False},
        "axis": {"tickCount": 5},
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
