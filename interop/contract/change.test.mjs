// A contract that is changed breaks the client that was made for what it was.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { client, compile, generate, workspace } from "./harness.mjs";

// What the first error of the client is about. Its file and line are where the change matters.
const errors = {
  "answer became a list": /error' in answer|'answer' is possibly 'null'/,
  "answer's field became optional": /'number \| undefined' is not assignable to type 'number'/,
  "answer's field renamed": /'total' does not exist on type 'Receipt'/,
  "answer's type changed": /no exported member 'Receipt'/,
  "argument became a list": /'Order\[\]'/,
  "argument removed": /no exported member 'Order'/,
  "attachment became text": /'string' is not assignable to type 'ArrayBuffer'/,
  "auth's field made required": /'since' is missing|'{ token: string; }' is not assignable/,
  "auth's field renamed": /'token' does not exist in type 'Credential'/,
  "event lost its answer": /Expected 1 arguments, but got 2/,
  "event of the server changed": /'toFixed' does not exist on type 'string'/,
  "event of the server removed": /'"said"' is not assignable/,
  "event removed": /'"users"' is not assignable/,
  "failure's field renamed": /'item' does not exist on type 'NoStock'/,
  "field added": /'rush' is missing/,
  "field made required": /'note' is missing/,
  "field no longer nullable": /'null' is not assignable to type 'Gift'/,
  "field renamed": /'title' does not exist in type 'Order'/,
  "field's type changed": /'number' is not assignable to type 'string'/,
  "namespace removed": /no exported member 'Gate/,
  "number of an enum removed": /'3' is not assignable to type 'Rank'/,
  "refusal's field renamed": /'retry' does not exist on type 'Refusal'/,
  "value of an enum removed": /'"angry"' is not assignable to parameter of type 'Mood'/,
};

test("changes of the contract break the client", async (t) => {
  const dir = workspace("change");
  const changes = generate(dir, "-changes");
  const before = readFileSync(join(dir, "events.ts"), "utf8");
  const folders = [".", ...changes];
  for (const folder of folders) client(join(dir, folder));
  const files = folders.flatMap((folder) => ["events.ts", "sockets.ts", "ok.ts"].map((file) => join(folder, file)));
  const found = await compile(dir, { files });
  assert.deepEqual(changes.sort(), Object.keys(errors).sort(), "changes of server/app/changes.go");
  for (const change of changes) {
    await t.test(change, () => {
      assert.notEqual(readFileSync(join(dir, change, "events.ts"), "utf8"), before, "what is generated");
      assert.equal(found.has(join(change, "events.ts")), false, "what is generated compiles");
      const [first] = ["sockets.ts", "ok.ts"].flatMap((file) => found.get(join(change, file)) ?? []);
      assert.ok(first, "the client compiles still");
      assert.match(first.text, errors[change]);
    });
  }
  for (const file of files.slice(0, 3)) assert.equal(found.has(file), false, `${file} without a change`);
});
