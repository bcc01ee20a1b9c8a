// Who is how far. Everything is written as text; there is nothing here about what was answered.
import { ask } from "./net.js";

const EVERY_MS = 10000;
const get = (id) => document.getElementById(id);
const rows = get("readers");

async function refresh() {
  try {
    const { closed, readers } = await ask("/api/administrator/progress");
    rows.replaceChildren(...readers.map(row));
    get("close-study").disabled = closed;
    get("state").textContent = closed ? "The study is closed: no more answers are taken." : `The study is open. Looked at ${new Date().toLocaleTimeString()}.`;
  } catch (error) {
    if (error.status === 401) location.assign("/login");
    get("state").textContent = `${error.message}.`;
  }
}

function row(reader) {
  const line = document.createElement("tr");
  const name = line.appendChild(document.createElement("th"));
  name.scope = "row";
  name.textContent = reader.reader;
  const bar = line.appendChild(document.createElement("td")).appendChild(document.createElement("progress"));
  Object.assign(bar, { max: reader.total, value: reader.done });
  bar.setAttribute("aria-label", `${reader.reader}: ${reader.done} of ${reader.total}`);
  const last = reader.last ? new Date(reader.last).toLocaleString() : "never";
  const shown = reader.display.map((path) => ({ webgl: "WebGL", slices: "pictures" })[path]).join(", ");
  for (const words of [`${reader.done} of ${reader.total}`, last, shown || "none yet", reader.finished ? "finished" : "reading"]) {
    line.appendChild(document.createElement("td")).textContent = words;
  }
  const button = line.appendChild(document.createElement("td")).appendChild(document.createElement("button"));
  Object.assign(button, { type: "button", textContent: "New link", className: "quiet" });
  button.setAttribute("aria-label", `New link for ${reader.reader}`);
  button.addEventListener("click", () => invite(reader.reader));
  return line;
}

async function invite(reader) {
  try {
    const { link } = await ask("/api/administrator/links", { reader });
    get("link-for").textContent = `A link for ${reader}, good once:`;
    get("link").value = new URL(link, location.href).href;
    get("link-dialog").showModal();
    get("link").select();
  } catch (error) {
    get("state").textContent = `${error.message}.`;
  }
}

get("close-study").addEventListener("click", () => get("close-dialog").showModal());
get("close-surely").addEventListener("click", async () => {
  await ask("/api/administrator/close", {});
  get("close-dialog").close();
  refresh();
});
get("logout").addEventListener("click", async () => location.assign((await ask("/api/logout", {})).next));
refresh();
setInterval(refresh, EVERY_MS);
