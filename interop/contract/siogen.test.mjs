// The command finds the server, and -check fails when the contract has changed: change.test.mjs has
// what all changes make of the file that it compares.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generate, here, workspace } from "./harness.mjs";

const changes = ["field renamed", "field's type changed", "event removed", "value of an enum removed"];

test("siogen -check fails when the contract has changed", async (t) => {
  const dir = workspace("check");
  generate(workspace("check-library"));
  const siogen = (change, ...args) => spawnSync(join(here, ".bin/siogen"), [...args, "-o", join(dir, "events.ts"), "-asyncapi", join(dir, "asyncapi.json"), "./app"], {
    cwd: join(here, "server"), encoding: "utf8", env: { ...process.env, CONTRACT_CHANGE: change },
  });
  const files = () => Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), "utf8")]));

  const missing = siogen("", "-check");
  assert.equal(missing.status, 1, `-check without a file: ${missing.stderr}`);
  assert.deepEqual(files(), {}, "-check writes nothing");

  const made = siogen("");
  assert.equal(made.status, 0, made.stderr);
  const before = files();
  assert.deepEqual(Object.keys(before), ["asyncapi.json", "events.ts"]);
  assert.equal(before["events.ts"], readFileSync(join(here, ".bin/check-library/events.ts"), "utf8"), "what a call of the library makes");

  for (const change of ["", ...changes]) {
    await t.test(change || "no change", () => {
      const { status, stderr } = siogen(change, "-check");
      assert.equal(status, change ? 1 : 0, stderr);
      if (change) for (const name of Object.keys(before)) assert.match(stderr, new RegExp(name.replace(".", "\\.")));
    });
  }
  assert.deepEqual(files(), before, "-check writes nothing");
});
