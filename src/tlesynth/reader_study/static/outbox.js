// An answer goes into the browser's own store first and leaves it when the server says that it is on its disk.
import { ask, Failed } from "./net.js";
import { drop, keep, kept, keys } from "./keep.js";

const PREFIX = "answer:";
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [500, 15000];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// Not reached, too busy, or the disk is full: the same answer may pass a moment later.
const passing = (status) => status === 0 || status === 408 || status === 429 || status >= 500;

// Sends until acknowledged; waiting(message) is told why it takes long. Throws Failed where trying again is no use.
export async function send(trial, answer, waiting) {
  await keep(PREFIX + trial, answer);
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      const receipt = await ask(`/api/trials/${trial}/answer`, answer);
      await drop(PREFIX + trial);
      return receipt;
    } catch (error) {
      if (!(error instanceof Failed) || !passing(error.status)) {
        if (error.status !== 401) await drop(PREFIX + trial);
        throw error;
      }
      waiting(error.message);
      await pause(Math.max(wait, error.after * 1000));
    }
  }
}

// What a crash or a lost network left unsent.
export async function flush(waiting) {
  for (const key of await keys()) {
    if (!String(key).startsWith(PREFIX)) continue;
    const trial = String(key).slice(PREFIX.length);
    try {
      await send(trial, await kept(key), waiting);
    } catch (error) {
      if (error.status === 401) throw error;
    }
  }
}
