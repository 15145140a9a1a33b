// Values of every type reach the other side as themselves.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { client, compile, generate, serve, workspace } from "./harness.mjs";

const dir = workspace("roundtrip");
let server;

before(async () => {
  generate(dir);
  client(dir);
  const found = await compile(dir, { options: { noEmit: false, outDir: "out", rootDir: "." }, files: ["events.ts", "roundtrip.ts"] });
  assert.equal([...found.values()].flat().map((e) => e.text).join("\n"), "");
  server = await serve();
});
after(() => server?.stop());

for (const transport of ["polling", "websocket"]) {
  test(`values go both ways over ${transport}`, { timeout: 60_000 }, async (t) => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, "out/roundtrip.js"), server.url, transport], { timeout: 50_000 });
    t.diagnostic(stdout.trim());
    assert.match(stdout, /^\d+ types$/m);
  });
}
