// A contract that is changed breaks the client that was made for what it was.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { client, compile, compilers, generate, workspace } from "./harness.mjs";

for (const compiler of Object.keys(compilers)) {
  test(`changes of the contract break the client: TypeScript ${compiler}`, async (t) => {
    const dir = workspace(`change-${compiler}`);
    const changes = generate(dir);
    const before = readFileSync(join(dir, "events.ts"), "utf8");
    const folders = [".", ...changes];
    for (const folder of folders) client(join(dir, folder));
    const files = folders.flatMap((folder) => ["events.ts", "sockets.ts", "ok.ts"].map((file) => join(folder, file)));
    const found = await compile(dir, { compiler, files });
    for (const change of changes) {
      await t.test(change, () => {
        assert.notEqual(readFileSync(join(dir, change, "events.ts"), "utf8"), before, "what is generated");
        assert.equal(found.has(join(change, "events.ts")), false, "what is generated compiles");
        const errors = ["sockets.ts", "ok.ts"].flatMap((file) => found.get(join(change, file)) ?? []);
        assert.notEqual(errors.length, 0, "the client compiles still");
        t.diagnostic(errors[0].text);
      });
    }
    for (const file of files.slice(0, 3)) assert.equal(found.has(file), false, `${file} without a change`);
  });
}
