// The page of the official Admin UI in a real Chromium, with the example as its server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { artifacts, wait } from "./page.mjs";
import { build, launch, offline, start } from "./server.mjs";

const packages = join(import.meta.dirname, "node_modules");
const wide = { width: 1400, height: 900 };
const phone = { width: 390, height: 844 };

let built, browser;

before(async () => {
  mkdirSync(artifacts, { recursive: true });
  built = build("adminui");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  built?.remove();
});

// serve starts the example, and resolves to it, with the administrator's password and a function
// that opens a page in a window of its own.
async function serve(t, ...args) {
  const server = await start(built.program, "-ui", join(packages, "@socket.io/admin-ui/ui/dist"), ...args);
  t.after(() => server.stop());
  const [, password] = await server.line(/^password: (\S+)/);
  const errors = [];
  t.after(() => assert.deepEqual(errors, []));
  const open = async (path, viewport = wide) => {
    const context = await browser.newContext({ viewport });
    t.after(() => context.close());
    context.setDefaultTimeout(wait);
    await offline(context);
    await context.route("https://fonts.googleapis.com/**", (route) => route.fulfill({ contentType: "text/css", body: "" }));
    await context.route("https://cdn.jsdelivr.net/npm/@mdi/font@latest/**", (route) => {
      const [, file] = new URL(route.request().url()).pathname.split("@latest/");
      return route.fulfill({ path: join(packages, "@mdi/font", file) });
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(server.url + path);
    return page;
  };
  return { ...server, password, open };
}

// client opens a tab of the application, and resolves to it and the id of its socket.
async function client(server) {
  const page = await server.open("/");
  const state = page.locator("#state");
  await state.filter({ hasText: "connected as" }).waitFor();
  return { page, state, id: (await state.textContent()).replace("connected as ", "") };
}

async function login(page, server, password = server.password) {
  await page.getByLabel("Server URL").fill(server.url);
  await page.getByLabel("Username").fill("admin");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Connect" }).click();
}

// view goes to one of the page's views by its menu, which a phone shows only when it is asked to.
async function view(page, name) {
  const link = page.locator("nav").getByRole("link", { name, exact: true });
  if (!(await link.isVisible())) await page.locator(".v-app-bar__nav-icon").click();
  await link.click();
  const title = page.locator(".v-breadcrumbs");
  await title.filter({ hasText: new RegExp(`^\\s*${name}\\s*$`) }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".v-breadcrumbs").length === 1);   // the one before is gone
}

// cell is one of a table that has that text, and no other.
const cell = (page, text) => page.getByRole("cell", { name: text, exact: true });

// shot takes a picture when nothing moves any more.
async function shot(page, name) {
  await page.locator(".v-dialog--active").waitFor({ state: "hidden" });
  let last, picture;
  for (const end = Date.now() + wait; Date.now() < end && !(last && last.equals(picture)); ) {
    last = picture;
    picture = await page.screenshot({ path: join(artifacts, `adminui-${name}.png`) });
  }
}

test("an administrator logs in, sees a socket, has it join a room, and disconnects it", async (t) => {
  const server = await serve(t);
  const [ada, bob] = [await client(server), await client(server)];
  const page = await server.open("/admin/");
  await login(page, server, "wrong");
  await page.getByText("Invalid credentials").waitFor();
  await login(page, server);
  await page.getByText("Invalid credentials").waitFor({ state: "hidden" });
  await page.locator(".v-card").filter({ hasText: "Namespaces" }).getByRole("row").filter({ hasText: "/admin" }).waitFor();
  await page.locator("canvas").first().waitFor();
  await shot(page, "dashboard");

  await view(page, "Sockets");
  await page.getByRole("row").filter({ hasText: bob.id }).waitFor();
  await page.getByRole("row").filter({ hasText: ada.id }).click();
  await page.getByText("127.0.0.1", { exact: true }).first().waitFor();
  await page.getByRole("textbox", { name: "Join a room" }).fill("vip");
  await page.locator("form button[type=submit]:visible").last().click();
  await page.getByRole("row").filter({ hasText: "vip" }).waitFor();
  await bob.page.getByPlaceholder("Room").fill("vip");
  await bob.page.getByRole("button", { name: "Enter" }).click();
  await bob.state.filter({ hasText: "in vip" }).waitFor();
  await bob.page.getByPlaceholder("Text").fill("hello");
  await bob.page.getByRole("button", { name: "Say" }).click();
  await ada.page.getByText("hello", { exact: true }).waitFor(); // who has not entered it herself
  await shot(page, "socket");

  await view(page, "Rooms");
  await page.getByRole("row").filter({ hasText: "vip" }).filter({ has: cell(page, "2") }).waitFor();
  await view(page, "Events");
  await page.getByRole("row").filter({ hasText: "say" }).first().waitFor();
  await page.getByRole("row").filter({ hasText: "said" }).first().waitFor();
  await shot(page, "events");

  await view(page, "Sockets");
  await page.getByRole("row").filter({ hasText: ada.id }).getByRole("button").click();
  await ada.page.getByText("disconnected: io server disconnect").waitFor();
  await page.getByText("disconnected", { exact: true }).first().waitFor(); // the click has opened the details, too
  await view(page, "Sockets");
  await page.getByRole("row").filter({ hasText: ada.id }).waitFor({ state: "detached" });
  await page.getByRole("row").filter({ hasText: bob.id }).waitFor();

  // The session is good after a reload.
  await page.reload();
  await page.getByText("connected", { exact: true }).first().waitFor();
  await view(page, "Sockets");
  await page.getByRole("row").filter({ hasText: bob.id }).waitFor();
  assert.equal(await page.getByLabel("Password").isVisible(), false);

  const small = await server.open("/admin/", phone);
  await login(small, server);
  await small.locator("canvas").first().waitFor();
  await shot(small, "phone");
  await view(small, "Sockets");
  await small.getByText(bob.id).click();
  await small.getByRole("textbox", { name: "Join a room" }).fill("pocket");
  await small.locator("form button[type=submit]:visible").last().click();
  await small.getByRole("row").filter({ hasText: "pocket" }).or(small.getByText("pocket", { exact: true })).first().waitFor();
  await shot(small, "phone-socket");
});

test("in production there are numbers alone", async (t) => {
  const server = await serve(t, "-production");
  await client(server);
  const page = await server.open("/admin/");
  await login(page, server);
  await view(page, "Servers");
  await page.getByRole("row").filter({ has: cell(page, "2") }).waitFor(); // the tab, and the page itself
  assert.equal(await page.locator("nav").getByRole("link", { name: "Sockets", exact: true }).count(), 0);
  await shot(page, "production");
});

test("who may only look changes nothing", async (t) => {
  const server = await serve(t, "-readonly");
  const tab = await client(server);
  const page = await server.open("/admin/");
  await login(page, server);
  await view(page, "Sockets");
  const row = page.getByRole("row").filter({ hasText: tab.id });
  await row.waitFor();
  assert.equal(await row.locator("button:enabled").count(), 0, "buttons that disconnect");
  await row.click();
  await page.getByText("127.0.0.1", { exact: true }).first().waitFor();
  await page.getByRole("textbox", { name: "Join a room" }).fill("vip"); // this the page leaves there
  await page.locator("form button[type=submit]:visible").last().click();
  await tab.page.getByPlaceholder("Room").fill("lobby");
  await tab.page.getByRole("button", { name: "Enter" }).click();
  await view(page, "Rooms");
  await page.getByRole("row").filter({ hasText: "lobby" }).waitFor();
  assert.equal(await page.getByRole("row").filter({ hasText: "vip" }).count(), 0);
  assert.match(await tab.state.textContent(), new RegExp(`^connected as ${tab.id}`));
});

test("of ten thousand sockets a thousand are listed, all are counted, and the page can be used", async (t) => {
  const server = await serve(t);
  const crowd = build("sockets", "interop/browser");
  t.after(crowd.remove);
  const sockets = 10_000;
  const clients = spawn(crowd.program, ["-url", server.url, "-n", String(sockets)], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(clients, "exit");
  t.after(() => {
    clients.stdin.end();
    return ended;
  });
  const [said] = await Promise.race([once(clients.stdout, "data"), ended]);
  assert.equal(String(said), `${sockets} are connected\n`);

  // took resolves to how long something takes that a user waits for.
  const took = async (what) => {
    const start = performance.now();
    await what();
    return performance.now() - start;
  };
  const times = {};
  const page = await server.open("/admin/");
  times.login = await took(async () => {
    await login(page, server);
    const namespaces = page.locator(".v-card").filter({ hasText: "Namespaces" });
    await namespaces.getByRole("row").filter({ has: cell(page, String(sockets)) }).waitFor();
  });
  await view(page, "Servers");
  await page.getByRole("row").filter({ has: cell(page, String(sockets + 1)) }).waitFor(); // and the page itself
  times.list = await took(async () => {
    await view(page, "Sockets");
    await page.getByText(/of (999|1000)$/).waitFor(); // which the page's own may be one of
  });
  await shot(page, "crowd");
  times.details = await took(async () => {
    await page.locator("tbody").getByRole("row").first().click();
    await page.getByText("127.0.0.1", { exact: true }).first().waitFor();
  });
  times.back = await took(() => view(page, "Clients"));
  t.diagnostic(JSON.stringify(times));
  for (const [what, ms] of Object.entries(times)) assert.ok(ms < 5000, `${what} took ${ms} ms`);
});
