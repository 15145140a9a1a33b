// Programs that tests start, on ports that nobody has.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
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
