// Three linked planes of one or two volumes. Every volume is shown by NiiVue where the browser has WebGL 2, and by
// slices from the server where it has not; the page only speaks to Viewer and need not know which.
import { SliceView } from "./slices.js";

export const WINDOW_STEP = 8;
const ZOOM_STEP = 1.25;
const [ZOOM_LEAST, ZOOM_MOST] = [1, 8];

export function hasWebGL() {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}

// about: shape [X, Y, Z], spacing (mm), origin [x, y, z] (mm), window [black, white], convention (neurological if
// left out).
export class Viewer {
  static async open(hosts, about, display) {
    const viewer = new Viewer(about);
    if (display === "webgl") {
      const { GLView } = await import("./gl.js");
      for (const host of hosts) viewer.views.push(await GLView.open(host, about));
    } else {
      for (const host of hosts) viewer.views.push(new SliceView(host, about));
    }
    viewer.views.forEach((view, number) => {
      view.onmove = (voxel) => viewer.goTo(voxel, number);
      view.onzoom = (zoom) => viewer.setZoom(zoom, number);
    });
    return viewer;
  }

  constructor(about) {
    this.about = about;
    this.views = [];
    this.onchange = () => {};
    this.active = 0; // the volume that was touched last: marks go there
    this.radiological = about.convention === "radiological";
    this.crosshair = true;
    this.reset();
  }

  async load(sources) {
    await Promise.all(this.views.map((view, number) => view.load(sources[number])));
    this.reset();
    this.apply();
  }

  reset() {
    this.voxel = this.about.shape.map((length) => Math.floor(length / 2));
    this.window = [...this.about.window];
    this.zoom = 1;
  }

  apply() {
    for (const view of this.views) {
      view.setRadiological(this.radiological);
      view.setCrosshair(this.crosshair);
      view.setWindow(...this.window);
      view.setVoxel(this.voxel);
      view.setZoom(this.zoom);
    }
    this.onchange(this);
  }

  goTo(voxel, from = -1) {
    this.voxel = voxel.map((at, axis) => Math.min(this.about.shape[axis] - 1, Math.max(0, Math.round(at))));
    if (from >= 0) this.active = from;
    this.views.forEach((view, number) => number === from || view.setVoxel(this.voxel));
    this.onchange(this);
  }

  move(axis, steps) {
    const voxel = [...this.voxel];
    voxel[axis] += steps;
    this.goTo(voxel);
  }

  // Brightness moves both ends, contrast draws them together or apart.
  brighten(steps) {
    this.setWindow(this.window[0] - steps * WINDOW_STEP, this.window[1] - steps * WINDOW_STEP);
  }

  sharpen(steps) {
    this.setWindow(this.window[0] + steps * WINDOW_STEP, this.window[1] - steps * WINDOW_STEP);
  }

  setWindow(low, high) {
    const black = Math.min(254, Math.max(0, Math.round(low)));
    this.window = [black, Math.min(255, Math.max(black + 1, Math.round(high)))];
    this.views.forEach((view) => view.setWindow(...this.window));
    this.onchange(this);
  }

  zoomBy(steps) {
    this.setZoom(this.zoom * ZOOM_STEP ** steps);
  }

  setZoom(zoom, from = -1) {
    this.zoom = Math.min(ZOOM_MOST, Math.max(ZOOM_LEAST, zoom));
    this.views.forEach((view, number) => number === from || view.setZoom(this.zoom));
    this.onchange(this);
  }

  toggleCrosshair() {
    this.crosshair = !this.crosshair;
    this.apply();
  }

  toggleSides() {
    this.radiological = !this.radiological;
    this.apply();
  }

  resetView() {
    this.reset();
    this.apply();
  }

  // marks: [{item, voxel}]
  setMarks(marks) {
    this.views.forEach((view, number) => view.setMarks(marks.filter((mark) => mark.item === number).map((m) => m.voxel)));
  }

  millimetres(voxel) {
    return voxel.map((at, axis) => this.about.origin[axis] + at * this.about.spacing);
  }

  voxelOf(millimetres) {
    return millimetres.map((at, axis) => Math.round((at - this.about.origin[axis]) / this.about.spacing));
  }
}
