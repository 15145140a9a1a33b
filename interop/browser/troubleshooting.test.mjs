// What the console of a real Chromium says in the cases of docs/troubleshooting.md, and that it is gone with the
// line of the guide.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build, clientFile, launch, root } from "./server.mjs";
import { wait } from "./page.mjs";

const guide = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
const source = readFileSync(join(root, "interop/troubleshooting/cases.go"), "utf8");
const code = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text);
const rows = guide.split("\n").map((line) => line.split("|").slice(1, -1)).filter((cells) => cells.length === 4)
  .map(([console, , logs, change]) => ({ console: code(console)[0], logs: code(logs).slice(0, 1), change: code(change)[0] }));

let built, pages, browser, origin;

before(async () => {
  built = build("troubleshooting", "interop");
  const files = { "/": ["text/html", "<title>a page</title><script src=client.js></script>"], "/client.js": ["text/javascript", readFileSync(clientFile)] };
  pages = createServer((req, res) => {
    const [type, body] = files[req.url] ?? ["text/plain", ""];
    res.setHeader("Content-Type", type).end(body);
  }).listen(0);
  await once(pages, "listening");
  origin = `http://localhost:${pages.address().port}`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  pages?.close();
  built?.remove();
});

// run has the page connect to a server, until done says so of what the console and the log have, and of
// whether the page is connected.
async function run(t, name, changed, options, done) {
  const child = spawn(built.program, ["-case", name, "-origin", origin, ...(changed ? ["-changed"] : [])], { stdio: ["pipe", "pipe", "pipe"] });
  const exit = once(child, "exit");
  const context = await browser.newContext();
  t.after(async () => {
    await context.close();
    child.stdin.end();
    await exit;
  });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const page = await context.newPage();
  let said = "";
  page.on("console", (message) => (said += message.text() + "\n"));
  await page.goto(origin);
  await page.evaluate(([url, options]) => {
    window.socket = window.io(url, { reconnectionDelay: 100, ...options });
  }, [`http://${line.match(/\S+$/)[0]}`, options]);
  for (const end = Date.now() + wait; ;) {
    const connected = await page.evaluate(() => window.socket.connected);
    if (done({ said, log, connected })) return said;
    assert.ok(Date.now() < end, `The console says\n${said}and the log\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const cases = [
  ["browser", /No 'Access-Control-Allow-Origin' header/, {}],
  ["browser, WebSocket", /Unexpected response code: 403/, { transports: ["websocket"] }],
  ["browser, cookies", /'Access-Control-Allow-Credentials' header/, { withCredentials: true }],
  ["browser, any origin", /must not be the wildcard/, { withCredentials: true }],
];

for (const [name, which, options] of cases) {
  test(name, async (t) => {
    const row = rows.find((row) => which.test(row.console));
    await run(t, name, false, options, ({ said, log }) => said.includes(row.console) && row.logs.every((text) => log.includes(text)));
    const said = await run(t, name, true, options, ({ connected }) => connected);
    assert.ok(!said.includes(row.console), said);
    assert.ok(source.includes(row.change), `${row.change} is tried nowhere`);
  });
}
