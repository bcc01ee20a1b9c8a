// Talking to our own server: JSON there and back, and errors that carry the status.
export class Failed extends Error {
  constructor(status, message, after = 0) {
    super(message);
    this.status = status;
    this.after = after;
  }
}

export async function ask(path, body) {
  const options = { headers: { accept: "application/json" }, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const reply = await reached(path, options);
  return reply.json();
}

export async function fetched(path) {
  const reply = await reached(path, { credentials: "same-origin", cache: "no-store" });
  return reply.arrayBuffer();
}

async function reached(path, options) {
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Failed(0, "the server cannot be reached");
  }
  if (reply.ok) return reply;
  const told = await reply.json().catch(() => ({}));
  throw new Failed(reply.status, told.error ?? "something went wrong", Number(reply.headers.get("retry-after")) || 0);
}
