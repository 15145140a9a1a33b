// A page over HTTP/2 in a real Chromium: it polls over that, and gets its WebSocket all the same.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { build, launch, offline } from "./server.mjs";

test("a page over HTTP/2 moves to WebSocket", async (t) => {
  const built = build("nethttp-tls");
  t.after(built.remove);
  const child = spawn(built.program, ["-addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const [url] = await once(createInterface({ input: child.stdout }), "line");
  const browser = await launch("--ignore-certificate-errors");
  t.after(() => browser.close());
  const page = await browser.newPage();
  await offline(page);
  page.setDefaultTimeout(15_000);
  const opened = page.waitForEvent("websocket");
  await page.goto(url);
  const seen = await page.evaluate(() => new Promise((resolve, reject) => {
    const socket = io();
    socket.on("connect_error", reject);
    socket.on("connect", async () => {
      const { engine } = socket.io;
      if (engine.transport.name === "polling") await new Promise((done) => engine.once("upgrade", done));
      await socket.emitWithAck("origin", {}); // over the new way
      const polls = performance.getEntriesByType("resource").filter((e) => e.name.includes("transport=polling"));
      resolve({ transport: engine.transport.name, protocols: [...new Set(polls.map((e) => e.nextHopProtocol))] });
    });
  }));
  assert.deepEqual(seen, { transport: "websocket", protocols: ["h2"] });
  assert.match((await opened).url(), /transport=websocket&sid=/);
});
