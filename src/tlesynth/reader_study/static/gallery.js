// Filters of the gallery: everything is on the page already, and hidden cards load no picture.
const get = (id) => document.getElementById(id);
const cards = [...document.querySelectorAll(".cards li")];
const pairs = get("pairs");
const filters = ["group", "side", "text"].map(get);

function apply() {
  const [group, side, text] = filters.map((filter) => filter.value.trim().toLowerCase());
  let shown = 0;
  for (const card of cards) {
    const fits = (!group || card.dataset.group === group) && (!side || card.dataset.side === side) && card.dataset.id.includes(text) && (!pairs?.checked || card.dataset.paired === "1");
    card.hidden = !fits;
    shown += fits;
  }
  get("count").textContent = `${shown} of ${cards.length} scans`;
  const wanted = new URLSearchParams(Object.entries({ group, side, text }).filter(([, value]) => value));
  history.replaceState(null, "", wanted.size ? `?${wanted}` : location.pathname);
}

const asked = new URLSearchParams(location.search);
for (const filter of filters) {
  if (asked.has(filter.id)) filter.value = asked.get(filter.id); // what was chosen before this script ran stays
  filter.addEventListener("input", apply);
}
pairs?.addEventListener("change", apply);
document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
apply();
