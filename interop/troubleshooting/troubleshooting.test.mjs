// docs/troubleshooting.md: each symptom is produced, with the lines of the log that the guide has, and is gone
// with the line that it says.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { cases } from "./cases.mjs";
import { behind } from "../proxies.mjs";

const program = fileURLToPath(new URL("../../.bin/troubleshooting", import.meta.url));
const WAIT = 20_000;
const large = "x".repeat(20_000);

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const sources = ["cases.go", "cases.mjs", "../../docs/scaling.md"].map(read).join("\n");

// cellsOf are the cells of the guide's rows that have so many.
const cellsOf = (n) => read("../../docs/troubleshooting.md").split("\n")
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  .filter((cells) => cells.length === n && !cells[0].startsWith("---"));

// rows are those of the guide's tables: | case | the client shows | why | the server logs | change |
const code = (cell) => [...cell.matchAll(/`` (.*?) ``|`([^`]+)`/g)].map(([, a, b]) => a ?? b);
const rows = cellsOf(5)
  .filter(([name]) => name !== "case")
  .map(([name, shows, , logs, change]) => ({ name, shows: code(shows), logs: code(logs), change: code(change) }));

// serve starts a server and gathers its log.
async function serve(t, name, changed, level = "warn") {
  const child = spawn(program, ["-case", name, "-log", level, ...(changed ? ["-changed"] : [])], { stdio: ["pipe", "pipe", "pipe"] });
  t.after(() => new Promise((resolve) => {
    child.once("close", resolve);
    child.stdin.end();
  }));
  const server = { log: "" };
  const lines = createInterface({ input: child.stdout });
  child.stderr.on("data", (data) => (server.log += data));
  await new Promise((resolve, reject) => {
    lines.once("line", (line) => {
      server.addr = line.match(/\S+$/)[0];
      resolve();
    });
    child.once("close", () => reject(new Error(server.log)));
  });
  return server;
}

// until polls what is gathered elsewhere.
async function until(done, what) {
  for (const end = Date.now() + WAIT; !done(); await new Promise((resolve) => setTimeout(resolve, 10))) {
    if (Date.now() > end) throw new Error(what());
  }
}

async function run(t, { name, shows, logs, change }, changed) {
  const c = cases[name];
  const server = await serve(t, name, changed, c.log);
  let url = `http://${server.addr}`;
  if (c.nginx) url = await behind(t, "nginx", Array(3).fill(server.addr), changed ? c.fixed : c.nginx);
  const seen = [];
  await c.act(t, (line) => seen.push(line), url, changed);
  const missing = () => changed
    ? [c.right].filter((line) => !seen.includes(line))
    : [...shows.filter((line) => !seen.includes(line)), ...logs.filter((text) => !server.log.includes(text))];
  await until(() => missing().length === 0, () =>
    `${name}${changed ? ", changed" : ""}: there is no\n  ${missing().join("\n  ")}\nThe client shows\n  ${seen.map((s) => s.slice(0, 300)).join("\n  ")}\nThe server logs\n${server.log}`);
  if (!changed) {
    if (logs.length === 0) assert.equal(server.log, "", name);
    return;
  }
  if (!c.still) assert.ok(!seen.includes(shows[0]), `${name}: with ${change} there is still ${shows[0]}`);
  for (const line of change) assert.ok(sources.includes(line), `${name}: ${line} is tried nowhere`);
}

test("each case is in the guide, and each in the guide is a case", () => {
  assert.deepEqual(rows.map((row) => row.name).sort(), Object.keys(cases).sort());
  for (const row of rows) assert.ok(row.shows.length > 0, row.name);
});

for (const row of rows) {
  test(row.name, { timeout: 60_000 }, async (t) => {
    await t.test("shows, and says in the log", (t) => run(t, row, false));
    await t.test("is gone with the line", (t) => run(t, row, true));
  });
}

const polling = "/socket.io/?EIO=4&transport=polling";

async function ask(addr, path, options) {
  const response = await fetch(`http://${addr}${path}`, options);
  return [response.status, (await response.text()).trim()];
}

async function open(addr) {
  const [, packet] = await ask(addr, polling);
  return JSON.parse(packet.slice(1)).sid;
}

// part sends so many bytes of a larger body, and returns what is answered.
async function part(addr, bytes) {
  const sid = await open(addr);
  const post = request(`http://${addr}${polling}&sid=${sid}`, { method: "POST", headers: { "Content-Length": bytes + 1 } });
  post.on("error", () => {});   // the server closes behind its answer
  post.write("4".padEnd(bytes, "x"));
  const [response] = await once(post, "response");
  return [response.statusCode, (await response.setEncoding("utf8").toArray()).join("")];
}

test("the answers over HTTP are those of the guide", async (t) => {
  const { addr } = await serve(t, "large POST", false);
  const late = part(addr, 1);   // takes half a minute
  const sid = await open(addr);
  const answers = [
    await ask(addr, "/socket.io/?EIO=4"),
    await ask(addr, `${polling}&sid=nobody`),
    await ask(addr, polling, { method: "POST", body: "40" }),
    await ask(addr, "/socket.io/?EIO=4&transport=websocket"),
    await ask(addr, "/socket.io/?EIO=3&transport=polling"),
    await ask(addr, "/socket/?EIO=4&transport=polling"),
    await ask((await serve(t, "path of the mux")).addr, "/socket/?EIO=4&transport=polling"),
    await ask(addr, `${polling}&sid=${sid}`, { method: "PUT" }),
    await ask(addr, polling, { headers: { Cookie: large } }),
    await ask(addr, `${polling}&sid=${sid}`, { method: "POST", body: large }),
    await ask(addr, "/socket.io/?EIO=3&transport=polling", { headers: { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" } }),
    await ask((await serve(t, "shut down")).addr, polling),
    await part((await serve(t, "busy")).addr, 200_000),
    await late,
  ];
  const guide = cellsOf(3).map(([status, body]) => `${status} ${code(body).join("")}`)
    .filter((row) => !row.startsWith("status ") && !row.startsWith("502, 504 "));   // a proxy's
  assert.deepEqual(answers.map(([status, body]) => `${status} ${body}`).sort(), guide.sort());
});
