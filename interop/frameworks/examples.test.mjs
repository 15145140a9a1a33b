// The examples, each started as a user would, with the official client.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ask, connected, next, test, variants } from "../node/harness.mjs";

const bin = fileURLToPath(new URL("../../.bin/examples/", import.meta.url));
const upgrade = variants.find((v) => v.version === "4.8" && v.mode === "upgrade");

// run starts an example for the time of a test, and returns its URL.
async function run(t, name, ...flags) {
  const program = spawn(bin + name, ["-addr", "127.0.0.1:0", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(program, "close");
  t.after(async () => {
    program.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
  });
  for await (const line of createInterface({ input: program.stdout })) {
    if (/^https?:/.test(line)) return { url: line };
  }
  throw new Error(`${name} ended`);
}

const form = (values) => ({ method: "POST", redirect: "manual", body: new URLSearchParams(values) });
const cookie = (res) => ({ Cookie: res.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ") });

test("echo-jwt: a token in a header, its end, and revocation", async (t) => {
  const server = await run(t, "echo-jwt", "-lifetime", "6s");
  const authorize = async () => ({ Authorization: `Bearer ${await (await fetch(`${server.url}/token`, form({ name: "ada" }))).text()}` });
  const stranger = t.client(upgrade, server, { reconnection: false });
  await assert.rejects(connected(stranger), { message: "xhr poll error" });
  const socket = t.client(upgrade, server, { extraHeaders: await authorize() });
  await connected(socket);
  const expired = next(socket, "disconnect");
  assert.deepEqual(await ask(socket, "whoami"), ["ada"]);
  assert.equal((await expired)[0], "transport close");
  Object.assign(socket.io.opts.extraHeaders, await authorize());
  await next(socket, "connect");
  const revoked = next(socket, "disconnect");
  await fetch(`${server.url}/revoke`, form({ name: "ada" }));
  assert.equal((await revoked)[0], "io server disconnect");
});

test("gin-sessions: a session in a cookie, and logging out", async (t) => {
  const server = await run(t, "gin-sessions");
  await assert.rejects(connected(t.client(upgrade, server)), { message: "log in first" });
  const extraHeaders = cookie(await fetch(`${server.url}/login`, form({ name: "ada" })));
  const socket = await connected(t.client(upgrade, server, { extraHeaders }));
  const said = next(socket, "said");
  socket.emit("say", "hello");
  assert.deepEqual(await said, ["ada", "hello"]);
  const left = next(socket, "disconnect");
  await fetch(`${server.url}/logout`, { ...form({}), headers: extraHeaders });
  assert.equal((await left)[0], "io server disconnect");
  assert.match(await (await fetch(server.url)).text(), /Log in/);
});

test("chi-jwtauth: a token in a cookie", async (t) => {
  const server = await run(t, "chi-jwtauth");
  await assert.rejects(connected(t.client(upgrade, server, { reconnection: false })), { message: "xhr poll error" });
  const extraHeaders = cookie(await fetch(`${server.url}/login`, form({ name: "ada" })));
  const socket = await connected(t.client(upgrade, server, { extraHeaders }));
  assert.deepEqual(await ask(socket, "whoami"), ["ada"]);
});

test("nethttp-tls: TLS, and the origins that are let in", async (t) => {
  const server = await run(t, "nethttp-tls", "-origins", "https://a.example,https://b.example");
  const from = (Origin) => t.client(upgrade, server, { rejectUnauthorized: false, reconnection: false, extraHeaders: { Origin, Cookie: "a=b" } });
  const socket = await connected(from("https://b.example"));
  if (socket.io.engine.transport.name === "polling") await next(socket.io.engine, "upgrade");
  assert.deepEqual(await ask(socket, "origin"), ["https://b.example"]);
  await connected(from(server.url));
  await assert.rejects(connected(from("https://evil.example")), { message: "xhr poll error" });
});

test("multitenant: nobody hears another tenant", async (t) => {
  const server = await run(t, "multitenant");
  const [acme, globex] = await Promise.all(["acme", "globex"].map((name) => connected(t.client(upgrade, server, { path: `/t/${name}/socket.io` }))));
  const heard = [];
  globex.on("said", (text) => heard.push(text));
  const said = next(acme, "said");
  acme.emit("say", "for acme");
  assert.deepEqual(await said, ["for acme"]);
  const own = next(globex, "said");
  globex.emit("say", "for globex");
  await own;
  assert.deepEqual(heard, ["for globex"]);
  await assert.rejects(connected(t.client(upgrade, server, { path: "/t/Nobody/socket.io", reconnection: false })), { message: "xhr poll error" });
});
