// Parallel coordinates, drawn as lines, which need no WebGL; on a phone from top to bottom.
page.section("parallel", (data, root) => {
  const MOST_BEHIND = 300;
  const MOST_MEMBERS = 16;
  const MOST_LABELS = 8;

  // A scale of numbers: where each row lies on it, from 0 to 1, and labels.
  function ofNumbers(name, of, isLogged, text) {
    const [shrink, grow] = isLogged ? [Math.log, Math.exp] : [Number, Number];
    const [low, high] = page.now.rows.reduce(([a, b], row) =>
      [Math.min(a, shrink(of(row))), Math.max(b, shrink(of(row)))], [Infinity, -Infinity]);
    const wide = high - low;
    const labels = (wide ? [0, 0.25, 0.5, 0.75, 1] : [0.5]).map((share) =>
      [share, text(grow(low + (wide ? share : 0) * wide))]);
    return { name, at: (row) => (wide ? (shrink(of(row)) - low) / wide : 0.5), labels };
  }

  function ofAxis(axis) {
    if (axis.isScale) return ofNumbers(axis.name, axis.x, axis.isLog, (value) => page.format.general(value, 3));
    const at = (index) => (index + 0.5) / axis.texts.length;
    return { name: axis.name, at: (row) => at(axis.rank(row)), labels: axis.texts.map((text, index) => [at(index), text]) };
  }

  page.follow(root, ["objective", "pin"], () => {
    const theme = page.theme();
    const isTall = page.narrow.matches;
    const { rows, dominated, byTrial } = page.now;
    const scales = [
      ...page.scales().map(ofAxis),
      ofNumbers("joules", (row) => row.joules, page.isLogged(rows), page.format.joules),
      ofNumbers("accuracy", (row) => row.accuracy, false, (value) => value.toFixed(3)),
    ];
    const along = scales.map((_, k) => (isTall ? -k : k));
    const placed = (row) => {
      const across = scales.map(({ at }) => at(row));
      return isTall ? { x: across, y: along } : { x: along, y: across };
    };
    const marked = page.marked(MOST_MEMBERS);
    const others = page.thinned(dominated.filter((row) => !marked.has(row.trial)), MOST_BEHIND);
    const lines = [...marked].map(([trial, color]) => {
      const width = page.pinned.includes(trial) ? 4 : 2;
      const label = page.front.hover(byTrial.get(trial));
      return {
        type: "scatter", mode: "lines+markers", showlegend: false, ...placed(byTrial.get(trial)),
        customdata: scales.map(() => trial), text: scales.map(() => label), hovertemplate: "%{text}<extra></extra>",
        line: { color, width }, marker: { color, size: width + 4 },
      };
    });
    const node = page.byId("parallel-figure");
    node.style.height = isTall ? `${5.5 * scales.length}rem` : "";
    const hidden = { visible: false, fixedrange: true };
    page.plot(node, [page.behind(others.map(placed), theme), ...lines], {
      margin: isTall ? { l: 16, r: 32, t: 36, b: 36 } : { l: 16, r: 80, t: 48, b: 16 },
      shapes: along.map((at) => ({
        type: "line", layer: "below", line: { color: theme.line, width: 1.5 },
        ...(isTall ? { x0: 0, x1: 1, y0: at, y1: at } : { x0: at, x1: at, y0: 0, y1: 1 }),
      })),
      annotations: scales.flatMap(({ name, labels }, k) => [
        {
          text: `<b>${page.format.escaped(name)}</b>`, showarrow: false, font: { size: 12 },
          ...(isTall ? { x: 0, y: along[k], xanchor: "left", yanchor: "bottom", yshift: 10 } : { x: along[k], y: 1, yanchor: "bottom", yshift: 12, xanchor: k ? "center" : "left", xshift: k ? 0 : -12 }),
        },
        ...page.thinned(labels, MOST_LABELS).map(([at, text]) => ({
          text: page.format.escaped(text), showarrow: false, font: { size: 11, color: theme.soft }, bgcolor: theme.paper, borderpad: 1,
          ...(isTall ? { x: at, y: along[k], yanchor: "top", yshift: -3 } : { x: along[k], y: at, xanchor: "left", xshift: 5 }),
        })),
      ]),
      xaxis: { ...hidden, range: isTall ? [-0.03, 1.03] : [-0.05, scales.length - 0.95] },
      yaxis: { ...hidden, range: isTall ? [0.5 - scales.length, 0.4] : [-0.03, 1.03] },
    }).then(page.pinning);
    const drawn = marked.size + others.length;
    page.byId("parallel-shown").textContent = drawn < rows.length
      ? `${page.format.grouped(drawn)} of ${page.format.grouped(rows.length)} are drawn, evenly.` : "";
    page.byId("parallel-objective").textContent = page.ofObjective();
  });
});
