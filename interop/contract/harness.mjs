// What the tests share: the Go server, the types that it writes, and the compiler.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export const here = import.meta.dirname;
const server = join(here, ".bin/server");

// The newest compiler, which is made in Go, and the last one of version 5.
export const compilers = { newest: "typescript/bin/tsc", 5: "typescript-5/bin/tsc" };

// workspace empties a folder below .bin, from which the packages here are found.
export function workspace(name) {
  const dir = join(here, ".bin", name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  return dir;
}

// generate writes events.ts into a folder, and with "-changes" into one below it for each change.
export function generate(dir, ...args) {
  execFileSync(server, ["-types", dir, ...args], { cwd: join(here, "server"), stdio: ["ignore", "inherit", "inherit"] });
  return readdirSync(dir, { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => e.name);
}

// client copies the client's sources.
export const client = (dir) => cpSync(join(here, "client"), dir, { recursive: true });

const run = promisify(execFile);

// compile runs the compiler, and returns what it says of each file of a folder: [{line, code, text}].
export async function compile(dir, { compiler = "newest", options = {}, files } = {}) {
  const config = { extends: "../../tsconfig.json", compilerOptions: { noEmit: true, ...options }, ...(files ? { files } : { include: ["**/*.ts"] }) };
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(config));
  const args = [join(here, "node_modules", compilers[compiler]), "--project", dir, "--pretty", "false"];
  const { stdout, stderr, code } = await run(process.execPath, args, { cwd: dir, maxBuffer: 1 << 26 }).catch((err) => err);
  const found = new Map();
  for (const text of stdout.split("\n")) {
    const [, file, line, number] = text.match(/^(.+)\((\d+),\d+\): error TS(\d+): /) ?? [];
    if (file) {
      if (!found.has(file)) found.set(file, []);
      found.get(file).push({ line: Number(line), code: Number(number), text });
    }
  }
  assert.ok(found.size > 0 || !code, `the compiler failed:\n${stdout}${stderr}`);
  return found;
}

// serve starts the server, and resolves to its URL and a function that ends it.
export async function serve(...args) {
  const child = spawn(server, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    exit.then(([code]) => { throw new Error(`the server ended with code ${code}`); }),
  ]);
  return {
    url: `http://${line.split(" ").at(-1)}`,
    stop: async () => {
      child.kill("SIGTERM");
      const [code] = await exit;
      assert.equal(code, 0, "exit code of the server");
    },
  };
}
