// Logging out of the example with sessions in a cookie, in a real Chromium with two windows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { build, launch, offline, start } from "./server.mjs";

test("logging out is over when a page comes back, in all windows", async (t) => {
  const built = build("gin-sessions");
  t.after(built.remove);
  const server = await start(built.program);
  t.after(() => server.stop());
  const browser = await launch();
  t.after(() => browser.close());
  const context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  await offline(context);
  const first = await context.newPage();
  await first.goto(server.url);
  await first.getByPlaceholder("Your name").fill("Ada");
  await first.getByRole("button", { name: "Log in" }).click();
  const second = await context.newPage();
  await second.goto(server.url);
  for (const page of [first, second]) await page.getByText("connected", { exact: true }).waitFor();

  // The pages are disconnected, and come back, before the answer with the new cookie has come.
  await context.route("**/logout", async (route) => {
    const back = Promise.all([first, second].map((page) => page.waitForRequest((request) => request.url() === `${server.url}/`)));
    const answer = await route.fetch({ maxRedirects: 0 });
    await back;
    await route.fulfill({ response: answer }).catch(() => {}); // the page that asked is gone
  });
  await first.getByRole("button", { name: "Log out" }).click({ noWaitAfter: true });
  for (const page of [first, second]) await page.getByPlaceholder("Your name").waitFor();
  assert.equal(await second.getByRole("button", { name: "Log out" }).count(), 0);
});
