"use strict";
(() => {
  const told = (id) => JSON.parse(document.getElementById(id).textContent);
  const charts = told("charts");
  const cells = new Map(told("curves").map((cell) => [cell.id, cell]));
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
  function draw(frame, spec, renderer = "svg") {
    const inside = document.createElement("div");
    inside.setAttribute("aria-hidden", "true");
    frame.append(inside);
    return vegaEmbed(inside, spec, { actions: false, renderer, config }).then(({ view }) => view);
  }

  async function drawAll() {
    const all = [...document.querySelectorAll("[data-chart]")].map(async (element) => {
      const name = element.dataset.chart;
      views.set(name, await draw(element, charts[name], onCanvas.has(name) ? "canvas" : "svg"));
    });
    await Promise.all([...all, showCurves()]);
    document.body.dataset.drawn = String(Math.round(performance.now()));
  }

  // A cell's chart: the one specification of all cells, with its own rows, floor and colour.
  function cellSpec(cell, empty) {
    const colour = `var(--${cell.tone}-ink)`;
    const rows = Object.entries(cell.losses).flatMap(([seed, losses]) =>
      losses.map((loss, at) => ({ seed, epoch: at + 1, loss, colour })));
    const values = { rows, floor: [{ loss: cell.floor }] };
    const spec = structuredClone(compiled(empty));
    for (const data of spec.data) if (data.name in values) data.values = values[data.name];
    for (const axis of spec.axes.filter((one) => one.scale === "x" && one.labels !== false)) {
      axis.values = [1, Math.max(...rows.map((row) => row.epoch))];
    }
    return spec;
  }
  const vegaSpecs = new Map();
  function compiled(spec) {
    if (!vegaSpecs.has(spec)) vegaSpecs.set(spec, vegaLite.compile(spec, { config }).spec);
    return vegaSpecs.get(spec);
  }

  const breakable = (name) => name.replaceAll("_", "_<wbr>");
  function panel(cell) {
    const figure = document.createElement("figure");
    const { runtime, generator, model } = cell.cell;
    figure.innerHTML = `<figcaption><span class="badge ${cell.tone}">${cell.effect}</span>
      <a href="#${cell.id}">${[runtime, generator].map(breakable).join("<br>")}<br><span>${breakable(model)}</span></a>
      </figcaption><div class="chart" role="img"></div>`;
    figure.lastChild.setAttribute("aria-label",
      `Loss by epoch of ${runtime}, ${generator}, ${model}: claimed ${cell.floor.toPrecision(4)}`);
    return figure;
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
    const empty = shown.filter((cell) => !panels.get(cell.id).lastChild.firstChild);
    await Promise.all(empty.map((cell) => draw(panels.get(cell.id).lastChild, cellSpec(cell, charts.curve))));
  }

  // Stories: a dialog for each cell, opened by its link or by the address.
  let opener = null;
  const storyOf = (hash) => document.querySelector(`dialog[id="${CSS.escape(decodeURIComponent(hash.slice(1)))}"]`);
  function openStory() {
    const dialog = storyOf(location.hash);
    if (!dialog || dialog.open) return;
    dialog.showModal();
    dialog.scrollTop = 0;
    const place = dialog.querySelector("[data-story]");
    const cell = cells.get(dialog.id);
    if (!cell) place.remove();
    else if (!place.firstChild) draw(place, cellSpec(cell, charts.story));
  }
  function closed() {
    const top = scrollY;
    history.replaceState(null, "", location.pathname + location.search);
    scrollTo(0, top);
    opener?.focus({ preventScroll: true });
    opener = null;
  }
  for (const dialog of document.querySelectorAll("dialog.story")) {
    dialog.addEventListener("close", closed);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  addEventListener("hashchange", openStory);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link || !storyOf(link.hash)) return;
    event.preventDefault(); // following it would lose the focus
    opener = link;
    history.replaceState(null, "", link.hash);
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
    for (const one of closedForPrint) one.open = true;
  });
  addEventListener("afterprint", () => closedForPrint.forEach((one) => { one.open = false; }));

  drawAll().then(openStory);
})();
