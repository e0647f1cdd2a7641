// Of each study: accuracy against joules and accuracy per joule by level, a colour for each technique.
page.section("techniques", (studies) => {
  const theme = page.theme();
  const { escaped, joules, general } = page.format;
  // A technique has the same colour and symbol in all studies.
  const names = [...new Set(studies.flatMap(({ techniques }) => Object.keys(techniques)))];
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "pentagon"];
  const look = (name) => {
    const place = names.indexOf(name);
    return { color: theme.palette[place % theme.palette.length], symbol: SYMBOLS[place % SYMBOLS.length] };
  };

  const hover = (name) => (row) => [
    `<b>trial ${row.trial}</b>, ${escaped(name)}${row.level ? ` ${general(row.level, 3)}` : ""}`,
    `accuracy ${row.accuracy.toFixed(3)}`,
    joules(row.joules, row.own),
    row.efficiency === null ? "" : `${general(row.efficiency, 3)} per joule`,
  ].filter(Boolean).join("<br>");

  const trace = (name, rows, x, y, more) => ({
    type: "scatter",
    name: escaped(name),
    x: rows.map(x),
    y: rows.map(y),
    text: rows.map(hover(name)),
    hovertemplate: "%{text}<extra></extra>",
    ...more,
  });

  // An axis that shows what matters: what learnt nothing lies below it.
  function accuracies(rows) {
    const sorted = rows.map((row) => row.accuracy).sort((a, b) => a - b);
    if (!sorted.length) return {};
    const [low, high] = [sorted[Math.floor(sorted.length / 10)], sorted.at(-1)];
    const pad = Math.max(0.005, 0.06 * (high - low));
    return { range: [low - pad, Math.min(high + pad, 1 + pad / 2)] };
  }

  studies.forEach(({ techniques, title }, place) => {
    const kinds = Object.entries(techniques).filter(([, { points }]) => points.length);
    const all = kinds.flatMap(([, { points }]) => points);
    page.plot(`technique-scatter-${place}`, kinds.map(([name, { points }]) => trace(name, points,
      (row) => row.joules, (row) => row.accuracy, { mode: "markers", marker: { size: 7, opacity: 0.75, ...look(name) } })), {
      showlegend: true,
      xaxis: { title: { text: title }, ...page.ratios(all.map((row) => row.joules)) },
      yaxis: { title: { text: "accuracy" }, tickformat: ".3~f", ...accuracies(all) },
    });
    const dense = techniques.dense?.lines ?? [];
    const lines = kinds.filter(([name]) => name !== "dense" || kinds.length === 1)
      .map(([name, { lines: rows }]) => [name, name === "dense" ? rows : [...dense, ...rows]]);
    page.plot(`technique-lines-${place}`, lines.map(([name, rows]) => trace(name, rows,
      (row) => row.level, (row) => row.efficiency, {
        mode: "lines+markers", marker: { size: 8, ...look(name) }, line: { color: look(name).color, width: 2 },
      })), {
      showlegend: true,
      xaxis: { title: { text: "level of compression (0: dense)" }, rangemode: "tozero" },
      yaxis: { title: { text: "accuracy per joule" }, ...page.ratios(lines.flatMap(([, rows]) => rows.map((row) => row.efficiency))) },
    });
  });
});
