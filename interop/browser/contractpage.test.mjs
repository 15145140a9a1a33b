// The page of a contract with everything in it, in a real Chromium: wide, on a phone, and in the dark.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build, launch, start } from "./server.mjs";
import { artifacts } from "./page.mjs";

let built, server, browser;

before(async () => {
  mkdirSync(artifacts, { recursive: true });
  built = build("asyncapi", "interop");
  server = await start(built.program);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  built?.remove();
});

const looks = [
  { name: "wide", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "phone", viewport: { width: 390, height: 844 }, colorScheme: "light", hasTouch: true, isMobile: true },
  { name: "dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
];

for (const { name, ...look } of looks) {
  test(name, async (t) => {
    const context = await browser.newContext(look);
    t.after(() => context.close());
    const page = await context.newPage();
    const said = [], requests = [];
    page.on("console", (message) => said.push(message.text()));   // such as a style that the policy does not let in
    page.on("pageerror", (err) => said.push(String(err)));
    page.on("request", (request) => requests.push(new URL(request.url()).pathname));
    await page.goto(`${server.url}/docs`);

    assert.equal(await page.title(), "The <shop> & its chat");
    assert.equal(await page.locator("script").count(), 0, "what looks like a script is text");
    await page.getByText("<script>alert(1)</script>").waitFor();
    assert.deepEqual(await page.locator("main h2").allTextContents(),
      ["/", "/größe", "/shop", "/tenant--id-", "/tenant-{id}/room-{room}", "{func 1}", "Types"]);

    const shop = page.locator("section", { has: page.getByRole("heading", { name: "/shop", exact: true }) });
    const event = (text) => shop.locator("article", { has: page.getByRole("heading", { name: text, exact: true }) });
    await event("order").first().getByRole("link", { name: "OrderInput" }).waitFor();
    await event("<b>").waitFor();
    await event("sure?").getByText("boolean").waitFor();
    await event("bridge not typed").waitFor();

    // A link goes to its type, which has the comments and rules of the source.
    await event("order").first().getByRole("link", { name: "OrderInput" }).click();
    assert.match(page.url(), /#type-OrderInput$/);
    const order = page.locator("article:target");
    await order.getByText("An Order is what a customer buys.").waitFor();
    assert.ok(await order.evaluate((e) => e.getBoundingClientRect().top < window.innerHeight), "it is in sight");
    const row = (field) => order.getByRole("row").filter({ has: page.getByRole("rowheader", { name: field }) });
    if (name === "phone") {   // there rows are no table's
      await order.getByText("2 to 40 characters").waitFor();
    } else {
      await row(/^item/).getByText("2 to 40 characters").waitFor();
      await row(/^item/).getByText("the name, not the number").waitFor();
      await row(/^picture/).getByText("optional").waitFor();
    }

    // Nothing is wider than the screen, and what can't be seen can be found.
    const [width, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(width <= screen, `${width} pixels, on a screen of ${screen}`);
    const contents = page.getByRole("navigation");
    if (name === "phone") await contents.getByText("Contents").click();
    await contents.getByRole("link", { name: "GiftUnchecked" }).filter({ visible: true }).click();
    assert.match(page.url(), /#type-GiftUnchecked$/);

    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.equal(ground.every((part) => part < 64), look.colorScheme === "dark", `the ground is ${ground}`);

    await page.goto(`${server.url}/docs`);
    await page.screenshot({ path: join(artifacts, `contract-${name}.png`), fullPage: true });
    assert.deepEqual(said, []);
    assert.deepEqual([...new Set(requests)].filter((path) => path !== "/favicon.ico"), ["/docs"]);
  });
}

test("the link gives the document", async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/docs`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "AsyncAPI document" }).click()]);
  assert.equal(download.suggestedFilename(), "asyncapi.json");
  await page.close();
});
