// Learning curves: the front and what is pinned in colour, the cheapest faintest, others behind.
page.section("curves", ({ epochs }, root) => {
  const MOST_BEHIND = 200;
  const MOST_MEMBERS = 8; // of more, colours cannot be told apart
  const { quality } = page.data;

  // Each line: {x, y, trials, text(), colour or null}; labels are made of coloured ones alone.
  function plot(id, lines, xaxis, yaxis) {
    const node = page.byId(id);
    if (!node) return;
    const behind = page.thinned(lines.filter((line) => !line.colour), MOST_BEHIND);
    const coloured = lines.filter((line) => line.colour).map(({ x, y, trials, text, colour, sizes }) => ({
      type: "scatter", mode: "lines+markers", x, y, customdata: trials, text: text(),
      hovertemplate: "%{text}<extra></extra>", line: { color: colour, width: 2 }, marker: { color: colour, size: sizes },
    }));
    page.plot(node, [page.behind(behind, page.theme()), ...coloured], { showlegend: false, margin: { r: 12 }, xaxis, yaxis })
      .then(page.pinning);
  }

  function byLength(marked) {
    const axis = page.scales().find(({ name }) => name === "epochs");
    if (!axis) return;
    const lines = page.families(axis).map((rows) => {
      const last = rows.findLast((row) => marked.has(row.trial));
      return {
        x: rows.map((row) => row.settings.epochs),
        y: rows.map((row) => row.accuracy),
        trials: rows.map((row) => row.trial),
        text: () => rows.map(page.front.hover),
        colour: last ? marked.get(last.trial) : null,
        sizes: rows.map((row) => (marked.has(row.trial) ? 10 : 4)),
      };
    });
    plot("lengths-figure", lines, { title: { text: "epochs trained" } }, { title: { text: "accuracy" }, tickformat: ".3~f" });
  }

  function byEpoch(id, marked, of, title, text) {
    const lines = Object.entries(epochs).map(([number, curve]) => [Number(number), curve])
      .filter(([, curve]) => curve[of]).map(([trial, curve]) => ({
        x: curve[of].map((_, i) => i + 1),
        y: curve[of],
        trials: curve[of].map(() => trial),
        text: () => curve[of].map((value, i) => `<b>trial ${trial}</b>, epoch ${i + 1} (${curve.stages[i]})<br>${text(value)}`),
        colour: marked.get(trial) ?? null,
        sizes: 4,
      }));
    plot(id, lines, { title: { text: "epoch" } }, { title: { text: title }, ...page.ratios(lines.flatMap(({ y }) => y.filter((value) => value !== null))) });
  }

  page.follow(root, ["objective", "pin"], () => {
    const marked = page.marked(MOST_MEMBERS);
    byLength(marked);
    byEpoch("losses-figure", marked, "losses", "loss", (value) => `loss ${value === null ? "not stored" : page.format.general(value, 3)}`);
    byEpoch("epochs-figure", marked, "spent", `joules, ${quality}`, (value) => `${page.format.joules(value)} up to here, ${quality}`);
  });
});
