// What docs/features.md claims and the other files don't show.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, connected, next, settled, start, suite, target, test } from "./harness.mjs";

suite("per-message deflate", (v) => {
  if (v.mode === "polling") return;
  let server;
  before(async () => (server = await start({ compress: 1024 })));
  after(() => server.stop());

  test("compress(false) is heard", async (t) => {
    const sockets = await Promise.all(["a", "b"].map((name) => connected(t.client(v, server, { nsp: "/targets", auth: { name } }))));
    for (const s of sockets) await settled(v, s);
    const [a, b] = sockets;
    const data = "all work and no play ".repeat(5000);
    const wire = () => b.io.engine.transport.ws._socket.bytesRead;
    for (const by of ["server", "socket"]) {
      for (const compress of [true, false, true]) {
        const [begin, news] = [wire(), next(b, "news")];
        await ask(a, "emit", { by, to: [b.id], compress }, "news", data);
        assert.deepEqual(await news, [data]);
        const bytes = wire() - begin;
        const small = compress || target === "reference"; // which heeds it for polls only
        assert.ok(small ? bytes < data.length / 4 : bytes > data.length, `by the ${by}, ${compress}: ${bytes} bytes came`);
      }
    }
  });
});
