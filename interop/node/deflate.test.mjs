import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe } from "node:test";
import { ask, connected, next, start, target, test, upgraded, variants } from "./harness.mjs";

const text = (n) => "the quick brown fox jumps over the lazy dog; ".repeat(n / 45 + 1).slice(0, n);

// wire returns the bytes that have gone each way over the connection of a socket.
function wire(socket) {
  const { bytesRead, bytesWritten } = socket.io.engine.transport.ws._socket;
  return { read: bytesRead, written: bytesWritten };
}

// traffic runs body and returns the bytes that it takes each way.
async function traffic(socket, body) {
  const before = wire(socket);
  await body();
  const after = wire(socket);
  return { read: after.read - before.read, written: after.written - before.written };
}

async function open(t, v, server, options) {
  const socket = await connected(t.client(v, server, options));
  await upgraded(socket);
  return socket;
}

const extensions = (socket) => socket.io.engine.transport.ws.extensions;

for (const v of variants.filter(({ mode }) => mode !== "polling")) {
  describe(`per-message deflate, ${v.version} over ${v.mode}`, { timeout: 600_000 }, () => {
    let server, off;
    before(async () => ([server, off] = [await start({ compress: 1024 }), await start()]));
    after(() => Promise.all([server.stop(), off.stop()]));

    for (const size of [2_000, 500_000]) {
      test(`${size} bytes both ways take a fraction`, async (t) => {
        const socket = await open(t, v, server);
        assert.equal(extensions(socket), "permessage-deflate");
        const data = { text: text(size), binary: Buffer.from(text(size)) };
        for (const kind of ["text", "binary"]) {
          const { read, written } = await traffic(socket, async () => {
            const [answer] = await ask(socket, "echo:ack", data[kind]);
            assert.deepEqual(answer, data[kind]);
          });
          assert.ok(read < size / 4 && written < size / 4, `${kind}: ${read} bytes came, ${written} went`);
        }
      });
    }

    test("what does not become smaller arrives all the same", async (t) => {
      const socket = await open(t, v, server);
      for (const size of [1_024, 65_535, 500_000]) {
        const noise = randomBytes(size);
        const { read } = await traffic(socket, async () => {
          const [answer] = await ask(socket, "echo:ack", noise);
          assert.deepEqual(answer, noise);
        });
        assert.ok(read > size, `${read} bytes came`);
      }
    });

    test("many messages of all sizes keep their order", async (t) => {
      const socket = await open(t, v, server);
      const sizes = Array.from({ length: 300 }, (_, i) => (i * 7919) % 5_000);
      const answers = await Promise.all(sizes.map((n, i) => ask(socket, "echo:ack", i, text(n), Buffer.from(text(n)))));
      assert.deepEqual(answers.map(([i]) => i), sizes.map((_, i) => i));
    });

    test("small messages stay as they are", async (t) => {
      const socket = await open(t, v, server);
      const { read } = await traffic(socket, () => ask(socket, "echo:ack", text(900)));
      // Of the reference the threshold is that of connections without a context.
      assert.ok(target === "reference" || read > 900, `${read} bytes came`);
    });

    test("a client that does not offer it, beside one that does", async (t) => {
      const plain = await open(t, v, server, { perMessageDeflate: false });
      const socket = await open(t, v, server);
      assert.equal(extensions(plain), "");
      for (const s of [plain, socket]) await ask(s, "join", ["room"]);
      const data = text(100_000);
      const before = [plain, socket].map(wire);
      const heard = [plain, socket].map((s) => next(s, "news"));
      await ask(socket, "send", { by: "server", to: ["room"], except: [] }, "news", data);
      for (const [got] of await Promise.all(heard)) assert.equal(got, data);
      const [all, less] = [plain, socket].map((s, i) => wire(s).read - before[i].read);
      assert.ok(all > data.length, `${all} bytes came to the client without`);
      assert.ok(less < data.length / 4, `${less} bytes came to the client with`);
    });

    test("a server that has it off", async (t) => {
      const socket = await open(t, v, off);
      assert.equal(extensions(socket), "");
      const { read, written } = await traffic(socket, () => ask(socket, "echo:ack", text(50_000)));
      assert.ok(read > 50_000 && written > 50_000, `${read} bytes came, ${written} went`);
    });

    test("a message that inflates beyond the limit ends the connection", async (t) => {
      const socket = await open(t, v, server);
      const gone = next(socket, "disconnect");
      const back = next(socket, "connect");
      socket.emit("size", text(5_000_000), () => assert.fail("it was accepted"));
      const [reason, details] = await gone;
      assert.equal(reason, "transport close");
      if (details) assert.equal(details.context.code, 1009);
      await back;
      assert.deepEqual(await ask(socket, "echo:ack", "fine"), ["fine"]);
    });

    test("the client may keep its window small", async (t) => {
      const socket = await open(t, v, server, { perMessageDeflate: { threshold: 0, clientMaxWindowBits: 10 } });
      const [answer] = await ask(socket, "echo:ack", text(100_000));
      assert.equal(answer, text(100_000));
    });

    test("but not the server's", async (t) => {
      const socket = await open(t, v, server, { perMessageDeflate: { threshold: 0, serverMaxWindowBits: 10 } });
      assert.equal(extensions(socket), target === "sio" ? "" : "permessage-deflate");
      const [answer] = await ask(socket, "echo:ack", text(100_000));
      assert.equal(answer, text(100_000));
    });
  });
}
