import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { print } from "./wire-vectors.mjs";

test("the vectors of the Go tests are what the official packages publish", async () => {
  assert.equal(await print(), await readFile(new URL("../../cluster/wire/testdata/official.json", import.meta.url), "utf8"));
});
