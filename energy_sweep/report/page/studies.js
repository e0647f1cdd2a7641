// The fronts of several studies on one figure: a colour each; what does not stay is hollow.
page.section("fronts", ({ studies, title }) => {
  const theme = page.theme();
  const { escaped, joules, chance } = page.format;
  const all = studies.flatMap((study) => [...study.front, ...study.dominated]);
  const most = all.reduce((top, row) => Math.max(top, row.joules), 0);
  const edge = most * 1.1 || 1;

  const hover = (study, row) => [
    `<b>${escaped(study.name)}, trial ${row.trial}</b>`,
    ...row.settings.map((text) => escaped(text)),
    `<br>accuracy ${row.accuracy.toFixed(3)}  [${row.low.toFixed(3)}, ${row.high.toFixed(3)}]`,
    `${joules(row.joules, row.uncertainty)} ${escaped(study.quality)}`,
    study.apart ? escaped(study.apart) : "",
    row.stays === undefined ? "" : `${row.stays ? "stays" : "does not stay"} on the joint front`
      + (row.survives === null ? "" : ` (${chance(row.survives)})`),
  ].filter(Boolean).join("<br>");

  const traces = studies.flatMap((study, place) => {
    const colour = theme.palette[place % theme.palette.length];
    const common = { type: "scatter", legendgroup: study.name, name: escaped(study.name) };
    const points = (rows, more) => ({
      ...common,
      mode: "markers",
      x: rows.map((row) => row.joules),
      y: rows.map((row) => row.accuracy),
      text: rows.map((row) => hover(study, row)),
      customdata: rows.map((row) => row.trial),
      hovertemplate: "%{text}<extra></extra>",
      ...more,
    });
    const bars = { type: "data", thickness: 1, width: 0, color: colour };
    const last = study.front.slice(-1);
    return [
      points(study.dominated, { showlegend: false, marker: { size: 5, color: colour, opacity: 0.35 } }),
      {
        ...common,
        mode: "lines",
        showlegend: true,
        hoverinfo: "skip",
        x: [...study.front.map((row) => row.joules), ...last.map(() => edge)],
        y: [...study.front, ...last].map((row) => row.accuracy),
        line: { shape: "hv", color: colour, width: 1.5 },
      },
      points(study.front, {
        showlegend: false,
        marker: {
          size: 10,
          color: colour,
          symbol: study.front.map((row) => (row.stays ? "circle" : "circle-open")),
          line: { width: 1.5, color: colour },
        },
        error_x: { ...bars, array: study.front.map((row) => row.own) },
        error_y: {
          ...bars,
          symmetric: false,
          array: study.front.map((row) => row.high - row.accuracy),
          arrayminus: study.front.map((row) => row.accuracy - row.low),
        },
      }),
    ];
  });
  const feet = studies.flatMap((study) => study.front.map((row) => row.low));
  const tops = studies.flatMap((study) => study.front.map((row) => row.high));
  const [foot, top] = [Math.min(1, ...feet), Math.max(0, ...tops)];
  const pad = Math.max(0.005, 0.1 * (top - foot));
  page.plot("fronts-figure", traces, {
    xaxis: { title: { text: title }, ...page.ratios(all.map((row) => row.joules)) },
    yaxis: {
      title: { text: "accuracy" },
      tickformat: ".3~f",
      ...(feet.length ? { range: [foot - pad, Math.min(top + pad, 1 + pad / 2)] } : {}),
    },
  });
});
