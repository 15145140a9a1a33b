// A client that uses every form compiles, and each misuse of it does not.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { client, compile, compilers, generate, workspace } from "./harness.mjs";
import { misuses, prelude } from "./misuse.mjs";

const texts = (found) => [...found.values()].flat().map((e) => e.text).join("\n");

const variants = {
  "strict, with the types of Node": {},
  "strict, for a page and its bundler": { module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"], types: [] },
  "strict alone": { exactOptionalPropertyTypes: false, noUncheckedIndexedAccess: false, noPropertyAccessFromIndexSignature: false, isolatedModules: false, verbatimModuleSyntax: false },
};

for (const compiler of Object.keys(compilers)) {
  for (const [name, options] of Object.entries(variants)) {
    test(`every form compiles: ${name}, TypeScript ${compiler}`, async () => {
      const dir = workspace(`ok-${compiler}`);
      generate(dir);
      client(dir);
      const files = ["events.ts", "sockets.ts", "ok.ts", "odd.ts", "oddly.ts"];
      assert.equal(texts(await compile(dir, { compiler, options, files })), "");
    });
  }

  test(`misuses do not compile: TypeScript ${compiler}`, async (t) => {
    const dir = workspace(`misuse-${compiler}`);
    generate(dir);
    client(dir);
    const files = ["events.ts", "sockets.ts"];
    const module = (file, line) => {
      writeFileSync(join(dir, file), `${prelude}\n${line}\n`);
      files.push(file);
      return file;
    };
    const cases = misuses.map((m, i) => ({ ...m, wrong: module(`${i}-wrong.ts`, m.wrong), right: module(`${i}-right.ts`, m.right), line: m.wrong }));
    const found = await compile(dir, { compiler, files });
    for (const c of cases) {
      await t.test(c.name, () => {
        assert.equal((found.get(c.right) ?? []).map((e) => e.text).join("\n"), "", "the line put right");
        const errors = found.get(c.wrong) ?? [];
        assert.notEqual(errors.length, 0, `compiles: ${c.line}`);
        for (const e of errors) assert.ok(e.line === 2 && c.codes.includes(e.code), `expected ${c.codes}, and got ${e.text}`);
      });
      found.delete(c.right);
      found.delete(c.wrong);
    }
    assert.equal(texts(found), "", "all else");
  });
}
