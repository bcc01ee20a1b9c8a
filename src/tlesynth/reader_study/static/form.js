// The panel beside the scan: what the reader chooses, marks and writes.
export const KEYS = { choice: "asd", confidence: "123456", anatomy: "qwery" };

export class Form {
  constructor(root, about) {
    this.root = root;
    this.about = about;
    this.marks = [];
    this.onchange = () => {};
    this.ongoto = () => {};
    this.options(root.querySelector("#choices"), "choice", Object.entries(about.choices).map(([value, words], n) => [value, words, KEYS.choice[n]]));
    this.options(root.querySelector("#scale"), "confidence", about.scale.map((words, n) => [String(n + 1), words, KEYS.confidence[n]]));
    if (about.anatomy.length) this.scores(root.querySelector("#anatomy"), about.anatomy);
    root.querySelector("#choice-box").hidden = Object.keys(about.choices).length === 0;
    root.addEventListener("input", () => this.onchange());
    // What the mouse chose keeps no focus; what the keyboard walked to does, as everywhere.
    root.addEventListener("click", (event) => event.pointerType && setTimeout(() => this.free()));
  }

  // A radio in focus would take the arrow keys, which go through the scan, for another answer.
  free() {
    if (document.activeElement?.type === "radio") document.activeElement.blur();
  }

  options(box, name, entries) {
    for (const [value, words, key] of entries) {
      const label = box.appendChild(document.createElement("label"));
      label.className = "option";
      const input = label.appendChild(document.createElement("input"));
      Object.assign(input, { type: "radio", name, value });
      label.appendChild(document.createElement("span")).textContent = words;
      label.appendChild(document.createElement("kbd")).textContent = key;
    }
  }

  // Scores in one row: the number is seen, its word is a hint and is read aloud.
  scores(box, words) {
    words.forEach((word, n) => {
      const label = box.appendChild(document.createElement("label"));
      label.className = "option";
      label.title = word;
      const input = label.appendChild(document.createElement("input"));
      Object.assign(input, { type: "radio", name: "anatomy", value: String(n + 1) });
      input.setAttribute("aria-label", `Anatomy ${n + 1}: ${word}`);
      label.appendChild(document.createElement("span")).textContent = String(n + 1);
      label.appendChild(document.createElement("kbd")).textContent = KEYS.anatomy[n];
    });
  }

  get comment() {
    return this.root.querySelector("#comment");
  }

  get recognised() {
    return this.root.querySelector("#recognised");
  }

  chosen(name) {
    return this.root.querySelector(`input[name="${name}"]:checked`)?.value ?? "";
  }

  choose(name, place) {
    const input = this.root.querySelectorAll(`input[name="${name}"]`)[place];
    if (!input || input.disabled) return;
    input.checked = true;
    this.free();
    this.onchange();
  }

  get missing() {
    if (Object.keys(this.about.choices).length && !this.chosen("choice")) return "Choose an answer first.";
    if (!this.chosen("confidence")) return "Say how sure you are first.";
    return !this.about.anatomy.length || this.chosen("anatomy") ? "" : "Score the anatomy first.";
  }

  get content() {
    return {
      choice: this.chosen("choice"),
      confidence: Number(this.chosen("confidence")),
      regions: this.marks.map(({ item, mm }) => ({ item, x: mm[0], y: mm[1], z: mm[2] })),
      comment: this.comment.value,
      recognised: this.recognised.checked,
      anatomy: Number(this.chosen("anatomy")),
    };
  }

  fill(said) {
    for (const name of ["choice", "confidence", "anatomy"]) {
      this.root.querySelectorAll(`input[name="${name}"]`).forEach((input) => {
        input.checked = said !== undefined && input.value === String(said[name]);
      });
    }
    this.comment.value = said?.comment ?? "";
    this.recognised.checked = said?.recognised ?? false;
    this.setMarks((said?.regions ?? []).map(({ item, x, y, z }) => ({ item, mm: [x, y, z] })));
  }

  freeze(frozen) {
    this.root.querySelectorAll("input, textarea, [data-mark]").forEach((element) => {
      element.disabled = frozen;
    });
  }

  setMarks(marks) {
    this.marks = marks;
    const list = this.root.querySelector("#marks");
    list.replaceChildren();
    marks.forEach((mark, number) => list.appendChild(this.row(mark, number)));
    this.onchange();
  }

  row(mark, number) {
    const row = document.createElement("li");
    const words = `${this.about.volumes > 1 ? ["first, ", "second, "][mark.item] : ""}${mark.mm.map((at) => at.toFixed(0)).join(" ")} mm`;
    const go = row.appendChild(document.createElement("button"));
    Object.assign(go, { type: "button", className: "quiet", textContent: words });
    go.setAttribute("aria-label", `Go to mark ${number + 1}: ${words}`);
    go.addEventListener("click", () => this.ongoto(mark));
    const remove = row.appendChild(document.createElement("button"));
    Object.assign(remove, { type: "button", className: "quiet", textContent: "remove" });
    remove.setAttribute("aria-label", `Remove mark ${number + 1}`);
    remove.dataset.mark = "";
    remove.addEventListener("click", () => this.setMarks(this.marks.filter((other) => other !== mark)));
    return row;
  }
}
