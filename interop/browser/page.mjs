// The chat's page: what a user does, and where things are.
import { join } from "node:path";
import { root } from "./server.mjs";

export const artifacts = join(root, "artifacts");
export const wait = 15_000;   // ms for anything on the page to happen

// What a page's console says when its server is gone.
export const serverGone = /net::ERR_|WebSocket connection to/;

// A client that closes while it polls may overtake its own last poll, which then fails; the browser
// reports that, and no server can help it.
export const lastPoll = /status of 400 .*transport=polling.*&sid=/;

export async function enter(page, name, room = "lobby") {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("First room").fill(room);
  await page.getByRole("button", { name: "Enter" }).click();
}

export async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

export const log = (page) => page.locator(".log:not([hidden])");
export const message = (page, text) => log(page).locator(".message").filter({ has: page.getByText(text, { exact: true }) });
export const own = (page, text, state) => log(page).locator(`.own[data-state=${state}]`).filter({ hasText: text });

// has waits for one of them to hold a text.
export const has = (locator, text) => locator.filter({ hasText: text }).first().waitFor();

// members waits until those who are online are these, and no one is there twice: who closes a
// page stays for a while.
export async function members(page, names) {
  await page.waitForFunction((n) => document.querySelectorAll("#members li").length === n, names.length);
  for (const name of names) await has(page.locator("#members li"), name);
}
