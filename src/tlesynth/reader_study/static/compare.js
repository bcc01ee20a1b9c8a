// Two volumes, linked: the same place, window and zoom in both; their difference over the right one.
import { ask } from "./net.js";
import { Shortcuts, viewing } from "./shortcuts.js";
import { toolbar } from "./toolbar.js";
import { hasWebGL, Viewer } from "./viewer.js";

const get = (id) => document.getElementById(id);
const about = JSON.parse(get("compare").dataset.about);
const sides = ["left", "right"];
const asked = new URLSearchParams(location.search);
let viewer = null;
let loads = 0;

async function start() {
  const hosts = [...document.querySelectorAll(".volume")];
  viewer = await Viewer.open(hosts, about, hasWebGL() ? "webgl" : "slices");
  viewer.onchange = toolbar(get("toolbar"), () => viewer);
  for (const side of sides) {
    const wanted = asked.get(side);
    if (wanted && [...get(side).options].some((option) => option.value === wanted)) get(side).value = wanted;
  }
  if (!asked.has("right")) pairUp();
  get("overlay").checked = asked.get("overlay") === "on";
  await load();
}

// Unless asked otherwise, the first scan that both cohorts have.
function pairUp() {
  const named = (side, cohort) => [...get(side).options].filter((option) => option.value.startsWith(`${cohort}:`));
  const beside = named("right", "beside");
  const left = named("left", "cohort").find((option) => beside.some((other) => other.textContent === option.textContent));
  if (!left) return;
  get("left").value = left.value;
  get("right").value = `beside:${left.textContent}`;
}

const path = (value) => value.split(":").map(encodeURIComponent).join("/");

async function load() {
  const mine = ++loads;
  const values = sides.map((side) => get(side).value);
  const bases = values.map((value) => `/api/scans/${path(value)}`);
  const sources = bases.map((base) => ({ url: `${base}/scan.nii`, pictures: base }));
  const between = `/api/differences/${values.map(path).join("/")}`;
  const place = viewer.voxel;
  try {
    if (get("overlay").checked) {
      const { top } = await ask(`${between}/about`);
      sources[1].difference = { url: `${between}/difference.nii`, pictures: between, top };
      get("scale").textContent = `red: more on the right, blue: less, up to ${top.toFixed(2)} of the range`;
    } else get("scale").textContent = "";
    await viewer.load(sources);
    if (mine === 1) viewer.resetView();
    else viewer.goTo(place);
    get("told").textContent = "";
    get("compare").dataset.loaded = values.join(" ") + (get("overlay").checked ? " difference" : "");
  } catch (error) {
    if (error.status === 401) location.assign("/login");
    get("told").textContent = `${error.message}.`;
  }
  sides.forEach((side) => {
    const option = get(side).selectedOptions[0];
    get(`${side}-words`).textContent = `${option.textContent}, ${option.parentElement.label}`;
  });
  const wanted = new URLSearchParams({ left: values[0], right: values[1] });
  if (get("overlay").checked) wanted.set("overlay", "on");
  history.replaceState(null, "", `?${wanted}`);
}

// Both move together through the cohort where both show the same person.
function step(way) {
  const same = sides.every((side) => get(side).selectedOptions[0].textContent === get("left").selectedOptions[0].textContent);
  for (const side of same ? sides : ["right"]) {
    const group = [...get(side).selectedOptions[0].parentElement.children];
    const at = group.indexOf(get(side).selectedOptions[0]);
    get(side).value = group[(at + way + group.length) % group.length].value;
  }
  load();
}

for (const id of [...sides, "overlay"]) get(id).addEventListener("change", load);
get("help").addEventListener("click", () => get("help-dialog").showModal());
const shortcuts = new Shortcuts(get("help-dialog"), [
  ...viewing(() => viewer),
  [["d"], "difference on or off", () => get("overlay").click()],
  [["n", "b"], "the next scan, the one before", (_, key) => step(key === "n" ? 1 : -1)],
  [["?", "h"], "this help", () => get("help-dialog").showModal()],
]);
shortcuts.blocked = () => viewer === null;
start();
