// One volume as three pictures from the server, for browsers without WebGL. A picture is asked for again whenever the
// position or the window changes; of several asked for in a hurry, only the newest is fetched.
import { fetched } from "./net.js";

const SVG = "http://www.w3.org/2000/svg";
// Which axes run to the right and up, and the letters at the left and right edge.
const PLANES = {
  axial: { cuts: 2, right: 0, up: 1, edges: ["L", "R"] },
  coronal: { cuts: 1, right: 0, up: 2, edges: ["L", "R"] },
  sagittal: { cuts: 0, right: 1, up: 2, edges: ["P", "A"] },
};

export class SliceView {
  constructor(host, about) {
    this.about = about;
    this.onmove = () => {};
    this.onzoom = () => {};
    this.state = { voxel: [0, 0, 0], window: about.window, zoom: 1, radiological: false, crosshair: true, marks: [] };
    host.replaceChildren();
    const frame = host.appendChild(document.createElement("div"));
    frame.className = "slices";
    this.planes = Object.entries(PLANES).map(([name, plane]) => this.pane(frame, name, plane));
  }

  pane(frame, name, plane) {
    const [width, height] = [this.about.shape[plane.right], this.about.shape[plane.up]];
    const box = frame.appendChild(document.createElement("div"));
    box.className = `slice slice-${name}`;
    const inner = box.appendChild(document.createElement("div"));
    inner.className = "slice-inner";
    const image = inner.appendChild(document.createElement("img"));
    image.alt = "";
    [image.width, image.height] = [width, height];
    const lines = inner.appendChild(document.createElementNS(SVG, "svg"));
    lines.setAttribute("viewBox", `0 0 ${width} ${height}`);
    lines.setAttribute("aria-hidden", "true");
    const letters = plane.edges.map((_, side) => {
      const letter = box.appendChild(document.createElement("span"));
      letter.className = side ? "edge edge-right" : "edge edge-left";
      return letter;
    });
    const pane = { name, plane, width, height, box, inner, image, lines, letters, wanted: "", loading: false };
    image.addEventListener("load", () => this.arrived(pane));
    image.addEventListener("error", () => this.arrived(pane));
    this.listen(pane);
    return pane;
  }

  listen(pane) {
    const point = (event) => {
      const area = pane.inner.getBoundingClientRect();
      let across = (event.clientX - area.left) / area.width;
      if (this.flipped(pane)) across = 1 - across;
      const voxel = [...this.state.voxel];
      voxel[pane.plane.right] = Math.floor(across * pane.width);
      voxel[pane.plane.up] = pane.height - 1 - Math.floor(((event.clientY - area.top) / area.height) * pane.height);
      this.moved(voxel);
    };
    pane.box.addEventListener("pointerdown", (event) => {
      pane.box.setPointerCapture(event.pointerId);
      point(event);
    });
    pane.box.addEventListener("pointermove", (event) => event.buttons && point(event));
    pane.box.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const voxel = [...this.state.voxel];
        voxel[pane.plane.cuts] += event.deltaY < 0 ? 1 : -1;
        this.moved(voxel);
      },
      { passive: false },
    );
  }

  async load(source) {
    this.source = source;
    await fetched(this.url(this.planes[0])); // a session that has ended is told like everywhere
  }

  url(pane) {
    const { voxel, window } = this.state;
    const at = voxel[pane.plane.cuts];
    const base = this.source.difference?.pictures ?? this.source.pictures;
    return `${base}/${pane.name}/${at}.png?low=${window[0]}&high=${window[1]}`;
  }

  moved(voxel) {
    this.state.voxel = voxel.map((at, axis) => Math.min(this.about.shape[axis] - 1, Math.max(0, at)));
    this.draw();
    this.onmove(this.state.voxel);
  }

  flipped(pane) {
    return this.state.radiological && pane.plane.right === 0;
  }

  draw() {
    if (!this.source) return;
    for (const pane of this.planes) {
      pane.wanted = this.url(pane);
      if (!pane.loading) this.arrived(pane);
      this.decorate(pane);
    }
  }

  arrived(pane) {
    pane.loading = pane.image.dataset.shown !== pane.wanted;
    if (!pane.loading) return;
    pane.image.dataset.shown = pane.wanted;
    pane.image.src = pane.wanted;
  }

  decorate(pane) {
    const { voxel, zoom, crosshair, marks } = this.state;
    const [x, y] = [voxel[pane.plane.right] + 0.5, pane.height - voxel[pane.plane.up] - 0.5];
    const flip = this.flipped(pane) ? -1 : 1;
    const left = (flip < 0 ? 1 - x / pane.width : x / pane.width) * 100;
    pane.inner.style.transformOrigin = `${left}% ${(y / pane.height) * 100}%`;
    pane.inner.style.transform = `scale(${zoom})`;
    pane.image.style.transform = pane.lines.style.transform = `scaleX(${flip})`;
    pane.letters[0].textContent = pane.plane.edges[flip < 0 ? 1 : 0];
    pane.letters[1].textContent = pane.plane.edges[flip < 0 ? 0 : 1];
    pane.lines.replaceChildren();
    if (crosshair) {
      this.line(pane, x, 0, x, pane.height);
      this.line(pane, 0, y, pane.width, y);
    }
    for (const mark of marks) {
      if (Math.abs(mark[pane.plane.cuts] - voxel[pane.plane.cuts]) > 1) continue;
      const circle = pane.lines.appendChild(document.createElementNS(SVG, "circle"));
      circle.setAttribute("cx", mark[pane.plane.right] + 0.5);
      circle.setAttribute("cy", pane.height - mark[pane.plane.up] - 0.5);
      circle.setAttribute("r", 2.5);
    }
  }

  line(pane, x1, y1, x2, y2) {
    const line = pane.lines.appendChild(document.createElementNS(SVG, "line"));
    Object.entries({ x1, y1, x2, y2 }).forEach(([name, value]) => line.setAttribute(name, value));
  }

  set(change) {
    Object.assign(this.state, change);
    this.draw();
  }

  setVoxel(voxel) {
    this.set({ voxel });
  }

  setWindow(low, high) {
    this.set({ window: [low, high] });
  }

  setZoom(zoom) {
    this.set({ zoom });
  }

  setRadiological(radiological) {
    this.set({ radiological });
  }

  setCrosshair(crosshair) {
    this.set({ crosshair });
  }

  setMarks(marks) {
    this.set({ marks });
  }
}
