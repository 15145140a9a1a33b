// Attachments in a real Chromium: in whichever form a page sends bytes, a handler gets a []byte, and
// the page gets an ArrayBuffer.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { wait } from "./page.mjs";
import { build, launch, offline, start } from "./server.mjs";

let built, server, browser;

before(async () => {
  built = build("bytes", "interop/browser", "-race");
  server = await start(built.program);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  built?.remove();
});

// forms are made in the page, each of 0, 1, 2, … and so on.
const forms = {
  "Uint8Array": "bytes(3)",
  "Uint8Array, a part of a buffer": "bytes(9).map((b) => b - 2).subarray(2, 7)",
  "Uint8ClampedArray": "new Uint8ClampedArray(bytes(3))",
  "Uint16Array": "new Uint16Array(bytes(4).buffer)",
  "DataView": "new DataView(bytes(8).map((b) => b - 1).buffer, 1, 5)",
  "ArrayBuffer": "bytes(3).buffer",
  "ArrayBuffer, empty": "new ArrayBuffer(0)",
  "ArrayBuffer, large": "bytes(300_000).buffer",
  "Blob": "new Blob([bytes(3)])",
  "Blob, empty": "new Blob([])",
  "Blob, large": "new Blob([bytes(300_000)])",
  "File": `new File([bytes(3)], "a.bin")`,
};

for (const transport of ["websocket", "polling"]) {
  test(`bytes of every form, by ${transport}`, async (t) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    context.setDefaultTimeout(wait);
    await offline(context);
    const page = await context.newPage();
    await page.goto(server.url);
    await page.evaluate(async (transport) => {
      window.bytes = (n) => Uint8Array.from({ length: n }, (_, i) => i);
      window.form = (code) => (0, eval)(code);
      window.socket = io({ transports: [transport], ackTimeout: 10_000 });
      await new Promise((done, fail) => socket.on("connect", done).on("connect_error", fail));
      // tell is what has come of what was n bytes long: nothing if it is these, the other way round.
      window.tell = (got, n) => {
        if (!(got instanceof ArrayBuffer)) return `no ArrayBuffer but ${Object.prototype.toString.call(got)}`;
        const want = bytes(n).reverse();
        const have = new Uint8Array(got);
        return have.length === n && have.every((b, i) => b === want[i]) ? "" : `${have.length} bytes: ${have.slice(0, 10)}…`;
      };
      window.both = async (event, arg) => {
        const heard = new Promise((done) => socket.once(event, done));
        return [await socket.emitWithAck(event, arg), await heard];
      };
      window.size = (b) => b.byteLength ?? b.size;
    }, transport);

    for (const [name, code] of Object.entries(forms)) {
      const told = await page.evaluate(async (code) => {
        const sent = form(code);
        return (await both("bytes", sent)).map((got) => tell(got, size(sent)));
      }, code);
      assert.deepEqual(told, ["", ""], name);
    }

    const told = await page.evaluate(async (forms) => {
      const [data, ...parts] = forms.map(form);
      const named = { "": bytes(2), ö: new Blob([bytes(4)]) };
      const told = [];
      for (const got of await both("upload", { name: "all", data, parts, named })) {
        told.push(got.name, tell(got.data, size(data)), ...parts.map((part, i) => tell(got.parts[i], size(part))), tell(got.named[""], 2), tell(got.named.ö, 4));
      }
      return told;
    }, Object.values(forms));
    assert.deepEqual(told.filter(Boolean), ["all", "all"]);
    assert.equal(told.length, 2 * (1 + Object.keys(forms).length + 2));
  });
}
