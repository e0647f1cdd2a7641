// The recommended configuration: what it is, what it saves, how sure that is, what to type.
(() => {
  const { joules, percent, chance, escaped } = page.format;
  const strong = (text) => `<strong>${escaped(text)}</strong>`;

  const saving = (row, other) => 1 - row.joules / other.joules;
  const points = (change) => `${Math.abs(100 * change).toFixed(1)} points`;

  function against(row, best) {
    if (row.trial === best.trial) return "No other configuration is more accurate.";
    const less = best.accuracy - row.accuracy;
    return `That is ${strong(`${percent(saving(row, best))} fewer joules`)} than the most accurate, `
      + `trial ${best.trial} (${best.accuracy.toFixed(3)} for ${joules(best.joules, best.uncertainty)}), `
      + `for ${points(less)} of accuracy less.`;
  }

  function doubt(row, { view }) {
    const said = [];
    if (!view) return "How sure that choice is was not computed for these joules.";
    const { choice } = view;
    if (choice?.trial === row.trial && choice.beatsRunnerUp !== null) {
      said.push(`${chance(choice.beatsRunnerUp)} sure to be a better trade than trial ${choice.runnerUp}, the runner-up`);
    }
    if (row.belongs !== null) said.push(`${chance(row.belongs)} sure to belong to the front`);
    if (row.contended.length) said.push(`its joules are contended (${row.contended.join(", ")}): they beat nothing until they are measured again`);
    if (row.rivals.length) said.push(`not told apart, beyond uncertainty, from ${trials(row.rivals)}`);
    const known = said.length ? `It is ${said.join("; ")}.` : "";
    const several = row.beatenBy.length > 1 ? "are" : "is";
    return known + (row.beatenBy.length
      ? ` But ${trials(row.beatenBy)} ${several} surely cheaper or more accurate, and not surely worse in anything.` : "");
  }

  function trials(numbers) {
    const more = numbers.length > 4 ? ` and ${numbers.length - 4} more` : "";
    return `trial${numbers.length > 1 ? "s" : ""} ${numbers.slice(0, 4).join(", ")}${more}`;
  }

  function command(title, text) {
    return `<div class="typed"><span class="soft">${title}</span><code>${escaped(text)}</code>`
      + '<button type="button" class="copy">Copy</button></div>';
  }

  function show(now) {
    const box = page.byId("headline");
    const row = now.chosen;
    if (!row) {
      box.innerHTML = "<p>Nothing measured yet that has a price by these joules.</p>";
      return;
    }
    const best = now.front.at(-1);
    box.innerHTML = `<p class="pick">${strong(`Trial ${row.trial}`)}: accuracy ${strong(row.accuracy.toFixed(3))} `
      + `<span class="soft">[${row.low.toFixed(3)}, ${row.high.toFixed(3)}], n = ${row.n}</span> for `
      + `${strong(joules(row.joules, row.uncertainty))} ${page.data.quality}</p>`
      + `<p class="settings">${escaped(page.named(row))}${row.achieved ? ` · ${escaped(row.achieved)}` : ""}</p>`
      + `<p>It is the knee of the front by ${escaped(page.objectiveText())}. ${against(row, best)}</p>`
      + `<p class="soft">${escaped(doubt(row, now))}</p>`
      + command("run it", page.command(row.trial)) + command("deploy it", page.deploy(row.trial));
  }

  // Until somebody pins another, A is the choice, and B the most accurate one beside it.
  const usual = ({ chosen, front }) => {
    const best = front.at(-1)?.trial ?? null;
    return chosen ? [chosen.trial, best === chosen.trial ? null : best] : [null, null];
  };
  let shown = [null, null];

  page.on("start", () => {
    show(page.now);
    page.pin(...(shown = usual(page.now)));
  });
  page.on("objective", (now) => {
    show(now);
    const isUsual = page.pinned.every((trial, place) => trial === shown[place]);
    page.pin(...(isUsual ? shown = usual(now) : page.pinned));
  });
})();
