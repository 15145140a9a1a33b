// The chat with a crowd of people who have long names, on a desk and on a phone.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build, launch, root, start } from "./server.mjs";

const crowd = [
  "Bartholomew Featherstonehaugh IV", "Ada", "Maximiliana von Hohenstaufen-Weyr", "W".repeat(32), "Bob", "Eve", "李小龍",
  "Nebuchadnezzar", "Anna-Katharina Oberhuber", "i", "Wolfeschlegelsteinhausenbergerdo", "Zoë", "M M M M M M M M M M M M M M M", "Jo", "Grace Hopper",
].map((name) => name.slice(0, 32).trim());

// measure returns what is wrong with the page as it is laid out.
const measure = () => {
  const wrong = [];
  const box = (element) => element.getBoundingClientRect();
  const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  const names = [...document.querySelectorAll("#members li")];
  for (const [i, name] of names.entries()) {
    if (name.scrollWidth > name.clientWidth) wrong.push(`${name.textContent} is cut off`);
    for (const other of names.slice(i + 1)) if (meet(box(name), box(other))) wrong.push(`${name.textContent} lies over ${other.textContent}`);
  }
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) wrong.push(`the page is ${page.scrollWidth} px wide`);
  const status = document.querySelector("#status");
  const { left, right, top, bottom, height } = box(status);
  if (left < 0 || right > innerWidth || top < 0 || bottom > innerHeight || height > 30) wrong.push(`the status is at ${left} to ${right}, ${height} px high`);
  for (const id of ["#me", ".top strong"]) if (meet(box(document.querySelector(id)), box(status))) wrong.push(`${id} lies over the status`);
  if (!status.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2))) wrong.push("the status is covered");
  if (box(document.querySelector("#me")).width < 40) wrong.push("one's own name cannot be read");
  if (box(document.querySelector("#messages")).height < 200) wrong.push("there is no room for messages");
  return wrong;
};

test("fifteen people with long names", async (t) => {
  mkdirSync(join(root, "artifacts"), { recursive: true });
  const built = build();
  t.after(built.remove);
  const server = await start(built.program);
  t.after(() => server.stop());
  const browser = await launch();
  t.after(() => browser.close());
  const page = await (await browser.newContext({ colorScheme: "light" })).newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(server.url);
  await page.getByLabel("Your name").fill(crowd[0]);
  await page.getByRole("button", { name: "Enter" }).click();
  await page.locator("#status[data-state=ok]").filter({ hasText: "connected · websocket" }).waitFor();
  await page.evaluate((names) => Promise.all(names.map((name) => new Promise((resolve, reject) => {
    const socket = io({ forceNew: true, transports: ["websocket"], auth: { name } });
    socket.on("connect_error", reject);
    socket.on("connect", async () => {
      await socket.emitWithAck("room:join", "lobby");
      await socket.emitWithAck("message", { id: name, room: "lobby", text: `Hello, I am ${name}` });
      resolve();
    });
  }))), crowd.slice(1));
  await page.locator("#members li").nth(crowd.length - 1).waitFor();
  for (const [name, width, height] of [["desk", 1280, 800], ["phone", 390, 844], ["small phone", 320, 568]]) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: join(root, "artifacts", `crowd-${name.replace(" ", "-")}.png`) });
    assert.deepEqual(await page.evaluate(measure), [], name);
  }
});
