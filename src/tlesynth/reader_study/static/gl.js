// One volume in NiiVue. Window, position and zoom are always ours: nothing is guessed from the file or its values.
import { Niivue, NVImage, DRAG_MODE, MULTIPLANAR_TYPE, SHOW_RENDER, SLICE_TYPE } from "./niivue.js";
import { fetched } from "./net.js";

const OPTIONS = {
  backColor: [0, 0, 0, 1],
  crosshairColor: [0.35, 0.75, 1, 0.75],
  crosshairWidth: 0.6,
  crosshairWidthUnit: "mm",
  crosshairGap: 8,
  fontColor: [0.85, 0.93, 1, 1],
  isCornerOrientationText: true,
  dragMode: DRAG_MODE.pan,
  dragAndDropEnabled: false,
  show3Dcrosshair: false,
  multiplanarShowRender: SHOW_RENDER.NEVER,
  multiplanarLayout: MULTIPLANAR_TYPE.AUTO,
  sliceType: SLICE_TYPE.MULTIPLANAR,
  trustCalMinMax: true,
  isColorbar: false,
  isNearestInterpolation: false,
  loadingText: "",
  logLevel: "error",
  viewModeHotKey: "",
  clipPlaneHotKey: "",
  cycleClipPlaneHotKey: "",
};
const MARK = [[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];
const RED = 1; // of NiiVue's drawing colours
// The more a voxel differs, the less of the scan is seen through the colour.
const COLOURS = { more: [255, 51, 0], less: [0, 64, 255] };
const FADES_BELOW = 1; // of NiiVue's colormap types

export class GLView {
  static async open(host, about) {
    const view = new GLView(about);
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    host.replaceChildren(canvas);
    // Keys are the page's: NiiVue has some of its own.
    for (const kind of ["keydown", "keyup"]) host.addEventListener(kind, (event) => event.stopPropagation(), true);
    view.niivue = new Niivue(OPTIONS);
    view.niivue.onLocationChange = (location) => view.moved(location);
    await view.niivue.attachToCanvas(canvas);
    canvas.tabIndex = -1;
    canvas.addEventListener("wheel", () => view.zoomed(), { passive: true });
    canvas.addEventListener("touchmove", () => view.zoomed(), { passive: true });
    return view;
  }

  constructor(about) {
    this.about = about;
    this.onmove = () => {};
    this.onzoom = () => {};
    this.busy = false;
  }

  // source: {url, difference?: {url, top}}
  async load(source) {
    this.busy = true;
    try {
      const [low, high] = this.about.window;
      const image = await NVImage.new(await fetched(source.url), "scan.nii", "gray", 1, null, low, high, true);
      while (this.niivue.volumes.length) this.niivue.removeVolumeByIndex(0);
      this.niivue.closeDrawing();
      this.niivue.addVolume(image);
      if (source.difference) await this.overlay(source.difference);
    } finally {
      this.busy = false;
    }
  }

  async overlay({ url, top }) {
    for (const [name, [R, G, B]] of Object.entries(COLOURS)) {
      this.niivue.addColormap(name, { R: [R, R], G: [G, G], B: [B, B], A: [0, 255], I: [0, 255] });
    }
    const full = Math.sqrt(top);
    const image = await NVImage.new(
      await fetched(url), "difference.nii", "more", 1, null, full, 2 * full, true, 0.02, false, false, "less", 0, undefined, -full, -2 * full,
    );
    // Below its limit NiiVue fades with the square; of the root that is the difference itself.
    image.img = Float32Array.from(image.img, (value) => Math.sign(value) * Math.sqrt(Math.abs(value)));
    image.colormapType = FADES_BELOW;
    this.niivue.addVolume(image);
  }

  moved(location) {
    if (this.busy || !location?.vox) return;
    this.onmove(Array.from(location.vox).slice(0, 3));
  }

  zoomed() {
    const zoom = this.niivue.scene.pan2Dxyzmm[3];
    if (Math.abs(zoom - this.zoom) > 1e-3) {
      this.zoom = zoom;
      this.onzoom(zoom);
    }
  }

  quietly(work) {
    if (!this.niivue.volumes.length) return;
    this.busy = true;
    work();
    this.niivue.drawScene();
    this.busy = false;
  }

  setVoxel(voxel) {
    this.quietly(() => {
      this.niivue.scene.crosshairPos = this.niivue.vox2frac(voxel);
    });
  }

  setWindow(low, high) {
    this.quietly(() => {
      [this.niivue.volumes[0].cal_min, this.niivue.volumes[0].cal_max] = [low, high];
      this.niivue.updateGLVolume();
    });
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.quietly(() => {
      const [x, y, z, old] = this.niivue.scene.pan2Dxyzmm;
      const at = this.niivue.frac2mm(this.niivue.scene.crosshairPos);
      const pan = zoom === 1 ? [0, 0, 0] : [x, y, z].map((shift, axis) => shift + (old - zoom) * at[axis]);
      this.niivue.scene.pan2Dxyzmm = [...pan, zoom];
    });
  }

  setRadiological(on) {
    this.quietly(() => this.niivue.setRadiologicalConvention(on));
  }

  setCrosshair(on) {
    this.quietly(() => this.niivue.setCrosshairWidth(on ? OPTIONS.crosshairWidth : 0));
  }

  setMarks(voxels) {
    this.quietly(() => {
      this.niivue.closeDrawing();
      if (!voxels.length) return;
      this.niivue.createEmptyDrawing();
      for (const voxel of voxels) {
        for (const shift of MARK) {
          const at = voxel.map((value, axis) => value + shift[axis]);
          if (at.every((value, axis) => value >= 0 && value < this.about.shape[axis])) this.niivue.drawPt(...at, RED);
        }
      }
      this.niivue.setDrawOpacity(0.7);
      this.niivue.refreshDrawing(false);
    });
  }
}
