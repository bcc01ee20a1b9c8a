// One table of keys drives both what they do and the help that lists them.
const OFF = "shortcuts-off";
const NATIVE = { radio: /^Arrow| /, range: /^Arrow|Page|Home|End/, checkbox: /^( |Enter)$/ };

export class Shortcuts {
  // rows: [keys, words, action]; keys are KeyboardEvent.key values, Shift+ before a key that needs it.
  constructor(dialog, rows) {
    this.rows = rows;
    this.dialog = dialog;
    this.table = new Map(rows.flatMap(([keys, , action]) => keys.map((key) => [key, action])));
    this.blocked = () => false;
    this.toggle = dialog.querySelector("[data-shortcuts-toggle]");
    this.toggle.checked = sessionStorage.getItem(OFF) === null;
    this.toggle.addEventListener("change", () => this.turn(this.toggle.checked));
    this.list();
    window.addEventListener("keydown", (event) => this.pressed(event), true);
  }

  turn(on) {
    if (on) sessionStorage.removeItem(OFF);
    else sessionStorage.setItem(OFF, "1");
  }

  list() {
    const body = this.dialog.querySelector("tbody");
    body.replaceChildren();
    for (const [keys, words] of this.rows) {
      const row = body.appendChild(document.createElement("tr"));
      const cell = row.appendChild(document.createElement("th"));
      cell.scope = "row";
      keys.forEach((key, place) => {
        if (place) cell.append(" ");
        cell.appendChild(document.createElement("kbd")).textContent = NAMES[key] ?? key;
      });
      row.appendChild(document.createElement("td")).textContent = words;
    }
  }

  pressed(event) {
    const at = event.target;
    const typing = at instanceof HTMLTextAreaElement || (at instanceof HTMLInputElement && at.type === "text");
    if (typing && event.key === "Escape") at.blur();
    const key = `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.key}`;
    if (document.querySelector("dialog[open]") || this.blocked()) return;
    if ((typing && key !== "Ctrl+Enter") || event.altKey || this.isNative(at, key)) return;
    if (!this.toggle.checked && key.length === 1 && key !== "?") return;
    const action = this.table.get(key);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action(event.shiftKey ? 5 : 1, event.key);
  }

  isNative(at, key) {
    if (at instanceof HTMLButtonElement || at instanceof HTMLAnchorElement || at.tagName === "SUMMARY") return key === "Enter" || key === " ";
    if (at instanceof HTMLSelectElement) return key.length > 1 || key === " ";
    return at instanceof HTMLInputElement && (NATIVE[at.type]?.test(key) ?? false);
  }
}

const NAMES = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", PageUp: "Page up", PageDown: "Page down", " ": "Space",
};

// The keys of every page that shows volumes; viewer() is the Viewer there is now.
export function viewing(viewer) {
  const either = (first, act) => (steps, key) => act(key === first ? 1 : -1, steps);
  const across = () => (viewer().radiological ? -1 : 1);
  return [
    [["ArrowRight", "ArrowLeft"], "one step right or left (with Shift five)", either("ArrowRight", (way, n) => viewer().move(0, way * n * across()))],
    [["ArrowUp", "ArrowDown"], "one step up or down", either("ArrowUp", (way, n) => viewer().move(2, way * n))],
    [["PageUp", "PageDown"], "one step forward or back", either("PageUp", (way, n) => viewer().move(1, way * n))],
    [["+", "-"], "zoom in or out around the crosshair", either("+", (way) => viewer().zoomBy(way))],
    [["]", "["], "brighter or darker", either("]", (way) => viewer().brighten(way))],
    [[".", ","], "more or less contrast", either(".", (way) => viewer().sharpen(way))],
    [["0"], "the whole scan as it was at first", () => viewer().resetView()],
    [["c"], "crosshair on or off", () => viewer().toggleCrosshair()],
    [["f"], "swap left and right", () => viewer().toggleSides()],
  ];
}
