// The secret stands behind # and leaves the address bar as soon as it is used.
import { ask } from "./net.js";
import { wipe } from "./keep.js";

const secret = location.hash.slice(1);
const [begin, none, told] = ["begin", "no-link", "told"].map((id) => document.getElementById(id));
begin.hidden = !secret;
none.hidden = Boolean(secret);

begin.addEventListener("click", async () => {
  begin.disabled = true;
  try {
    const reply = await ask("/api/login", { secret });
    history.replaceState(null, "", "/login");
    await wipe(); // another reader may have used this browser
    location.replace(reply.next);
  } catch (error) {
    told.textContent = `${error.message[0].toUpperCase()}${error.message.slice(1)}.`;
    begin.hidden = error.status === 410;
    begin.disabled = false;
  }
});
