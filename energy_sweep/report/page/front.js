// The front: accuracy against joules, with intervals, a stepped line, and facets where asked for.
(() => {
  const chosen = { colour: null, symbol: null, facet: null };
  const hidden = new Set(); // groups that the legend filters out, such as "colour:2"
  const g = (value) => page.format.general(value, 3);
  const { escaped } = page.format;

  // What the figure shows now; points, legend and keys go by it.
  const front = page.front = { chosen, hidden, traces: [], visible: [], facetOf: () => 0 };

  front.hover = (row) => {
    const { quality } = page.data;
    return [
      `<b>trial ${row.trial}</b>`,
      ...page.data.axes.map((axis, place) => `${escaped(axis)} = ${escaped(page.value(row.params[place]))}`),
      escaped(row.achieved ?? ""),
      `<br>accuracy ${row.accuracy.toFixed(3)}  [${row.low.toFixed(3)}, ${row.high.toFixed(3)}]`,
      `${page.format.joules(row.joules, row.uncertainty)} ${quality}`,
      row.contended?.length ? `contended: ${row.contended.join(", ")}` : "",
      row.belongs === null ? "" : `${page.format.chance(row.belongs)} sure to belong`,
      row.perImage === null ? "" : `${page.format.joules(row.perImage)} ${quality} per image`,
      `n = ${row.n} ${row.n === 1 ? "seed" : "seeds"}`,
    ].filter(Boolean).join("<br>");
  };

  // A member of the front is the fainter, the less likely it belongs to it.
  const opacity = (row) => (row.belongs === null ? 1 : 0.35 + 0.65 * row.belongs);

  function markers(name, rows, codes, theme, axes) {
    const member = name === "front";
    return {
      type: "scatter",
      mode: "markers",
      name,
      ...axes,
      x: rows.map((row) => row.joules),
      y: rows.map((row) => row.accuracy),
      customdata: rows.map((row) => row.trial),
      text: rows.map(front.hover),
      hovertemplate: "%{text}<extra></extra>",
      showlegend: false,
      marker: {
        size: member ? 11 : 7,
        opacity: member ? rows.map(opacity) : 0.6,
        color: rows.map((row) => codes.colours[codes.colour.of(row)]),
        symbol: rows.map((row) => page.SYMBOLS[codes.symbol.of(row)]),
        line: { width: member ? 1.2 : 0, color: theme.paper },
      },
      ...(member ? bars(rows, theme) : {}),
    };
  }

  function bars(rows, theme) {
    const style = { type: "data", thickness: 1.1, width: 0, color: theme.soft };
    return {
      error_x: { ...style, array: rows.map((row) => row.own) },
      error_y: {
        ...style,
        symmetric: false,
        array: rows.map((row) => row.high - row.accuracy),
        arrayminus: rows.map((row) => row.accuracy - row.low),
      },
    };
  }

  // The front holds its accuracy until more joules buy more: up to the right edge.
  function step(members, edge, theme, axes) {
    const last = members.slice(-1);
    return {
      type: "scatter",
      mode: "lines",
      name: "line",
      ...axes,
      x: [...members.map((row) => row.joules), ...last.map(() => edge)],
      y: [...members, ...last].map((row) => row.accuracy),
      line: { shape: "hv", color: theme.ink, width: 1.5 },
      hoverinfo: "skip",
      showlegend: false,
    };
  }

  // Trials without a net have no accuracy: they lie on the floor, at the joules they took.
  function crosses(ranges, isShown, theme) {
    const known = page.data.infeasible.filter((one) => one.joules !== null && isShown(one));
    const [left, right] = ranges.edges;
    const [bottom, top] = ranges.y.range; // what lies on the edge itself may be cut off by rounding
    return {
      type: "scatter",
      mode: "markers",
      name: "infeasible",
      x: known.map((one) => Math.min(right * (1 - 1e-6), Math.max(left * (1 + 1e-6), one.joules))),
      y: known.map(() => bottom + 0.01 * (top - bottom)),
      text: known.map((one) => `<b>trial ${one.trial}</b><br>infeasible: ${escaped(one.reason)}`
        + `<br>${page.format.joules(one.joules)} of training ${page.data.quality}`),
      hovertemplate: "%{text}<extra></extra>",
      cliponaxis: false,
      showlegend: false,
      marker: { symbol: "x-thin", size: 8, line: { width: 1.6, color: theme.soft } },
    };
  }

  function ranges({ rows, front: members, objective }) {
    const joules = rows.map((row) => row.joules);
    const [least, most] = joules.reduce(([a, b], one) => [Math.min(a, one), Math.max(b, one)], [Infinity, -Infinity]);
    const title = `${objective.name === "inference" ? "joules per image" : `${objective.name} joules`}, ${page.data.quality}`;
    let x = { type: "linear", range: [Math.min(0, least), most * 1.05 || 1], title: { text: title } };
    if (!rows.length) x.range = [0, 1.05 * Math.max(...page.data.infeasible.map((one) => one.joules ?? 0)) || 1];
    else if (least > 0) {
      const [low, high] = [Math.log10(least), Math.log10(most)];
      const pad = Math.max(0.02, 0.06 * (high - low));
      x = { type: "log", range: [low - pad, high + pad], title: { text: `${title}, log scale` }, tickformat: "~g" };
      if (high - low > 0.7 && high - low < 3) x.dtick = "D2"; // 1, 2, 5: all digits are too many
    }
    return { x, y: accuracies(rows, members), edges: x.type === "log" ? x.range.map((end) => 10 ** end) : x.range };
  }

  // The neighbourhood of the front; hopeless configurations lie below it, and are counted.
  function accuracies(rows, members) {
    const lowest = rows.reduce((low, row) => Math.min(low, row.accuracy), rows.length ? 1 : 0);
    const high = rows.length ? rows.reduce((top, row) => Math.max(top, row.high), 0) : 1;
    const foot = members.reduce((low, row) => Math.min(low, row.low), members.length ? 1 : lowest);
    const low = Math.max(lowest, foot - 2 * (high - foot));
    const pad = Math.max(0.005, 0.04 * (high - low));
    const below = rows.filter((row) => row.accuracy < low).length;
    const text = `accuracy${below ? ` (${below} below: zoom out)` : ""}`;
    return { title: { text }, range: [low - pad, Math.min(high + pad, 1 + pad / 2)], tickformat: ".3~f" };
  }

  // Facets side by side, of one scale; on a narrow screen below each other.
  function placed(groups, { x, y }, theme) {
    const count = groups.names.length;
    const columns = page.narrow.matches ? 1 : Math.min(3, count);
    const lines = Math.ceil(count / columns);
    const [gapX, gapY] = [0.03, 0.3 / lines];
    const [width, height] = [(1 - gapX * (columns - 1)) / columns, (1 - gapY * (lines - 1)) / lines];
    const layout = { annotations: [] };
    const middle = [Math.floor((columns - 1) / 2), Math.floor((lines - 1) / 2)];
    groups.names.forEach((name, place) => {
      const suffix = place ? String(place + 1) : "";
      const [column, line] = [place % columns, Math.floor(place / columns)];
      const left = column * (width + gapX);
      const top = 1 - line * (height + gapY);
      // One title for all, in the middle of the left and of the lower edge.
      const own = (axis, letter, titled) => ({
        ...axis,
        ...(place ? { matches: letter } : {}),
        title: titled ? axis.title : { text: "" },
      });
      layout[`xaxis${suffix}`] = {
        ...own(x, "x", column === middle[0] && place + columns >= count),
        domain: [left, Math.min(1, left + width)],
        anchor: `y${suffix}`,
      };
      layout[`yaxis${suffix}`] = {
        ...own(y, "y", column === 0 && line === middle[1]),
        domain: [Math.max(0, top - height), top],
        anchor: `x${suffix}`,
        showticklabels: column === 0,
      };
      if (count > 1) {
        layout.annotations.push({
          text: escaped(`${groups.title} ${name}`), showarrow: false, xref: "paper", yref: "paper",
          x: left, y: top, xanchor: "left", yanchor: "bottom", font: { size: 12, color: theme.soft },
        });
      }
    });
    page.byId("front").style.height = lines > 1 ? `${lines * 19}rem` : "";
    return layout;
  }

  // What bars along the joules leave out, since it moves all points alike.
  function shared(members) {
    const known = members.filter((row) => row.joules > 0);
    if (!known.length) return "";
    const most = (of) => Math.max(...known.map((row) => of(row) / row.joules));
    const [own, all] = [most((row) => row.own), most((row) => row.uncertainty)];
    if (!all) return "";
    return `Bars are 95 % intervals: of accuracy, and of joules beside the other points, at most ± ${page.format.percent(own)}. `
      + `Run again, all points together may move by as much as makes that ± ${page.format.percent(all)}.`;
  }

  front.axesOf = (row) => {
    const place = front.facetOf(row);
    return place ? { xaxis: `x${place + 1}`, yaxis: `y${place + 1}` } : {};
  };

  front.draw = () => {
    const { now } = page;
    const theme = page.theme();
    const encodings = page.encodings();
    const by = (key) => encodings.find((one) => one.key === key) ?? null;
    const groups = Object.fromEntries(Object.entries(chosen)
      .map(([mark, key]) => [mark, page.grouped(by(key), now.rows)]));
    const isShown = (row) => ["colour", "symbol"].every((mark) =>
      !hidden.has(`${mark}:${groups[mark].of(row)}`));
    const codes = { ...groups, colours: page.coloursOf(groups.colour, theme) };
    const limits = ranges(now);
    Object.assign(front, { groups, codes, facetOf: groups.facet.of, visible: now.rows.filter(isShown) });
    const facets = groups.facet.names.flatMap((_, place) => {
      const axes = place ? { xaxis: `x${place + 1}`, yaxis: `y${place + 1}` } : {};
      const mine = (rows) => rows.filter((row) => isShown(row) && groups.facet.of(row) === place);
      return [
        markers("dominated", mine(now.dominated), codes, theme, axes),
        step(now.front, limits.edges[1], theme, axes),
        markers("front", mine(now.front), codes, theme, axes),
      ];
    });
    const isTraining = now.objective.name !== "inference" && groups.facet.names.length === 1;
    front.traces = isTraining ? [...facets, crosses(limits, isShown, theme)] : facets;
    page.byId("front-shared").textContent = shared(now.front);
    return page.plot("front", front.traces, { ...placed(groups.facet, limits, theme), showlegend: false })
      .then(() => page.emit("front", front));
  };
})();
