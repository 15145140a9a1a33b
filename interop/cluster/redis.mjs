// A redis-server on a free port, for the time of a test file.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "redis";
import { freePort, guarded } from "../guarded.mjs";
import { eventually } from "./harness.mjs";

export class RedisServer {
  static async start() {
    for (let attempt = 1; ; attempt++) {
      try {
        const server = new RedisServer();
        await server.#run(await freePort());
        return server;
      } catch (err) {
        if (attempt === 3) throw err; // the port may have been taken meanwhile
      }
    }
  }

  async #run(port) {
    this.dir = mkdtempSync(join(tmpdir(), "redis-"));
    this.port = port;
    this.addr = `127.0.0.1:${port}`;
    const flags = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", this.dir];
    this.process = guarded("redis-server", flags, { stdout: "pipe" });
    const lines = createInterface({ input: this.process.stdout });
    await new Promise((resolve, reject) => {
      this.process.once("error", reject);
      this.process.once("exit", (code) => reject(new Error(`redis-server ended with ${code}`)));
      lines.on("line", (line) => line.includes("Ready to accept connections") && resolve());
    });
    this.client = await createClient({ url: `redis://${this.addr}` }).connect();
  }

  // command sends one, such as "PUBLISH". The arguments may be Buffers.
  command(...args) {
    return this.client.sendCommand(args);
  }

  // subscribers waits until so many have subscribed to a channel, which is pattern-free.
  async subscribers(sharded, channel, enough) {
    const count = sharded ? "SHARDNUMSUB" : "NUMSUB";
    await eventually(`subscribers of ${channel}`, async () => enough((await this.command("PUBSUB", count, channel))[1]));
  }

  // restart runs again where it was stopped.
  restart() {
    return this.#run(this.port);
  }

  async stop() {
    this.client.destroy();
    this.process.removeAllListeners("exit");
    const gone = once(this.process, "close");
    this.process.stdin.end();
    await gone;
    rmSync(this.dir, { recursive: true });
  }
}
