// A server that keeps rules: its types have what the rules say, and its refusals what its types say.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { client, compile, generate, serve, workspace } from "./harness.mjs";

const dir = workspace("checked");
const texts = (found) => [...found.values()].flat().map((e) => e.text).join("\n");

before(async () => {
  generate(dir);
  client(dir);
  assert.equal(texts(await compile(dir, { options: { noEmit: false, outDir: "out", rootDir: "." }, files: ["checked.ts", "refused.ts"] })), "");
});

for (const transport of ["polling", "websocket"]) {
  test(`what is refused over ${transport}`, { timeout: 60_000 }, async (t) => {
    const server = await serve("-checked");
    t.after(server.stop);
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, "out/refused.js"), server.url, transport], { timeout: 50_000 });
    assert.equal(stdout, "refused\n");
  });
}

const good = `{ name: "a", age: 18, friend: "", plan: "free", phones: [] }`;
const misuses = [
  ["field that a rule requires", `const u: User = { age: 18, friend: "", plan: "free", phones: [] };`, 2741],
  ["pointer that a rule requires", `const u: User = { ...user, friend: null };`, 2322],
  ["list that a rule requires", `const u: User = { ...user, phones: null };`, 2322],
  ["data of a refusal not looked at", `const taken = (data: Reason | InvalidData) => data.taken; const u = [taken];`, 2339],
  ["no auth", `const u = connect("/");`, 2554],
];

test("rules are in the types", async (t) => {
  const module = (line) => `import type { Connect, InvalidData, Reason, User } from "./checked.js"; declare const user: User, connect: Connect, data: Reason | InvalidData; void [user, connect, data];\n${line} void u;\n`;
  const files = misuses.map(([, line], i) => {
    writeFileSync(join(dir, `${i}.ts`), module(line));
    return `${i}.ts`;
  });
  writeFileSync(join(dir, "good.ts"), module(`const u: User = ${good};`));
  const found = await compile(dir, { files: ["checked.ts", "good.ts", ...files] });
  for (const [i, [name, line, code]] of misuses.entries()) {
    await t.test(name, () => {
      assert.deepEqual((found.get(files[i]) ?? []).map((e) => [e.line, e.code]), [[2, code]], line);
    });
    found.delete(files[i]);
  }
  assert.equal(texts(found), "");
});
