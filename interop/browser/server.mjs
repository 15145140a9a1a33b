// The chat example as a process of its own.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const root = join(import.meta.dirname, "../..");

export const clientFile = join(root, "examples/chat/node_modules/socket.io-client/dist/socket.io.min.js");

// launch starts Chromium.
export const launch = (...args) => chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", ...args,
  ],
});

// offline serves what a page loads from the client's CDN.
export const offline = (context) => context.route("https://cdn.socket.io/**", (route) => route.fulfill({ path: clientFile }));

// build compiles an example, or another program, and returns its path and a function that deletes it.
export function build(name = "chat", folder = "examples", ...flags) {
  const dir = mkdtempSync(join(tmpdir(), "sio-example-"));
  const program = join(dir, name);
  execFileSync("go", ["build", ...flags, "-o", program, "."], { cwd: join(root, folder, name), stdio: "inherit" });   // it may be a module of its own
  return { program, remove: () => rmSync(dir, { recursive: true }) };
}

// start resolves once the server listens, to its URL, and functions: stop ends it with a signal and
// resolves to its exit code (null if the signal killed it); line resolves to what matches the nth
// line of its output that does.
export async function start(program, ...args) {
  const child = spawn(program, ["-addr", "127.0.0.1:0", ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit");
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const output = [];
  const lines = createInterface({ input: child.stdout }).on("line", (line) => output.push(line));
  const ended = exit.then(([code]) => { throw new Error(`the server ended with code ${code}:\n${log}`); });
  ended.catch(() => {});   // whoever waits for a line hears of it
  const line = async (pattern, nth = 1) => {
    for (;;) {
      const found = output.map((text) => text.match(pattern)).filter(Boolean);
      if (found.length >= nth) return found[nth - 1];
      await Promise.race([once(lines, "line"), ended]);
    }
  };
  const [url] = await line(/http:\/\/\S+/);
  return {
    url,
    line,
    signal: (name) => child.kill(name),
    stop: async (name = "SIGKILL") => {
      child.kill(name);
      const [code] = await exit;
      return code;
    },
  };
}
