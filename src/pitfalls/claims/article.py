"""The 2019 article: what it printed for each of its eight listings, and what its probes must show.

"Делаем нейронную сеть: как не сломать мозг" (Making a neural network: how not to break the brain),
Habr, February 2019, https://habr.com/en/articles/439038
"""

PROBE_FITS = {3: [False, True], 4: [True, True], 5: [True, True]}
"""Which of a probe's two labels must fit their inputs, by listing: a held batch of a reused buffer does not."""

PRINTED = {
    1: "415.05, 416.69, 417.24 in epochs 98 to 100",
    2: "648.92, 0.0177, 0.0030 in epochs 1 to 3",
    3: "both inputs [[44, 2]], labels 10 and 23",
    4: "[[82, 4]] 43 and [[77, 34]] 55.5",
    5: "[[63, 31]] 47 and [[94, 25]] 59.5",
    6: "learns just as well",
    7: "0.0000e+00 in every epoch",
    8: "871.63, 830.25, 830.80",
}
"""What the 2019 article reports for each of its listings."""

LOSSES_OF_LISTING_1 = {1: 1044.08, 2: 713.52, 3: 708.11, 98: 415.05, 99: 416.69, 100: 417.24}
"""What the article printed for listing 1, by epoch."""
