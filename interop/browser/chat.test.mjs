// The page of the chat example in a real Chromium, as two users.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { artifacts, enter, has, lastPoll, log, members, message, own, say, serverGone, wait } from "./page.mjs";
import { build, clientFile, launch, start } from "./server.mjs";

let built, server, browser;
let expected = null;   // what a page's console may complain about just now
const errors = [];     // whatever else it has complained about

before(async () => {
  assert.ok(existsSync(clientFile), "run npm ci in examples/chat first");
  mkdirSync(artifacts, { recursive: true });
  built = build();
  server = await start(built.program);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  built?.remove();
});

// open shows the page to a new user, who has not entered a name yet.
async function open(url = server.url, prepare = () => {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 720 }, colorScheme: "light" });
  context.setDefaultTimeout(wait);
  const page = await context.newPage();
  const note = (error) => expected?.test(error) || errors.push(error);
  page.on("pageerror", (err) => note(String(err)));
  page.on("console", (message) => {
    if (message.type() === "error") note(`${message.text()} (${message.location().url})`);
  });
  await prepare(page);
  await page.goto(url);
  return page;
}

const shot = (page, name) => page.screenshot({ path: join(artifacts, `chat-${name}.png`) });

let ada, bob;   // the two users of the tests below, which follow one another

test("two users enter, are upgraded to WebSocket, and see each other", async () => {
  ada = await open();
  await shot(ada, "welcome");
  await enter(ada, "Ada");
  bob = await open();
  await enter(bob, "Bob");
  for (const page of [ada, bob]) await has(page.locator("#status[data-state=ok]"), "connected · websocket");
  await members(ada, ["Ada (you)", "Bob"]);
  await members(bob, ["Ada", "Bob (you)"]);
  await has(log(ada), "Bob joined");
});

test("messages arrive both ways and are shown as delivered", async () => {
  await say(ada, "Hello Bob");
  await has(own(ada, "Hello Bob", "delivered").locator(".state"), "✓");
  await message(bob, "Hello Bob").waitFor();
  await say(bob, "Hello Ada");
  await has(own(bob, "Hello Ada", "delivered").locator(".state"), "✓");
  await message(ada, "Hello Ada").waitFor();
});

test("markup is text", async () => {
  const text = `<b>bold</b> <img src=x onerror="document.title='owned'">`;
  await say(ada, text);
  await message(bob, text).waitFor();
  assert.equal(await log(bob).locator(".text :is(b, img)").count(), 0);
});

test("typing is shown, ends with the message, and expires by itself", async () => {
  const input = ada.getByLabel("Message", { exact: true });
  await input.pressSequentially("I am writ");
  await has(bob.locator("#typing"), "Ada is typing…");
  await shot(bob, "light");
  await input.pressSequentially("ing");
  await ada.keyboard.press("Enter");
  await message(bob, "I am writing").waitFor();
  await bob.waitForFunction(() => document.querySelector("#typing").textContent === "");

  await input.pressSequentially("never mind");
  await has(bob.locator("#typing"), "Ada is typing…");
  await bob.waitForFunction(() => document.querySelector("#typing").textContent === "");
  await input.fill("");
});

test("several rooms, each with its messages and members", async () => {
  for (const page of [ada, bob]) {
    await page.getByLabel("Room to join").fill("design");
    await page.keyboard.press("Enter");
    await has(page.locator("#title"), "# design");
  }
  await members(ada, ["Ada (you)", "Bob"]);
  await bob.getByRole("button", { name: "# lobby" }).click();
  await say(ada, "Only in design");
  await has(bob.locator("#rooms li").filter({ hasText: "# design" }).locator(".badge"), "1");
  assert.equal(await message(bob, "Only in design").count(), 0);
  await bob.getByRole("button", { name: "# design" }).click();
  await message(bob, "Only in design").waitFor();
  assert.equal(await bob.locator(".badge").count(), 0);

  await bob.getByRole("button", { name: "Leave" }).click();
  await has(bob.locator("#title"), "# lobby");
  await has(log(ada), "Bob left");
  await members(ada, ["Ada (you)"]);
  await ada.getByRole("button", { name: "# lobby" }).click();
});

test("what the server refuses is said", async () => {
  expected = lastPoll;   // the client closes when it is refused
  const eve = await open();
  await enter(eve, "E".repeat(33));
  await has(eve.locator("#enter .error"), "32 characters");
  await enter(eve, "Eve", "r".repeat(33));
  await has(eve.locator("#sidebar .error"), "32 characters");
  await eve.context().close();
  expected = null;

  await ada.getByRole("button", { name: "# design" }).click();
  await say(ada, "x".repeat(2001));
  await has(own(ada, "xxx", "failed").locator(".state"), "2000 characters");
  assert.equal(await own(ada, "xxx", "failed").getByRole("button").count(), 0, "a refused message offers a retry");
  await ada.getByRole("button", { name: "# lobby" }).click();
});

test("a message without an answer is not sent, and a retry does not repeat it", async () => {
  server.signal("SIGSTOP");
  await say(ada, "Into the silence");
  await has(own(ada, "Into the silence", "failed").locator(".state"), "Not sent");
  server.signal("SIGCONT");
  await message(bob, "Into the silence").waitFor();   // it had only been slow
  await own(ada, "Into the silence", "failed").getByRole("button", { name: "Retry" }).click();
  await own(ada, "Into the silence", "delivered").waitFor();
  await say(ada, "After the silence");
  await message(bob, "After the silence").waitFor();
  assert.equal(await message(bob, "Into the silence").count(), 1);
});

test("who was away for a moment gets what was said meanwhile", async () => {
  expected = serverGone;
  const cleo = await open(server.url, (page) => page.addInitScript(() => {
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
      constructor(...args) { super(...args); window.sockets.push(this); }
    };
  }));
  await enter(cleo, "Cleo");
  await has(cleo.locator("#status[data-state=ok]"), "connected · websocket");
  await cleo.context().setOffline(true);
  await cleo.evaluate(() => window.sockets.forEach((socket) => socket.close()));
  await cleo.locator("#banner[data-state=lost]").waitFor();
  await has(log(bob), "Cleo left");
  await say(bob, "Where is Cleo?");
  await own(bob, "Where is Cleo?", "delivered").waitFor();
  await cleo.context().setOffline(false);
  await message(cleo, "Where is Cleo?").waitFor();
  await log(cleo).locator(".note").filter({ hasText: /^Reconnected$/ }).waitFor();
  await members(bob, ["Ada", "Bob (you)", "Cleo"]);
  await cleo.context().close();
  await members(bob, ["Ada", "Bob (you)"]);
  expected = null;
});

test("screenshots: dark and phone", async () => {
  await bob.emulateMedia({ colorScheme: "dark" });
  await shot(bob, "dark");
  await bob.emulateMedia({ colorScheme: "light" });
  await bob.setViewportSize({ width: 390, height: 844 });
  await shot(bob, "phone");
  const overflow = await bob.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow}px wider than a phone`);
  await bob.setViewportSize({ width: 1180, height: 720 });
});

test("a lost connection is visible, and everything is back after a restart", async () => {
  const { host } = new URL(server.url);
  expected = serverGone;
  await server.stop("SIGKILL");
  for (const page of [ada, bob]) {
    await has(page.locator("#banner[data-state=lost]"), /Connection lost – reconnecting \(attempt \d+\)…/);
    await has(page.locator("#status[data-state=lost]"), "disconnected");
    await has(log(page), "Connection lost");
  }
  await say(ada, "Anybody there?");
  await has(own(ada, "Anybody there?", "failed").locator(".state"), "Not sent");
  await shot(ada, "disconnected");

  server = await start(built.program, "-addr", host);
  await Promise.all([ada, bob].map((page) => has(page.locator("#banner[data-state=ok]"), "Reconnected")));   // for 4 s
  for (const page of [ada, bob]) await has(page.locator("#status[data-state=ok]"), "connected · websocket");
  expected = null;
  await members(ada, ["Ada (you)", "Bob"]);
  await members(bob, ["Ada", "Bob (you)"]);
  await shot(ada, "reconnected");

  await own(ada, "Anybody there?", "failed").getByRole("button", { name: "Retry" }).click();
  await own(ada, "Anybody there?", "delivered").waitFor();
  await message(bob, "Anybody there?").waitFor();
  await say(bob, "Here I am");
  await message(ada, "Here I am").waitFor();
});

test("namespace /chat keeps its contract", async () => {
  const seen = await ada.evaluate(async () => {
    const once = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
    const options = { forceNew: true, transports: ["websocket"] };   // see lastPoll
    const refused = io("/chat", { ...options, auth: { token: "wrong" } });
    const { message } = await once(refused, "connect_error");
    refused.close();
    const [a, b] = [io("/chat", options), io("/chat", options)];
    const welcome = await Promise.all([once(a, "system_message"), once(b, "system_message")]);
    const heard = Promise.all([once(a, "chat_message"), once(b, "chat_message")]);
    const answer = await a.timeout(5000).emitWithAck("chat_message", { text: "hi" });
    const result = { message, welcome, answer, heard: await heard };
    a.close();
    b.close();
    return result;
  });
  assert.deepEqual(seen, {
    message: "not authorized",
    welcome: [{ text: "Welcome!" }, { text: "Welcome!" }],
    answer: { status: "ok" },
    heard: [{ text: "hi" }, { text: "hi" }],
  });
});

test("without an installed client the page takes the CDN's copy", async () => {
  const bare = await start(built.program, "-client", artifacts);
  try {
    const asked = [];
    const cdn = (answer) => (page) => page.route("https://cdn.socket.io/**", (route) => {
      asked.push(new URL(route.request().url()).pathname);
      return answer(route);
    });
    const body = readFileSync(clientFile, "utf8");
    const page = await open(bare.url, cdn((route) => route.fulfill({ contentType: "text/javascript", body })));
    await enter(page, "Cleo");
    await has(page.locator("#status[data-state=ok]"), "connected · websocket");
    assert.match(asked[0], /^\/4\.\d+\.\d+\/socket\.io\.min\.js$/);
    await page.context().close();

    expected = /net::ERR_FAILED|no Socket.IO client/;
    const offline = await open(bare.url, cdn((route) => route.abort()));
    await has(offline.locator("#enter .error"), "npm ci");
    await offline.context().close();
    expected = null;
  } finally {
    await bare.stop();
  }
});

test("SIGTERM ends the server in good order, with users connected", async () => {
  expected = serverGone;
  assert.equal(await server.stop("SIGTERM"), 0);
  for (const page of [ada, bob]) await page.locator("#banner[data-state=lost]").waitFor();
});

test("no page has complained", () => assert.deepEqual(errors, []));
