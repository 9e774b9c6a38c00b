// Snippets as tabs, with a button that copies the one that is shown. The choice holds on all of them.

let chosen = 0;
const all = new Set();

export function tabs(place, samples) {
  const bar = document.createElement("div");
  bar.setAttribute("role", "tablist");
  const buttons = samples.map(({ name }, index) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: name });
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => choose(index));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) choose((index + step + samples.length) % samples.length, bar);
    });
    return button;
  });
  const copy = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
  const code = document.createElement("code");
  const shown = document.createElement("pre");
  shown.tabIndex = 0;
  shown.setAttribute("role", "tabpanel");
  shown.append(code);
  bar.append(...buttons);
  place.replaceChildren(bar, copy, shown);

  const at = () => Math.min(chosen, samples.length - 1);
  const show = () => {
    buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", String(index === at()));
      button.tabIndex = index === at() ? 0 : -1;
    });
    code.textContent = samples[at()].source();
  };
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  all.add(show);
  show();
  return () => all.delete(show);
}

export const refresh = () => all.forEach((show) => show());

function choose(index, bar) {
  chosen = index;
  refresh();
  bar?.children[index]?.focus();
}
