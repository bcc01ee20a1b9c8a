// The film of the reverse process: one picture for each kept moment.
const FRAME_MS = 700;
const get = (id) => document.getElementById(id);
const frames = [...document.querySelectorAll(".film-frames img")];
let timer = null;

function show(number) {
  const at = Math.min(frames.length - 1, Math.max(0, number));
  frames.forEach((frame, place) => (frame.hidden = place !== at));
  get("moment").value = at;
  const timestep = frames[at].dataset.timestep;
  get("words").textContent = `t = ${timestep}${at === 0 ? ", noise" : at === frames.length - 1 ? ", finished" : ""}`;
}

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => show((Number(get("moment").value) + 1) % frames.length), FRAME_MS) : null;
  get("play").firstChild.textContent = on ? "Stop " : "Play ";
  get("play").setAttribute("aria-pressed", String(on));
}

if (frames.length) {
  get("play").addEventListener("click", () => play(timer === null));
  get("moment").addEventListener("input", () => {
    play(false);
    show(Number(get("moment").value));
  });
  document.querySelectorAll("[data-moment]").forEach((button) =>
    button.addEventListener("click", () => {
      play(false);
      show(Number(button.dataset.moment));
    }),
  );
  window.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLButtonElement || event.target instanceof HTMLInputElement) return;
    const keys = { " ": () => play(timer === null), ArrowRight: () => show(Number(get("moment").value) + 1), ArrowLeft: () => show(Number(get("moment").value) - 1) };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  show(0);
}
