"use strict";
(() => {
  const contentOf = (id) => JSON.parse(document.getElementById(id).textContent);
  document.documentElement.classList.add("scripted");
  const charts = contentOf("charts");
  const cells = new Map(contentOf("curves").map((cell) => [cell.id, cell]));
  const font = getComputedStyle(document.body).fontFamily;
  const ink = { labelColor: "var(--quiet)", titleColor: "var(--quiet)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" };
  const config = {
    background: null, font, aria: false,
    axis: { ...ink, gridColor: "var(--rule)", domainColor: "var(--line)", tickColor: "var(--line)" },
    view: { stroke: null }, text: { fontSize: 12 }, legend: ink,
  };
  const onCanvas = new Set(["square", "column"]);
  const views = new Map();

  // Vega takes the role and the label of what it draws into: that is a child, and the frame keeps its words.
  function insideOf(frame) {
    const inside = document.createElement("div");
    inside.setAttribute("aria-hidden", "true");
    frame.append(inside);
    return inside;
  }
  function draw(frame, spec, renderer) {
    return vegaEmbed(insideOf(frame), spec, { actions: false, renderer, config }).then(({ view }) => view);
  }

  async function drawAll() {
    const all = [...document.querySelectorAll("[data-chart]")].map(async (element) => {
      const name = element.dataset.chart;
      views.set(name, await draw(element, charts[name], onCanvas.has(name) ? "canvas" : "svg"));
    });
    await Promise.all(all);
    await showCurves();
    document.body.dataset.drawn = String(Math.round(performance.now()));
  }

  // A cell's chart: one specification for all cells, parsed once, since there are dozens; with the cell's own values.
  function drawCell(frame, cell, name, width = frame.clientWidth) {
    const colour = `var(--${cell.tone}-ink)`;
    const bySeed = (lists, point) => Object.entries(lists).flatMap(([seed, list]) =>
      list.map((value, at) => ({ seed, colour, ...point(value, at) })));
    const values = name.endsWith("curve")
      ? { rows: bySeed(cell.losses, (loss, at) => ({ epoch: at + 1, loss })), floor: [{ loss: cell.floor }] }
      : { answers: bySeed(cell.answers, (answer, at) => ({ truth: cell.truths[at], answer })) };
    const last = values.rows ? Math.max(...values.rows.map((row) => row.epoch)) : null;
    const tooltip = views.get("misses").tooltip();
    const view = new vega.View(parsed(name, last, width), { renderer: "svg", container: insideOf(frame), tooltip });
    for (const [data, rows] of Object.entries(values)) view.data(data, rows);
    return view.runAsync();
  }
  const runtimes = new Map();
  function parsed(name, last, width) {
    const key = `${name} ${last} ${width}`;
    if (!runtimes.has(key)) {
      const { spec } = vegaLite.compile(charts[name], { config });
      if (last) for (const axis of spec.axes) if (axis.scale === "x" && axis.labels !== false) axis.values = [1, last];
      spec.signals.find((signal) => signal.name === "width").init = String(width);
      runtimes.set(key, vega.parse(spec));
    }
    return runtimes.get(key);
  }

  const breakable = (name) => name.replaceAll("_", "_<wbr>");
  function panel(cell) {
    const figure = document.createElement("figure");
    const { runtime, generator, model } = cell.cell;
    figure.innerHTML = `<figcaption>
      <a href="#${cell.id}">${breakable(runtime)}<br>${breakable(generator)}<br><span>${breakable(model)}</span></a>
      <span class="badge ${cell.tone}">${cell.effect}</span></figcaption><div class="drawn"><div class="chart" data-cell="curve" role="img"></div>
      <div class="chart" data-cell="answers" role="img"></div></div>`;
    const name = `${runtime}, ${generator}, ${model}`;
    const label = (kind, words) => figure.querySelector(`[data-cell=${kind}]`).setAttribute("aria-label", words);
    label("curve", `Loss by epoch of ${name}: claimed ${cell.floor.toPrecision(4)}`);
    label("answers", `Answers of ${name} against the truth: ${answersInWords(cell)}`);
    return figure;
  }
  function answersInWords(cell) {
    const misses = Object.values(cell.answers).flatMap((list) => list.map((answer, at) => Math.abs(answer - cell.truths[at])));
    return `at most ${Number(Math.max(...misses).toPrecision(2))} off`;
  }

  const panels = new Map();
  async function showCurves() {
    const form = document.querySelector("[data-filter=curves]");
    const wanted = Object.fromEntries(new FormData(form));
    const fits = (cell) => Object.entries(wanted).every(([key, value]) => !value || (cell.cell[key] ?? cell.tone) === value);
    const shown = [...cells.values()].filter(fits);
    const grid = document.querySelector(".curves");
    grid.replaceChildren(...shown.map((cell) => {
      if (!panels.has(cell.id)) panels.set(cell.id, panel(cell));
      return panels.get(cell.id);
    }));
    form.querySelector("output").textContent = `${shown.length} of ${cells.size} cells`;
    document.querySelector("[data-when-empty]").hidden = shown.length > 0;
    const empty = shown.flatMap((cell) => [...panels.get(cell.id).querySelectorAll(".chart:empty")].map((frame) => [cell, frame, frame.clientWidth]));
    await Promise.all(empty.map(([cell, frame, width]) => drawCell(frame, cell, frame.dataset.cell, width)));
  }

  // Stories: a dialog for each cell, opened by its link or by the address.
  let opener = null;
  const storyOf = (hash) => document.querySelector(`dialog[id="${CSS.escape(decodeURIComponent(hash.slice(1)))}"]`);
  function openStory() {
    const dialog = storyOf(location.hash);
    if (!dialog || dialog.open) return;
    dialog.showModal();
    dialog.scrollTop = 0;
    const cell = cells.get(dialog.id);
    if (!cell) dialog.querySelector(".drawn")?.remove();
    else for (const frame of dialog.querySelectorAll(".chart:empty")) drawCell(frame, cell, frame.dataset.story);
  }
  // Opening adds to the history, so that Back, a phone's way out, closes the story and does not leave the page.
  let isOurs = false;
  function closed(event) {
    if (document.querySelector("dialog[open]")) return; // one story led to another
    const top = scrollY;
    if (storyOf(location.hash) === event.target) {
      if (isOurs) history.back();
      else history.replaceState(null, "", location.pathname + location.search);
    }
    isOurs = false;
    scrollTo(0, top);
    opener?.focus({ preventScroll: true });
    opener = null;
  }
  for (const dialog of document.querySelectorAll("dialog.story")) {
    dialog.addEventListener("close", closed);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  addEventListener("hashchange", openStory);
  addEventListener("popstate", () => {
    const open = document.querySelector("dialog[open]");
    if (open && open !== storyOf(location.hash)) open.close();
    openStory();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link || !storyOf(link.hash)) return;
    event.preventDefault(); // following it would lose the focus
    const from = link.closest("dialog[open]");
    if (from) { // Back leaves the stories, and the focus returns to the map's cell of the last one
      history.replaceState(null, "", link.hash);
      from.close();
      opener = document.querySelector(`.map a[href=${JSON.stringify(link.hash)}]`);
    } else {
      opener = link;
      isOurs = true;
      history.pushState(null, "", link.hash);
    }
    openStory();
  });

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    document.getElementById("said").textContent = "Copied";
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button.dataset.copy, button);
  });

  document.querySelector("[data-filter=maps]").addEventListener("change", (event) => {
    const wanted = new Set([...event.currentTarget.querySelectorAll(":checked")].map((box) => box.value));
    for (const cell of document.querySelectorAll(".map [data-effect]")) {
      cell.classList.toggle("dimmed", !wanted.has(cell.dataset.effect));
    }
  });
  document.querySelector("[data-filter=curves]").addEventListener("change", showCurves);
  for (const slider of document.querySelectorAll("[data-signal]")) {
    slider.addEventListener("input", () => {
      slider.nextElementSibling.textContent = slider.value;
      views.get(slider.dataset.signal)?.signal("from_epoch", Number(slider.value)).runAsync();
    });
  }

  let closedForPrint = [];
  addEventListener("beforeprint", () => {
    closedForPrint = [...document.querySelectorAll("details:not([open])")];
    for (const details of closedForPrint) details.open = true;
  });
  addEventListener("afterprint", () => closedForPrint.forEach((details) => { details.open = false; }));

  drawAll().then(openStory);
})();
