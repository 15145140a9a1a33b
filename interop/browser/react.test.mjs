// The example in React, in a real Chromium: built by Vite, and as its development server has it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../guarded.mjs";
import { artifacts, has, serverGone, wait } from "./page.mjs";
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

  await bob.getByLabel("Write the release notes", { exact: true }).check();
  for (const page of [ada, bob]) await has(list(page, "Done"), "Write the release notes");
  assert.deepEqual(await titles(ada, "To do"), seeded);

  await add(bob, "Water the plants", "", "low");
  await has(list(ada, "To do"), "Water the plants");
  await shot(ada, "wide");
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
  const page = await open(t);
  await enter(page, "");
  await has(page.locator(".field-name .problem"), "Your name must not be empty");
  await shot(page, "refused");
  await enter(page, "E".repeat(25));
  await has(page.locator(".field-name .problem"), "Your name must be at most 24");
  await enter(page, "Eve");
  await connected(page);

  const before = await titles(page, "To do");
  await add(page, "", "41");
  await has(page.locator(".field-title .problem"), "Task must not be empty");
  await has(page.locator(".field-estimate .problem"), "Hours must be at most 40");
  for (const label of ["Task", "Hours"]) await problem(page, label).waitFor();
  assert.equal(await problem(page, "Priority").count(), 0);
  await shot(page, "invalid");
  assert.equal(await page.getByLabel("Hours").inputValue(), "41", "what was entered stays");

  await add(page, "x".repeat(81), "4");
  await has(page.locator(".field-title .problem"), "Task must be at most 80");
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

// In development StrictMode mounts each component twice.
test("Vite's development server passes on polls and WebSockets, and StrictMode leaves one connection", async (t) => {
  const port = await freePort();
  const vite = spawn(join(example, "node_modules/.bin/vite"), ["--port", port, "--strictPort", "--host", "127.0.0.1", "--logLevel", "error"], {
    cwd: example, env: { ...process.env, SERVER: server.url }, stdio: ["ignore", "inherit", "inherit"],
  });
  const exit = once(vite, "exit");
  t.after(async () => {
    vite.kill();
    await exit;
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(url).catch(() => null))?.ok) {
    assert.equal(vite.exitCode, null, "Vite has ended");
    await new Promise((done) => setTimeout(done, 50));
  }
  const ada = await visit(t, "Ada");
  await here(ada, 1);
  const page = await open(t, url);
  const sockets = [];
  page.on("websocket", (socket) => socket.url().includes("/socket.io/") && sockets.push(socket));
  await enter(page, "Dev");
  await connected(page);
  for (const p of [ada, page]) await here(p, 2);   // not three
  await add(page, "By the development server");
  await has(list(ada, "To do"), "By the development server");
  assert.equal((await titles(page, "To do")).filter((title) => title === "By the development server").length, 1);
  if (sockets.length === 0) await page.waitForEvent("websocket", (socket) => socket.url().includes("/socket.io/"));
  assert.deepEqual(errors, []);
});
