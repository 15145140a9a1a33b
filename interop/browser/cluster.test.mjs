// The chat on three servers behind a load balancer, in Chromium: its users are on different ones,
// which NATS or a Redis makes one.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { freePort, guarded } from "../guarded.mjs";
import { behind } from "../proxies.mjs";
import { artifacts, enter, has, log, members, message, own, say, wait } from "./page.mjs";
import { build, launch, root, start } from "./server.mjs";

let built, browser;

before(async () => {
  mkdirSync(artifacts, { recursive: true });
  built = build("cluster");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  built?.remove();
});

// redis starts a Redis that ends with the test, and returns its address.
async function redis(t) {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), "sio-redis-"));
  const child = guarded("redis-server", ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir], { stdout: "pipe" });
  const exit = once(child, "exit");
  t.after(async () => {
    child.stdin.end();
    await exit;
    rmSync(dir, { recursive: true });
  });
  await line(child, exit, /Ready to accept connections/);
  return `127.0.0.1:${port}`;
}

// serve starts one server, without a load balancer, and returns its address.
async function serve(t, name, redis) {
  const child = spawn(built.program, ["-server", name, "-redis", redis], { cwd: root, stdio: ["pipe", "pipe", "ignore"] });
  const exit = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return line(child, exit, /^[\d.]+:\d+$/);
}

// line resolves to the first line of a process's output that matches, and goes on reading.
async function line(child, exit, pattern) {
  const found = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (text) => pattern.test(text) && resolve(text));
  });
  const ended = exit.then(([code]) => { throw new Error(`a server ended with code ${code}`); });
  ended.catch(() => {});
  return Promise.race([found, ended]);
}

// visit shows the page to a new user, in a browser of its own, who enters a name. One who polls
// has no connection that goes with a server. One who is direct has no session before the
// WebSocket, which then goes through no other server than the user's.
async function visit(t, url, name, { polls = false, direct = false } = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 720 }, colorScheme: "light" });
  t.after(() => context.close());
  context.setDefaultTimeout(wait);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (err) => errors.push(String(err)));
  t.after(() => assert.deepEqual(errors, []));
  if (polls) await page.addInitScript("delete window.WebSocket");
  if (direct) {
    await page.addInitScript(() => {
      let io;
      Object.defineProperty(window, "io", { get: () => io && ((name, o) => io(name, { ...o, transports: ["websocket"] })), set: (f) => { io = f; } });
    });
  }
  await page.goto(url);
  await enter(page, name);
  await has(page.locator("#status[data-state=ok]"), `connected · ${polls ? "polling" : "websocket"}`);
  return page;
}

// serverOf returns the server that a page's user is on, as the list of another page says.
const serverOf = (page, name) => page.locator("#members li").filter({ hasText: name }).locator("small").textContent();

const online = (page, ...names) => members(page, names);

// elsewhere is visit until the user, whom another page sees, is on none of these servers.
async function elsewhere(t, url, name, other, ...servers) {
  const others = await other.locator("#members li").count();
  for (;;) {
    const page = await visit(t, url, name);
    await other.waitForFunction((n) => document.querySelectorAll("#members li").length === n, others + 1);
    if (!servers.includes(await serverOf(other, name))) return page;
    await page.context().close();
    await other.waitForFunction((n) => document.querySelectorAll("#members li").length === n, others);
    await fetch(`${url}/ready`);   // it is another one's turn
  }
}

async function talk(from, to, text) {
  await say(from, text);
  await own(from, text, "delivered").waitFor();
  await message(to, text).waitFor();
}

// insist says something until it is delivered. Whose server ends at that moment, or that of a
// poll, is told that it was not sent.
async function insist(page, text) {
  await say(page, text);
  const [delivered, failed] = ["delivered", "failed"].map((state) => own(page, text, state));
  for (;;) {
    await delivered.or(failed).waitFor();
    if (await delivered.isVisible()) return;
    await has(page.locator("#status[data-state=ok]"), "connected");
    await failed.getByRole("button", { name: "Retry" }).click();
  }
}

const running = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

for (const engine of ["NATS", "Redis"]) {
  test(`users of different servers, by ${engine}`, async (t) => {
    const args = engine === "Redis" ? ["-redis", await redis(t)] : [];
    const servers = await start(built.program, ...args);
    t.after(() => servers.stop());
    const pidOf = async (server, nth = 1) => Number((await servers.line(`server ${server} has pid (\\d+)`, nth))[1]);
    const shot = (page, name) => page.screenshot({ path: join(artifacts, `cluster-${engine}-${name}.png`) });

    const ada = await visit(t, servers.url, "Ada", { polls: true });
    await online(ada, "Ada");
    const a = await serverOf(ada, "Ada");
    const bob = await elsewhere(t, servers.url, "Bob", ada, a);
    for (const page of [ada, bob]) await online(page, "Ada", "Bob");
    const b = await serverOf(ada, "Bob");
    await talk(ada, bob, "Hello Bob");
    await talk(bob, ada, "Hello Ada");
    await ada.getByLabel("Message", { exact: true }).pressSequentially("I am wri");
    await has(bob.locator("#typing"), "Ada is typing…");
    await shot(bob, "wide");
    await ada.getByLabel("Message", { exact: true }).fill("");

    // Bob's server dies, and the one that he is on then is told to end: he goes on, and misses nothing.
    await bob.setViewportSize({ width: 390, height: 844 });
    let on = b;
    const nth = { a: 1, b: 1, c: 1 };
    for (const [i, how] of ["SIGKILL", "SIGTERM"].entries()) {
      const pid = await pidOf(on, nth[on]);
      const texts = Array.from({ length: 10 }, (_, n) => `${how} ${n}`);
      // The note stays; that he is disconnected may be shown for half a second only.
      const lost = log(bob).locator(".note").filter({ hasText: "Connection lost" }).nth(i).waitFor();
      const back = lost.then(() => has(bob.locator("#status[data-state=ok]"), "connected"));
      back.catch(() => {});
      process.kill(pid, how);
      await lost;
      for (const text of texts) await insist(ada, text);   // she may be on that server by now, or a poll of hers
      await back;
      await shot(bob, `back-${how}`);
      for (const text of texts) for (const page of [ada, bob]) await message(page, text).waitFor();
      const said = (page) => log(page).locator(".message").filter({ hasText: how }).locator(".text").allTextContents();
      for (const page of [ada, bob]) assert.deepEqual(await said(page), texts);
      for (const page of [ada, bob]) await online(page, "Ada", "Bob");
      assert.deepEqual(await log(bob).locator(".note").filter({ hasText: "Reconnected. What" }).allTextContents(), []);
      await talk(bob, ada, `On another server, after ${how}`);
      await pidOf(on, ++nth[on]);   // it is started again
      assert.notEqual(await serverOf(ada, "Bob"), on);
      on = await serverOf(ada, "Bob");
      await bob.setViewportSize({ width: 1180, height: 720 });
    }

    // A server that was started again has its users, too.
    assert.ok(running(await pidOf(b, 2)));
    const cleo = await elsewhere(t, servers.url, "Cleo", ada, a, on);
    for (const page of [ada, bob, cleo]) await online(page, "Ada", "Bob", "Cleo");
    await talk(cleo, ada, "I am new here");
    await message(bob, "I am new here").waitFor();
    await cleo.setViewportSize({ width: 390, height: 844 });
    await shot(cleo, "phone");
    const overflow = await cleo.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow}px wider than a phone`);

    const pids = [await pidOf("a"), await pidOf("b"), await pidOf("c"), await pidOf(b, 2)];
    assert.equal(await servers.stop("SIGTERM"), 0);
    assert.deepEqual(pids.filter(running), []);
  });
}

test("a server hangs: its users are gone for the others, and back when it goes on", async (t) => {
  const servers = await start(built.program);
  t.after(() => servers.stop());
  const ada = await visit(t, servers.url, "Ada", { direct: true });
  const bob = await elsewhere(t, servers.url, "Bob", ada, await serverOf(ada, "Ada"));
  await online(ada, "Ada", "Bob");
  const pid = Number((await servers.line(`server ${await serverOf(ada, "Bob")} has pid (\\d+)`))[1]);
  t.after(() => running(pid) && process.kill(pid, "SIGCONT"));   // it ends by itself then
  process.kill(pid, "SIGSTOP");
  await online(ada, "Ada");
  const cleo = await visit(t, servers.url, "Cleo");
  const dora = await visit(t, servers.url, "Dora");
  for (const page of [ada, cleo, dora]) await online(page, "Ada", "Cleo", "Dora");
  await talk(cleo, ada, "Where is Bob?");
  process.kill(pid, "SIGCONT");
  for (const page of [ada, bob, cleo, dora]) await online(page, "Ada", "Bob", "Cleo", "Dora");
  await talk(bob, ada, "I was frozen");
});

for (const name of ["nginx", "haproxy"]) {
  test(`behind ${name}, as the guide has it`, async (t) => {
    const addr = await redis(t);
    const addrs = await Promise.all(["a", "b", "c"].map((server) => serve(t, server, addr)));
    const url = await behind(t, name, addrs);
    const ada = await visit(t, url, "Ada");
    const bob = await visit(t, url, "Bob");
    for (const page of [ada, bob]) await online(page, "Ada", "Bob");
    await talk(ada, bob, "Hello Bob");
    await talk(bob, ada, "Hello Ada");
  });
}
