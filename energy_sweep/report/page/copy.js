// Buttons that copy the command beside them.
document.addEventListener("click", async ({ target }) => {
  if (!target.matches?.("button.copy")) return;
  const code = target.parentElement.querySelector("code");
  const range = document.createRange();
  range.selectNodeContents(code);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  // A page opened from a file may have no clipboard; the text is selected all the same.
  try { await navigator.clipboard.writeText(code.textContent); } catch { document.execCommand("copy"); }
  target.textContent = "Copied";
  setTimeout(() => { target.textContent = "Copy"; }, 1200);
});
