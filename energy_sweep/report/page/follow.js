// What figures below the top have in common: they follow events, pin by a click, and are thinned.
(() => {
  // Draws now, and again after each of some events: soon where it is in sight, else when it
  // comes to be, so that an answer to a click waits for nothing that nobody sees.
  const followers = new Map(); // by section: how it is drawn, and whether it is late
  const seen = new Set();
  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target);
      else seen.delete(target);
      if (isIntersecting) catchUp(target);
    }
  }, { rootMargin: "300px" });

  function catchUp(root) {
    const follower = followers.get(root);
    if (!follower.isLate) return;
    follower.isLate = false;
    follower.draw();
  }

  page.follow = (root, events, draw) => {
    const isNew = !followers.has(root);
    followers.set(root, { draw, isLate: false });
    if (isNew) {
      sight.observe(root);
      const answer = () => {
        followers.get(root).isLate = true;
        // After what was clicked has answered.
        if (seen.has(root)) requestAnimationFrame(() => setTimeout(() => catchUp(root)));
      };
      for (const event of events) page.on(event, answer);
    }
    draw();
  };
  addEventListener("beforeprint", () => { for (const root of followers.keys()) catchUp(root); });

  // A click on a point pins its trial.
  page.pinning = (node) => {
    if (node.pins) return;
    node.pins = true;
    node.on("plotly_click", ({ points }) => {
      const trial = points[0].customdata;
      if (Number.isInteger(trial)) page.select(trial);
    });
  };

  // At most so many of a list, evenly, its ends among them.
  page.thinned = (list, most) => (list.length <= most ? list
    : Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]));

  // Rows as points of a figure; the settings of each are its label.
  page.points = (rows, x, y, marker, more = {}) => ({
    type: "scatter",
    mode: "markers",
    showlegend: false,
    x: rows.map(x),
    y: rows.map(y),
    customdata: rows.map((row) => row.trial),
    text: rows.map(page.front.hover),
    hovertemplate: "%{text}<extra></extra>",
    marker,
    ...more,
  });

  // Many lines as one trace, with gaps between them, behind all else.
  page.behind = (lines, theme, more = {}) => ({
    type: "scatter",
    mode: "lines",
    hoverinfo: "skip",
    showlegend: false,
    x: lines.flatMap(({ x }) => [...x, null]),
    y: lines.flatMap(({ y }) => [...y, null]),
    line: { color: theme.faint, width: 1 },
    opacity: 0.5,
    ...more,
  });

  // The front from its cheapest member to its dearest in colour, thinned, and what is pinned.
  page.marked = (most) => {
    const theme = page.theme();
    const members = page.thinned(page.now.front, most).map((row) => row.trial);
    const colours = theme.ramp(members.length);
    const found = new Map(members.map((trial, i) => [trial, colours[i]]));
    page.pinned.forEach((trial, place) => {
      const colour = [theme.second, theme.palette[3]][place];
      if (page.now.byTrial.has(trial) && !found.has(trial)) found.set(trial, colour);
    });
    return found;
  };

  page.isLogged = (rows) => rows.every((row) => row.joules > 0);
  page.ofObjective = () => `${page.objectiveText()}, ${page.data.quality}`;
})();
