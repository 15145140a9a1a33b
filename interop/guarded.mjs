// Programs that tests start, on ports that nobody has.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

const given = new Set();

// Ports are taken from below those that systems give to connections: one of these may be a
// connection's own before a server listens, or while a server that was killed is to come back.
export async function freePort() {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (given.has(port)) continue;
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, "close");
    given.add(port);
    return port;
  }
}

const script = `
  exec 3<&0
  "$@" 3<&- & program=$!
  exec 2>/dev/null
  { cat <&3; kill -9 $program; } >/dev/null &
  exec 3<&-
  wait $program`;

// guarded runs a program that ends when the standard input of what is returned does, so when the
// test does, even if that is killed.
export const guarded = (program, args, { stdout = "ignore", ...options } = {}) =>
  spawn("sh", ["-c", script, "sh", program, ...args], { ...options, stdio: ["pipe", stdout, "inherit"] });
