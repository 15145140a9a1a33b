// The example in React, in a real Chromium: built by Vite, and as its development server has it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../guarded.mjs";
import { artifacts, has, lastPoll, serverGone, wait } from "./page.mjs";
import { build, launch, root, start } from "./server.mjs";

const example = join(root, "examples/react-vite");
const dist = join(example, "dist");

let built, server, browser;
let expected = null;   // what a page's console may complain about just now
const errors = [];     // whatever else it has complained about

before(async () => {
  assert.ok(existsSync(join(example, "node_modules/vite")), "run npm ci in examples/react-vite first");
  mkdirSync(artifacts, { recursive: true });
  execFileSync("npm", ["run", "--silent", "build", "--", "--logLevel", "warn"], { cwd: example, stdio: "inherit" });
  built = build("react-vite", "examples", "-race");
  server = await start(built.program, "-dist", dist);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  built?.remove();
});

// open shows the page to a new user.
async function open(t, url = server.url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  context.setDefaultTimeout(wait);
  t.after(() => context.close());
  const page = await context.newPage();
  const note = (error) => expected?.test(error) || errors.push(error);
  page.on("pageerror", (err) => note(String(err)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) note(`${message.text()} (${message.location().url})`);
  });
  await page.goto(url);
  return page;
}

async function enter(page, name) {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Enter" }).click();
}

// visit is open for somebody who enters at once.
async function visit(t, name, url) {
  const page = await open(t, url);
  await enter(page, name);
  await connected(page);
  return page;
}

const connected = (page) => page.locator(".status.connected").waitFor();
const list = (page, title) => page.getByRole("region", { name: title }).getByRole("listitem");
const titles = (page, title) => list(page, title).locator(".title").allTextContents();
const here = (page, n) => page.waitForFunction((n) => document.querySelectorAll(".people li").length === n, n);
const problem = (page, label) => page.getByLabel(label, { exact: true }).and(page.locator("[aria-invalid=true]"));
const shot = (page, name) => page.screenshot({ path: join(artifacts, `react-${name}.png`) });

async function add(page, title, estimate = "", priority = "normal") {
  await page.getByLabel("Task", { exact: true }).fill(title);
  await page.getByLabel("Hours").fill(estimate);
  await page.getByLabel("Priority").selectOption(priority);
  await page.getByRole("button", { name: "Add" }).click();
}

test("two pages see each other's changes", async (t) => {
  const ada = await visit(t, "Ada");
  const bob = await visit(t, "Bob");
  for (const page of [ada, bob]) await here(page, 2);
  const seeded = await titles(bob, "To do");

  await add(ada, "Write the release notes", "3", "high");
  for (const page of [ada, bob]) await has(list(page, "To do"), /Write the release notes.*high.*3 h.*Ada/s);
  assert.equal(await ada.getByLabel("Task", { exact: true }).inputValue(), "", "the form is empty again");

  await bob.getByLabel("Write the release notes", { exact: true }).click();   // the server checks it
  for (const page of [ada, bob]) await has(list(page, "Done"), "Write the release notes");
  assert.deepEqual(await titles(ada, "To do"), seeded);

  await add(bob, "Water the plants", "", "low");
  await has(list(ada, "To do"), "Water the plants");
  await shot(ada, "wide");
  await ada.emulateMedia({ colorScheme: "dark" });
  await shot(ada, "dark");
  await ada.emulateMedia({ colorScheme: "light" });
  await ada.setViewportSize({ width: 390, height: 844 });
  await shot(ada, "phone");
  const overflow = await ada.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow}px wider than a phone`);

  for (const title of ["Write the release notes", "Water the plants"]) {
    await ada.getByRole("button", { name: `Remove ${title}` }).click();
    await list(bob, /Done|To do/).filter({ hasText: title }).waitFor({ state: "detached" });
  }
  await bob.close();
  await here(ada, 1);
  assert.deepEqual(errors, []);
});

test("what the server refuses stands beside the field, by its JSON name", async (t) => {
  // The client closes when it is refused, while it polls or moves to WebSocket.
  expected = new RegExp(`${lastPoll.source}|WebSocket is closed before the connection is established`);
  const page = await open(t);
  await enter(page, "");
  await has(page.locator(".field-name .problem"), "must not be empty");
  await shot(page, "refused");
  await enter(page, "E".repeat(25));
  await has(page.locator(".field-name .problem"), "must be at most 24 characters");
  await enter(page, "Eve");
  await connected(page);
  expected = null;

  const before = await titles(page, "To do");
  await add(page, "", "41");
  await has(page.locator(".field-title .problem"), "must not be empty");
  await has(page.locator(".field-estimate .problem"), "must be at most 40 hours");
  for (const label of ["Task", "Hours"]) await problem(page, label).waitFor();
  assert.equal(await problem(page, "Priority").count(), 0);
  await shot(page, "invalid");
  assert.equal(await page.getByLabel("Hours").inputValue(), "41", "what was entered stays");

  await add(page, "x".repeat(81), "4");
  await has(page.locator(".field-title .problem"), "must be at most 80 characters");
  assert.equal(await page.locator(".field-estimate .problem").textContent(), "");
  assert.deepEqual(await titles(page, "To do"), before);

  await add(page, "x".repeat(80), "40");
  await has(list(page, "To do"), "x".repeat(80));
  assert.equal(await page.locator("[aria-invalid=true]").count(), 0);
  await page.getByRole("button", { name: `Remove ${"x".repeat(80)}` }).click();
  assert.deepEqual(errors, []);
});

test("a page comes back when the server does, and has each event once", async (t) => {
  const ada = await visit(t, "Ada");
  const bob = await visit(t, "Bob");
  await add(bob, "Forgotten by the server");
  await has(list(ada, "To do"), "Forgotten by the server");
  const { host } = new URL(server.url);
  expected = serverGone;
  await server.stop("SIGKILL");
  for (const page of [ada, bob]) await has(page.getByRole("status"), "reconnecting…");
  assert.ok(await ada.getByRole("button", { name: "Add" }).isDisabled());
  await shot(ada, "reconnecting");

  server = await start(built.program, "-dist", dist, "-addr", host);
  for (const page of [ada, bob]) await connected(page);
  expected = null;
  await here(ada, 2);
  await list(ada, "To do").filter({ hasText: "Forgotten by the server" }).waitFor({ state: "detached" });
  await add(ada, "After the restart");
  await has(list(bob, "To do"), "After the restart");
  assert.equal((await titles(bob, "To do")).filter((title) => title === "After the restart").length, 1);
  assert.deepEqual(errors, []);
});

// probe is a page with the hooks alone, in StrictMode, which mounts each component twice.
const probe = `
  import { StrictMode, useState } from "react";
  import { createRoot } from "react-dom/client";
  import { io } from "socket.io-client";
  import { useEvent, useSocket } from "/src/sio.ts";

  function Listener({ socket, event, step }) {
    useEvent(socket, event, (arg) => window.heard.push([event, step, arg.title ?? arg]));
  }
  function Probe() {
    const { socket, connection } = useSocket((options) => io({ ...options, auth: { name: "Probe" } }));
    const [listener, listen] = useState({ event: "task:saved", step: 0 });
    Object.assign(window, { socket, listen });
    return <><p>{connection.status}</p>{listener && <Listener socket={socket} {...listener} />}</>;
  }
  window.heard = [];
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  window.unmount = () => root.unmount();
  root.render(<StrictMode><Probe /></StrictMode>);
`;

// develop starts Vite's development server, with one page more, and returns its URL.
async function develop(t) {
  process.env.SERVER = server.url;   // for vite.config.ts
  const { createServer } = await import(join(example, "node_modules/vite/dist/node/index.js"));
  const cacheDir = mkdtempSync(join(tmpdir(), "sio-vite-"));
  const vite = await createServer({
    root: example, cacheDir, logLevel: "error", server: { host: "127.0.0.1", port: await freePort(), strictPort: true },
    plugins: [{
      name: "probe",
      resolveId: (id) => (id === "/probe.jsx" ? id : null),
      load: (id) => (id === "/probe.jsx" ? probe : null),
      configureServer: ({ middlewares, transformIndexHtml }) => {
        middlewares.use("/hooks", (_, res) => {
          transformIndexHtml("/hooks", "<!doctype html><link rel=icon href=data:,><body><script type=module src=/probe.jsx></script>").then((html) => res.end(html));
        });
      },
    }],
  });
  t.after(async () => {
    await vite.close();
    rmSync(cacheDir, { recursive: true });
  });
  await vite.listen();
  return vite.resolvedUrls.local[0];
}

test("Vite's development server passes on polls and WebSockets, and the hooks leave nothing behind", async (t) => {
  const url = await develop(t);
  const ada = await visit(t, "Ada");
  const dev = await open(t, url);
  const upgraded = dev.waitForEvent("websocket", (socket) => socket.url().includes("/socket.io/"));
  await enter(dev, "Dev");
  await connected(dev);
  await upgraded;
  for (const page of [ada, dev]) await here(page, 2);   // not three, although mounted twice
  await add(dev, "By the development server");
  await has(list(ada, "To do"), "By the development server");

  const page = await open(t, `${url}hooks`);
  await has(page.locator("p"), "connected");
  await here(ada, 3);
  const listeners = (event) => page.evaluate((event) => window.socket.listeners(event).length, event);
  const until = (n, ...events) => page.waitForFunction(([n, events]) => events.every((e) => window.socket.listeners(e).length === n), [n, events]);
  await until(1, "task:saved", "connect", "disconnect", "connect_error");

  // However often it is rendered, there is one listener, with what was rendered last.
  for (let step = 1; step <= 20; step++) await page.evaluate((step) => window.listen({ event: "task:saved", step }), step);
  await add(ada, "Heard once");
  await page.waitForFunction(() => window.heard.length > 0);
  assert.equal(await listeners("task:saved"), 1);
  assert.deepEqual(await page.evaluate(() => window.heard), [["task:saved", 20, "Heard once"]]);

  // Another event; then the server is another one, too.
  await page.evaluate(() => window.listen({ event: "people", step: 21 }));
  await until(1, "people");
  assert.equal(await listeners("task:saved"), 0);
  const { host } = new URL(server.url);
  expected = serverGone;
  await server.stop("SIGKILL");
  await has(page.locator("p"), "connecting");
  server = await start(built.program, "-dist", dist, "-addr", host);
  await has(page.locator("p"), "connected");
  await here(ada, 3);
  expected = null;
  assert.equal(await listeners("people"), 1);

  await page.evaluate(() => window.listen(null));
  await until(0, "people");
  await page.evaluate(() => window.unmount());
  await until(0, "connect", "disconnect", "connect_error");
  assert.equal(await page.evaluate(() => window.socket.connected || window.socket.active), false);
  await here(ada, 2);
  assert.deepEqual(errors, []);
});
