// Time on task: only while the page is visible and nothing lies over it.
export class Clock {
  constructor() {
    this.before = 0;
    this.since = null;
    this.held = true;
    document.addEventListener("visibilitychange", () => this.update());
  }

  restart(seconds = 0) {
    this.since = null;
    this.before = seconds;
    this.held = false;
    this.update();
  }

  hold(held) {
    this.held = held;
    this.update();
  }

  update() {
    const runs = !this.held && document.visibilityState === "visible";
    if (runs && this.since === null) this.since = performance.now();
    if (!runs && this.since !== null) {
      this.before += (performance.now() - this.since) / 1000;
      this.since = null;
    }
  }

  get seconds() {
    const running = this.since === null ? 0 : (performance.now() - this.since) / 1000;
    return Math.min(86400, Math.round((this.before + running) * 10) / 10);
  }
}
