// Marks around pinned points, and the keys that move from point to point.
(() => {
  const { front } = page;
  const figure = () => page.byId("front");
  let cursor = null; // the trial that the keys are at

  function overlay() {
    let svg = page.byId("marks");
    if (!svg) {
      svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.id = "marks";
      svg.setAttribute("aria-hidden", "true");
      // Above the points, below the labels.
      const [, labels] = figure().querySelectorAll("svg.main-svg");
      labels.before(svg);
    }
    return svg;
  }

  // Where a row is drawn, in pixels of the figure; null where it is out of sight.
  function place(row) {
    const { xaxis = "x", yaxis = "y" } = front.axesOf(row);
    const layout = figure()._fullLayout;
    const [x, y] = [layout[xaxis.replace("x", "xaxis")], layout[yaxis.replace("y", "yaxis")]];
    if (!x || !y) return null;
    const [left, top] = [x.d2p(row.joules), y.d2p(row.accuracy)];
    const inside = left >= -1 && top >= -1 && left <= x._length + 1 && top <= y._length + 1;
    return inside ? [x._offset + left, y._offset + top] : null;
  }

  const ring = (name, letter, [x, y]) => `<g class="${name}"><circle cx="${x}" cy="${y}" r="10"/>`
    + (letter ? `<text x="${x + 12}" y="${y - 8}">${letter}</text>` : "") + "</g>";

  function mark() {
    if (!figure()._fullLayout) return;
    const shown = [...page.pinned.map((trial, index) => [trial, `pinned pinned-${index}`, "AB"[index]]),
      [cursor, "cursor", ""]];
    overlay().innerHTML = shown.map(([trial, name, letter]) => {
      const row = page.now.byTrial.get(trial);
      const at = row && place(row);
      return at ? ring(name, letter, at) : "";
    }).join("");
  }

  // Left and right go along the front, up and down through all points that are shown.
  function next(key) {
    const { front: members } = page.now;
    const shown = new Set(front.visible.map((row) => row.trial));
    const seen = members.filter((row) => shown.has(row.trial));
    const at = page.now.byTrial.get(cursor) ?? null;
    if (key === "Home") return seen[0];
    if (key === "End") return seen.at(-1);
    if (key === "ArrowRight" || key === "ArrowLeft") {
      if (!at) return key === "ArrowRight" ? seen[0] : seen.at(-1);
      return key === "ArrowRight"
        ? seen.find((row) => row.joules > at.joules || (row.joules === at.joules && row.trial > at.trial))
        : seen.findLast((row) => row.joules < at.joules || (row.joules === at.joules && row.trial < at.trial));
    }
    const order = [...front.visible].sort((a, b) => a.accuracy - b.accuracy || a.trial - b.trial);
    const index = order.findIndex((row) => row.trial === cursor);
    return order[index < 0 ? order.length - 1 : index + (key === "ArrowUp" ? 1 : -1)];
  }

  function say(row) {
    const place = row.member ? "on the front" : "dominated";
    page.byId("point-said").textContent = `trial ${row.trial}, ${place}: accuracy ${row.accuracy.toFixed(3)}, `
      + `${page.format.joules(row.joules, row.uncertainty)} ${page.data.quality}; ${page.named(row, ", ")}`;
  }

  function label(trial) {
    const traces = figure().data ?? [];
    const curveNumber = traces.findIndex((trace) => trace.customdata?.includes(trial));
    if (curveNumber < 0) return;
    const pointNumber = traces[curveNumber].customdata.indexOf(trial);
    const { xaxis = "x", yaxis = "y" } = traces[curveNumber];
    Plotly.Fx.hover(figure(), [{ curveNumber, pointNumber }], [`${xaxis}${yaxis}`]);
  }

  function leave() {
    cursor = null;
    if (figure()._fullLayout) Plotly.Fx.unhover(figure());
    mark();
  }

  const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
  function press(event) {
    if (KEYS.includes(event.key)) {
      const row = next(event.key);
      if (row) {
        cursor = row.trial;
        mark();
        label(cursor);
        say(row);
      }
    } else if (["Enter", " "].includes(event.key) && cursor !== null) page.select(cursor);
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  }

  page.on("start", async () => {
    await front.draw();
    figure().on("plotly_click", ({ points: [point] }) => {
      if (page.now.byTrial.has(point.customdata)) page.select(point.customdata);
    });
    figure().on("plotly_afterplot", mark);
    page.byId("front-box").addEventListener("keydown", press);
    page.byId("front-box").addEventListener("blur", leave);
    mark();
  });
  page.on("pin", mark);
  page.on("theme", () => front.draw());
  page.on("objective", () => {
    leave(); // a label tells the joules of before
    front.draw();
  });
})();
