// The reading page: one scan after another, each answered once.
import { ask } from "./net.js";
import { Clock } from "./clock.js";
import { Form, KEYS } from "./form.js";
import { drop, keep, kept, wipe } from "./keep.js";
import { flush, send } from "./outbox.js";
import { Shortcuts, viewing } from "./shortcuts.js";
import { toolbar } from "./toolbar.js";
import { hasWebGL, Viewer } from "./viewer.js";

const get = (id) => document.getElementById(id);
const about = JSON.parse(get("reading").dataset.about);
const PLAIN = "plain-pictures"; // the reader's wish to do without WebGL
const MOST_MARKS = 50;
const clock = new Clock();
const form = new Form(get("panel"), about);
let [viewer, state, trial, version, display, busy] = [null, null, null, 0, "webgl", true];
let answered = false; // practice: the feedback is on screen

async function start() {
  display = sessionStorage.getItem(PLAIN) || !hasWebGL() ? "slices" : "webgl";
  get("display").textContent = display === "webgl" ? "drawn by the graphics card (WebGL)" : "drawn as plain pictures";
  const hosts = [...document.querySelectorAll(".volume")];
  try {
    viewer = await Viewer.open(hosts, about, display);
  } catch {
    display = "slices";
    viewer = await Viewer.open(hosts, about, display);
  }
  const tools = toolbar(get("toolbar"), () => viewer);
  viewer.onchange = (shown) => {
    tools(shown);
    hosts.forEach((host, number) => host.classList.toggle("active", hosts.length > 1 && number === shown.active));
  };
  await guarded(async () => {
    await flush(waiting);
    state = await ask("/api/state");
    await next();
  });
}

// Errors are said on the page; a session that has ended leads to the login.
async function guarded(work) {
  busy = true;
  try {
    await work();
  } catch (error) {
    if (error.status === 401) location.assign("/login");
    else say(`${error.message}. Reload the page to go on.`, true);
  } finally {
    busy = false;
  }
}

const next = () => (state.current === null || state.locked ? finished() : show(state.current));

async function show(wanted, said) {
  say("");
  [trial, version, answered] = [wanted, said?.version ?? 0, false];
  get("finished").hidden = true;
  get("reading").hidden = false;
  const draft = said ? undefined : await kept(`draft:${trial}`);
  form.freeze(false);
  form.fill(said ?? draft);
  header(said !== undefined);
  get("loading").hidden = false;
  delete get("reading").dataset.shown;
  await viewer.load([0, 1].slice(0, about.volumes).map((place) => source(trial, place)));
  get("loading").hidden = true;
  marked();
  get("reading").dataset.shown = get("place").textContent;
  clock.restart(draft?.seconds ?? 0);
}

function source(of, place) {
  const base = `/api/trials/${of}/items/${place}`;
  return { url: `${base}/scan.nii`, pictures: base };
}

function header(revising) {
  const place = revising ? state.answered.indexOf(trial) : state.done;
  const words = revising ? "an earlier scan, to change" : state.practice ? "practice" : "";
  get("progress").max = state.total;
  get("progress").value = state.done;
  get("place").textContent = revising ? `${state.done} of ${state.total} done` : `${place + 1} of ${state.total}`;
  get("kind").textContent = words;
  get("kind").hidden = !words;
  get("submit").firstChild.textContent = revising ? "Change the answer " : "Answer ";
  get("back").disabled = earlier() === undefined;
  get("feedback").hidden = true;
  get("back").hidden = get("pause").hidden = get("help").hidden = false;
}

// The answered scan before the one on screen.
function earlier() {
  const at = version ? state.answered.indexOf(trial) : state.answered.length;
  return state.locked ? undefined : state.answered[at - 1];
}

async function submit() {
  if (busy) return;
  if (answered) {
    await guarded(next);
    return;
  }
  if (form.missing) {
    say(form.missing, true);
    return;
  }
  clock.hold(true);
  const answer = { ...form.content, seconds: clock.seconds, display, revises: version, answered_at: new Date().toISOString() };
  await guarded(async () => {
    const receipt = await taken(answer);
    await drop(`draft:${trial}`);
    if (receipt?.feedback) {
      feedback(receipt.feedback);
      return;
    }
    await next();
    if (!receipt && !state.locked) say("That scan had its answer already; it was not changed.", true);
  });
}

async function taken(answer) {
  form.freeze(true);
  try {
    const receipt = await send(trial, answer, waiting);
    state = receipt.state;
    say("");
    return receipt;
  } catch (error) {
    if (error.status !== 409) throw error;
    state = await ask("/api/state");
    return null;
  } finally {
    form.freeze(false);
  }
}

function feedback(words) {
  answered = true;
  form.freeze(true);
  get("feedback").textContent = `The right answer: ${words}.`;
  get("feedback").hidden = false;
  get("submit").firstChild.textContent = "Go on ";
  get("submit").focus();
}

async function goBack() {
  const wanted = earlier();
  if (busy || wanted === undefined) return;
  await guarded(async () => show(wanted, await ask(`/api/trials/${wanted}/answer`)));
}

function finished() {
  trial = null;
  clock.hold(true);
  get("reading").hidden = true;
  get("finished").hidden = false;
  get("finish").hidden = get("review").hidden = state.locked;
  get("progress").max = state.total;
  get("progress").value = state.done;
  get("place").textContent = `${state.done} of ${state.total} done`;
  get("kind").hidden = get("back").hidden = true; // "Go back" stands on the page
  get("pause").hidden = get("help").hidden = state.locked;
  get("finished-title").textContent = state.current === null ? "Finished" : "The study is closed";
  get("finished-words").textContent = ended();
}

function ended() {
  if (!state.locked) return `All ${state.total} scans are answered. You may still go back to change an answer, or finish: then nothing can be changed.`;
  if (state.current !== null) return `Thank you. The administrator has closed the study: what you answered (${state.done} of ${state.total}) is kept, and no more is taken. You may close this page.`;
  return "Thank you. Your answers are complete and can no longer be changed. You may close this page.";
}

function mark() {
  if (busy || answered || form.marks.length >= MOST_MARKS) return;
  form.setMarks([...form.marks, { item: viewer.active, mm: viewer.millimetres(viewer.voxel) }]);
}

function other() {
  viewer.active = 1 - viewer.active;
  viewer.onchange(viewer);
}

function marked() {
  viewer.setMarks(form.marks.map(({ item, mm }) => ({ item, voxel: viewer.voxelOf(mm) })));
}

form.onchange = () => {
  if (!viewer || !trial) return;
  if (get("told").classList.contains("bad")) say("");
  marked();
  if (!version && !answered) keep(`draft:${trial}`, { ...form.content, seconds: clock.seconds });
};
form.ongoto = ({ item, mm }) => {
  viewer.active = item;
  viewer.goTo(viewer.voxelOf(mm));
};

function say(words, bad = false) {
  get("told").textContent = words;
  get("told").classList.toggle("bad", bad);
}

function waiting(message) {
  say(`Not saved yet (${message}). Trying again; keep this page open.`, true);
}

function pause() {
  if (state?.locked) return;
  clock.hold(true);
  if (trial) keep(`draft:${trial}`, { ...form.content, seconds: clock.seconds });
  get("pause-dialog").showModal();
  get("leave-box").hidden = true;
  get("leave").hidden = false;
  get("go-on").hidden = false;
}

async function leave() {
  await guarded(async () => {
    const { link } = await ask("/api/pause", {});
    get("return-link").value = new URL(link, location.href).href;
    get("leave-box").hidden = false;
    get("leave").hidden = get("go-on").hidden = true;
    get("return-link").select();
    await wipe();
  });
}

function help() {
  clock.hold(true);
  get("help-dialog").showModal();
}

const resume = () => clock.hold(trial === null || answered);
get("submit").addEventListener("click", submit);
get("back").addEventListener("click", goBack);
get("review").addEventListener("click", goBack);
get("mark").addEventListener("click", mark);
get("pause").addEventListener("click", pause);
get("help").addEventListener("click", help);
get("leave").addEventListener("click", leave);
get("go-on").addEventListener("click", () => get("pause-dialog").close());
get("finish").addEventListener("click", () =>
  guarded(async () => {
    state = await ask("/api/finish", {});
    finished();
  }),
);
get("plain").checked = Boolean(sessionStorage.getItem(PLAIN));
get("plain").addEventListener("change", (event) => {
  if (event.target.checked) sessionStorage.setItem(PLAIN, "1");
  else sessionStorage.removeItem(PLAIN);
  const draft = trial ? keep(`draft:${trial}`, { ...form.content, seconds: clock.seconds }) : Promise.resolve();
  draft.then(() => location.reload());
});
for (const id of ["help-dialog", "pause-dialog"]) get(id).addEventListener("close", resume);
get("pause-dialog").addEventListener("cancel", (event) => get("leave-box").hidden || event.preventDefault());
window.addEventListener("pagehide", () => trial && !version && !answered && keep(`draft:${trial}`, { ...form.content, seconds: clock.seconds }));

const shortcuts = new Shortcuts(get("help-dialog"), [
  ...about.scale.map((words, place) => [[KEYS.confidence[place]], words, () => form.choose("confidence", place)]),
  ...Object.values(about.choices).map((words, place) => [[KEYS.choice[place]], words, () => form.choose("choice", place)]),
  ...about.anatomy.map((words, place) => [[KEYS.anatomy[place]], `the anatomy: ${words}`, () => form.choose("anatomy", place)]),
  [["Enter", "Ctrl+Enter"], "give the answer, or go on", submit],
  ...viewing(() => viewer),
  [["m"], "mark the point under the crosshair", mark],
  [["x"], "remove the last mark", () => answered || form.setMarks(form.marks.slice(0, -1))],
  ...(about.volumes > 1 ? [[["g"], "marks go to the other scan", () => other()]] : []),
  [["t"], "write a comment (Esc leaves it)", () => form.comment.focus()],
  [["k"], "I know this scan", () => form.recognised.click()],
  [["b"], "back to the answer before", goBack],
  [["p"], "pause", pause],
  [["?", "h"], "this help", help],
]);
shortcuts.blocked = () => viewer === null;
start();
