// What a sparse or pruned net kept: the share of each layer, and where its first layer is connected.
page.section("kept", ({ nets, trials }, root) => {
  const { grouped, percent } = page.format;
  const choice = page.byId("kept-trial");

  function layers(names, dense, left, theme) {
    const node = page.byId("kept-layers-figure");
    node.style.height = `${Math.max(10, 5 + 1.35 * names.length)}rem`;
    const shares = left.map((count, place) => count / dense[place]);
    page.plot(node, [{
      type: "bar",
      orientation: "h",
      x: shares,
      y: names.map((_, place) => place),
      text: shares.map((share, place) => `${percent(share)} of ${grouped(dense[place])}`),
      // Beside the bar, where a short one has no room; within it, where a long one has none beside.
      textposition: shares.map((share) => (share > 0.6 ? "inside" : "outside")),
      insidetextanchor: "end",
      textfont: { color: theme.ink },
      insidetextfont: { color: theme.paper },
      textangle: 0,
      cliponaxis: false,
      marker: { color: theme.mark },
      hovertemplate: "%{text}<extra></extra>",
    }], {
      margin: { l: 8, t: 8 },
      xaxis: { range: [0, 1.02], tickformat: ".0%", title: { text: "weights left" } },
      yaxis: {
        autorange: "reversed",
        tickvals: names.map((_, place) => place),
        ticktext: names.map(page.format.escaped),
        showgrid: false,
      },
    });
  }

  // Panels [rows, columns] of a flat list, side by side with a gap, as one matrix; gaps are null.
  function tiled({ shape: [panels, height, width], left }) {
    const across = Math.min(panels, Math.ceil(Math.sqrt(panels * 1.6)));
    const down = Math.ceil(panels / across);
    const matrix = Array.from({ length: down * (height + 1) - 1 }, () =>
      Array.from({ length: across * (width + 1) - 1 }, () => null));
    left.forEach((count, at) => {
      const panel = Math.floor(at / (height * width));
      const [row, column] = [Math.floor((at % (height * width)) / width), at % width];
      matrix[Math.floor(panel / across) * (height + 1) + row][(panel % across) * (width + 1) + column] = count;
    });
    return matrix;
  }

  function firstLayer(first, name, theme) {
    page.byId("kept-first").hidden = first === null;
    if (!first) return;
    const kernels = first.kind === "kernels";
    page.byId("kept-first-title").textContent = kernels
      ? `The kernels of ${name}: filled is left${first.most > 1 ? `, of ${first.most} input channels` : ""}`
      : `Pixels that ${name} sees: connections left of ${first.most}`;
    const rows = tiled(first);
    const node = page.byId("kept-first-figure");
    node.style.height = `${Math.min(336, 32 + (node.clientWidth * rows.length) / rows[0].length)}px`;
    page.plot(node, [{
      type: "heatmap",
      z: rows,
      zmin: 0,
      zmax: first.most,
      colorscale: [[0, theme.grid], [1, theme.mark]],
      showscale: first.most > 1,
      colorbar: { thickness: 10, outlinewidth: 0, tickfont: { color: theme.ink }, len: 0.8 },
      xgap: 1,
      ygap: 1,
      hoverongaps: false,
      hovertemplate: `%{z} of ${first.most} left<extra></extra>`,
    }], {
      margin: { l: 8, r: 8, t: 8, b: 8 },
      xaxis: { visible: false, constrain: "domain" },
      yaxis: { visible: false, autorange: "reversed", scaleanchor: "x", constrain: "domain" },
    });
  }

  function draw() {
    const { net, left, first } = trials[choice.value];
    const { layers: names, dense } = nets[net];
    const sum = (list) => list.reduce((all, one) => all + one, 0);
    const shares = left.map((count, place) => count / dense[place]);
    const [least, most] = [Math.min(...shares), Math.max(...shares)];
    const theme = page.theme();
    page.byId("kept-said").textContent = `Trial ${choice.value} has ${grouped(sum(left))} of ${grouped(sum(dense))} weights left`
      + ` (${percent(sum(left) / sum(dense))}): from ${percent(least)} of ${names[shares.indexOf(least)]} to ${percent(most)} of ${names[shares.indexOf(most)]}.`;
    layers(names, dense, left, theme);
    firstLayer(first, names[0], theme);
  }

  // What is pinned is shown, where something is known of it.
  page.follow(root, ["pin"], () => {
    const known = page.pinned.findLast((trial) => trial !== null && trials[trial]);
    if (root.dataset.pinned !== String(page.pinned)) {
      if (root.dataset.pinned !== undefined && known !== undefined) choice.value = known;
      root.dataset.pinned = String(page.pinned);
    }
    draw();
  });
  choice.onchange = draw;
});
