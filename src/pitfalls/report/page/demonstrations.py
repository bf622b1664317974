"""Demonstrations: the charts of one experiment each, as Vega-Lite specifications.

Listing 1's hundred epochs, the alignment lottery, and the differences of one batch. These last
are drawn on a canvas: 4096 squares would be 4096 elements.
"""

from typing import Any

import numpy as np

from pitfalls.claims import closed_forms as expectations
from pitfalls.lab.generators import fresh_arrays
from pitfalls.report.page.charts import EFFECT_SCALE, Spec, dashed, layered
from pitfalls.report.page.listings import ARTICLE_LOSSES
from pitfalls.report.page.stories import short

SLIDER_SIGNAL = "from_epoch"

LOTTERY_AXIS = {"labelAngle": 0, "labelOverlap": True, "labelSeparation": 5}


def listing_1(entry: dict[str, Any], high: int) -> Spec:
    """Draw listing 1's loss by epoch, what the article printed, and the variance that both must reach."""
    ours = [
        {"epoch": at, "loss": loss, "by": "measured here"} for at, loss in enumerate(entry["loss"], start=1)
    ]
    printed = [{"epoch": at, "loss": loss, "by": "printed in 2019"} for at, loss in ARTICLE_LOSSES.items()]
    floor = expectations.variance_of_mean(high)
    shown = [{"filter": f"datum.epoch >= {SLIDER_SIGNAL}"}]
    epoch = {
        "field": "epoch",
        "type": "quantitative",
        "axis": {"tickMinStep": 1, "grid": False},
        "scale": {"zero": False},
    }
    axis = {"grid": True, "tickCount": 6}
    loss = {"field": "loss", "type": "quantitative", "title": "loss", "scale": {"zero": False}, "axis": axis}
    tooltip = [
        {"field": "by", "title": "loss"},
        {"field": "epoch"},
        {"field": "loss", "format": ".2f", "title": "value"},
    ]
    return layered(
        dashed("y", floor),
        {
            "data": {"values": [{"text": f"{floor:g}"}]},
            "mark": {
                "type": "text",
                "align": "right",
                "baseline": "bottom",
                "dx": -60,
                "dy": -5,
                "color": "var(--ink)",
            },
            "encoding": {"y": {"datum": floor}, "x": {"value": "width"}, "text": {"field": "text"}},
        },
        {
            "data": {"values": ours},
            "transform": shown,
            "mark": {"type": "line", "color": "var(--bites-ink)", "strokeWidth": 2},
            "encoding": {"x": epoch, "y": loss},
        },
        {
            "data": {"values": ours},
            "transform": shown,
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 0, "color": "var(--bites-ink)"},
            "encoding": {"x": epoch, "y": loss, "tooltip": tooltip},
        },
        {
            "data": {"values": printed},
            "transform": shown,
            "mark": {
                "type": "point",
                "shape": "diamond",
                "size": 80,
                "filled": True,
                "opacity": 1,
                "color": "var(--ink)",
            },
            "encoding": {"x": epoch, "y": loss, "tooltip": tooltip},
        },
        height=280,
        params=[{"name": SLIDER_SIGNAL, "value": 1}],
    )


def lottery(results: list[dict[str, Any]], allocations: dict[int, int]) -> Spec:
    """Draw the measured loss of one program by the address offset of its buffer.

    Args:
        results: A run at each offset.
        allocations: How many arrays that NumPy allocated began at each offset: points there are filled.
    """
    rows = [
        {
            "offset": run["buffer_address_mod_64"]["inputs"],
            "loss": run["final_loss"],
            "text": short(run["final_loss"]),
            "broken": run["broken_rows"],
            "effect": "bites" if run["final_loss"] > 1 else "repaired",
            "began": allocations.get(run["buffer_address_mod_64"]["inputs"], 0),
        }
        for run in results
    ]
    x = {
        "field": "offset",
        "type": "ordinal",
        "title": "address of the buffer, modulo 64",
        "axis": LOTTERY_AXIS,
    }
    y = {"field": "loss", "type": "quantitative", "title": "loss", "axis": {"tickCount": 4}}
    colour = {"field": "effect", "scale": EFFECT_SCALE, "legend": None}
    tooltip = [
        {"field": "offset", "title": "address modulo 64"},
        {"field": "loss", "format": ".4g"},
        {"field": "broken", "format": ".1%", "title": "rows apart"},
        {"field": "began", "title": "arrays of np.zeros that began here"},
    ]
    encoding = {"x": x, "y": y, "color": colour, "tooltip": tooltip}
    return layered(
        {"mark": {"type": "bar", "width": 3}, "encoding": encoding},
        {"mark": {"type": "point", "size": 110, "opacity": 1, "fill": "var(--paper)"}, "encoding": encoding},
        {
            "transform": [{"filter": "datum.began > 0"}],
            "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
            "encoding": encoding,
        },
        {
            "mark": {"type": "text", "dy": -14, "color": "var(--ink)"},
            "encoding": {"x": x, "y": y, "text": {"field": "text"}},
        },
        height=220,
        data={"values": rows},
    )


def batch_labels(high: int, batch_size: int) -> list[float]:
    """Return the labels of the first batch at seed 0, which a perfect model predicts."""
    _, labels_b1 = next(fresh_arrays(np.random.default_rng(0), high, batch_size))
    return [float(label) for label in labels_b1[:, 0]]


def differences(labels: list[float], columns: int) -> Spec:
    """Draw label minus prediction, of each with each (b columns) or of each with its own (1 column).

    In the square, what belongs together has a border.
    """
    rows = len(labels)
    of_column = "datum.prediction" if columns > 1 else "datum.label"
    index = {"type": "ordinal", "axis": None}
    # One column has no scale to give it a width.
    across = (
        {"x": index | {"field": "prediction"}}
        if columns > 1
        else {"x": {"value": 0}, "x2": {"value": "width"}}
    )
    belongs = {"test": "datum.label === datum.prediction", "value": 0.8 if columns > 1 else 0}
    border = {"condition": belongs, "value": 0}
    reach = max(labels) - min(labels)
    colour = {
        "field": "difference",
        "type": "quantitative",
        "scale": {
            "domain": [-reach, 0, reach],
            "range": ["#0b5fa5", "#fbfaf7", "#b34700"],
            "interpolate": "rgb",
        },
        "legend": None,
    }
    tooltip = [
        {"field": "label", "title": "label of row"},
        {"field": "prediction", "title": "prediction of row"},
        {"field": "difference", "format": "+.1f"},
    ]
    return {
        "width": "container",
        "height": "container",
        "padding": 0,
        "params": [{"name": "values", "value": labels}],
        "data": {"sequence": {"start": 0, "stop": rows * columns, "as": "k"}},
        "transform": [
            {"calculate": f"floor(datum.k / {columns})", "as": "label"},
            {"calculate": f"datum.k % {columns}" if columns > 1 else "datum.k", "as": "prediction"},
            {"calculate": f"values[datum.label] - values[{of_column}]", "as": "difference"},
        ],
        "mark": {"type": "rect", "stroke": "#1c2126"},
        "encoding": {
            "y": index | {"field": "label"},
            **across,
            "color": colour,
            "strokeWidth": border,
            "tooltip": tooltip,
        },
    }
