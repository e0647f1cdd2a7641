// The switch of the objective: its name, the images of a life on a log scale, requests a second.
(() => {
  const MOST = 9; // the slider ends at 1e9 images
  const field = (name) => page.byId(name);

  // Two digits are enough for a life; whoever types is taken at their word.
  const rounded = (power) => Number((10 ** power).toPrecision(2));

  function show({ objective }) {
    const isLife = objective.name === "lifetime";
    field("images").value = objective.images;
    field("images-slider").value = Math.log10(objective.images);
    field("images-slider").setAttribute("aria-valuetext", `${page.format.grouped(objective.images)} images`);
    for (const id of ["images", "images-slider"]) field(id).disabled = !isLife;
    field("rate").disabled = page.data.idleWatts === null || objective.name === "training";
    field("said-of-view").textContent = said(page.now);
  }

  function said({ objective, view, excluded, unpriced }) {
    const parts = [];
    if (!view) {
      parts.push("How sure the order is (rivals, belongs, beaten by) was not computed for these joules: "
        + `it is known for ${known()}.`);
    }
    if (objective.rate && objective.name !== "training" && page.data.idleWatts !== null) {
      parts.push(`Between requests the machine draws ${page.format.general(page.data.idleWatts, 3)} W; `
        + "what cannot keep up is left out.");
    }
    const { name, images } = page.data.objective;
    if (objective.name !== name || (name === "lifetime" && objective.images !== images)) {
      parts.push(`The tables of the front and of what compression saved, below, stay by ${page.objectiveText(page.data.objective)}.`);
    }
    if (excluded.length) parts.push(`${excluded.length} left out, which break the study's limits (${page.data.constraintsText}).`);
    if (unpriced.length) parts.push(`${unpriced.length} without a price for these joules.`);
    return parts.join(" ");
  }

  function known() {
    const { training, inference, lifetime } = page.data.views;
    return [training && "training", inference && "an image",
      lifetime && `a life of ${page.format.grouped(lifetime.images)} images`].filter(Boolean).join(" and for ");
  }

  // Drawing is slower than dragging: the figure follows at the pace of the screen.
  let waiting = null;
  function soon(change) {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => page.setObjective(change));
  }

  page.on("start", () => {
    field("objective-form").addEventListener("submit", (event) => event.preventDefault());
    for (const radio of document.querySelectorAll("[name=objective]")) {
      radio.checked = radio.value === page.now.objective.name;
      radio.addEventListener("change", () => page.setObjective({ name: radio.value }));
    }
    field("images-slider").max = Math.max(MOST, Math.ceil(Math.log10(page.now.objective.images)));
    field("images-slider").addEventListener("input", (event) =>
      soon({ images: rounded(Number(event.target.value)) }));
    field("images").addEventListener("change", (event) => {
      const images = Math.round(Number(event.target.value));
      if (images >= 1) page.setObjective({ images });
      else event.target.value = page.now.objective.images;
    });
    field("rate").addEventListener("change", (event) => {
      const rate = Number(event.target.value);
      page.setObjective({ rate: rate > 0 ? rate : null });
    });
    if (page.data.idleWatts === null) {
      field("rate-note").textContent = "needs idle watts, which this meter does not know";
    }
    show(page.now);
  });
  page.on("objective", show);
})();
