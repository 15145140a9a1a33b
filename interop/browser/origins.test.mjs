// What a real Chromium can be made to send by pages of other origins, and what the server makes of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build, launch } from "./server.mjs";

let built, child, host, pages, browser;
const servers = [];
const statuses = {}; // of what has been asked for, which a browser does not always tell

before(async () => {
  built = build("server", "interop");
  child = spawn(built.program, ["-allow-eio3"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const [hostname, port] = line.match(/\S+$/)[0].split(":");
  // In front of the server, at the same origin, there are pages; and there are some elsewhere.
  const serve = async (listener) => {
    const server = createServer(listener).listen(0);
    servers.push(server);
    await once(server, "listening");
    return server;
  };
  const page = (res) => res.setHeader("Content-Type", "text/html").end("<title>a page</title>");
  const front = await serve((req, res) => {
    const how = new URL(req.url, "http://x").searchParams.get("how");
    if (!how) return page(res);
    req.pipe(request({ hostname, port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
      statuses[how] = answer.statusCode;
      answer.pipe(res.writeHead(answer.statusCode, answer.headers));
    }));
  });
  front.on("upgrade", (req, socket) => {
    const lines = [`GET ${req.url} HTTP/1.1`];
    for (let i = 0; i < req.rawHeaders.length; i += 2) lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`);
    const server = connect(port, hostname);
    for (const s of [socket, server]) s.on("error", () => {});
    server.write(lines.join("\r\n") + "\r\n\r\n");
    socket.pipe(server).pipe(socket);
  });
  host = `127.0.0.1:${front.address().port}`;
  pages = await serve((req, res) => page(res));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const server of servers) server.close();
  child?.kill("SIGKILL");
  built?.remove();
});

// attempt has the page do whatever opens a connection, and returns the statuses that the browser was
// answered with; of WebSockets, whether they opened.
async function attempt(url, frame = (page) => page.mainFrame()) {
  const context = await browser.newContext();
  await context.addCookies([{ name: "session", value: "of-the-visitor", url: `http://${host}` }]);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  for (const how of Object.keys(statuses)) delete statuses[how];
  await page.goto(url);
  const opened = await (await frame(page)).evaluate(async (host) => {
    const url = (version, how) => `http://${host}/socket.io/?EIO=${version}&transport=polling&how=${how}${version}`;
    const opened = {};
    for (const version of [3, 4]) {
      await new Promise((resolve) => {
        const image = new Image();
        image.onload = image.onerror = resolve;
        image.src = url(version, "image");
      });
      await fetch(url(version, "blind"), { mode: "no-cors", credentials: "include" }).catch(() => {});
      await fetch(url(version, "read"), { credentials: "include" }).catch(() => {});
      opened[`socket${version}`] = await new Promise((resolve) => {
        const socket = new WebSocket(`ws://${host}/socket.io/?EIO=${version}&transport=websocket`);
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
      });
    }
    return opened;
  }, host);
  await context.close();
  return { ...statuses, ...opened };
}

const closed = { image3: 403, blind3: 403, read3: 403, socket3: false, image4: 403, blind4: 403, read4: 200, socket4: false };

test("a page of the same origin gets in", async () => {
  const all = { image3: 200, blind3: 200, read3: 200, socket3: true, image4: 200, blind4: 200, read4: 200, socket4: true };
  assert.deepEqual(await attempt(`http://${host}/`), all);
});

// What it can read of revision 4 is left to the browser, and without a CONNECT nothing happens.
test("a page of another site does not", async () => {
  assert.deepEqual(await attempt(`http://localhost:${pages.address().port}/`), closed);
});

test("nor does one of another port, which has the cookies", async () => {
  assert.deepEqual(await attempt(`http://127.0.0.1:${pages.address().port}/`), closed);
});

test("nor one from a file", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "sio-page-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "page.html"), "<title>a page</title>");
  assert.deepEqual(await attempt(pathToFileURL(join(dir, "page.html")).href), closed);
});

test("nor one in a sandbox of our own page", async () => {
  assert.deepEqual(await attempt(`http://${host}/`, async (page) => {
    await page.evaluate(() => {
      const frame = document.createElement("iframe");
      frame.sandbox = "allow-scripts";
      frame.srcdoc = "<title>hidden</title>";
      document.body.append(frame);
    });
    return (await page.waitForSelector("iframe")).contentFrame();
  }), closed);
});
