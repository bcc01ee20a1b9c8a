// The buttons and sliders over a viewer: what the keys do, for hands that hold a mouse or a tablet.
export function toolbar(root, viewer) {
  const acts = {
    "zoom-in": () => viewer().zoomBy(1),
    "zoom-out": () => viewer().zoomBy(-1),
    reset: () => viewer().resetView(),
    crosshair: () => viewer().toggleCrosshair(),
    sides: () => viewer().toggleSides(),
  };
  for (const [name, act] of Object.entries(acts)) {
    root.querySelector(`[data-act="${name}"]`)?.addEventListener("click", act);
  }
  const [low, high] = ["low", "high"].map((name) => root.querySelector(`[data-window="${name}"]`));
  low.addEventListener("input", () => viewer().setWindow(Number(low.value), Math.max(viewer().window[1], Number(low.value) + 1)));
  high.addEventListener("input", () => viewer().setWindow(Math.min(viewer().window[0], Number(high.value) - 1), Number(high.value)));
  return (shown) => {
    [low.value, high.value] = shown.window;
    root.querySelector('[data-act="crosshair"]')?.setAttribute("aria-pressed", String(shown.crosshair));
    root.querySelector('[data-act="sides"]')?.setAttribute("aria-pressed", String(shown.radiological));
    const sides = root.querySelector("[data-sides]");
    if (sides) sides.textContent = shown.radiological ? "patient's left on the right" : "patient's left on the left";
  };
}
