import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, connected, next, start, suite, target, test } from "./harness.mjs";

let server;
before(async () => (server = await start()));
after(() => server.stop());

// trio connects a, b and c to /targets, and has them join a room of theirs.
// Each answers a question with its name.
async function trio(t, v) {
  const names = ["a", "b", "c"];
  const sockets = await Promise.all(
    names.map((name) => connected(t.client(v, server, { nsp: "/targets", auth: { name }, query: { who: name }, extraHeaders: { "X-Agent": "test" } }))),
  );
  sockets.forEach((s, i) => {
    s.heard = 0;
    s.on("news", () => s.heard++);
    s.on("question", (q, ack) => ack(names[i]));
  });
  const room = `room of ${sockets[0].id}`;
  await ask(sockets[0], "join", { to: sockets.map((s) => s.id) }, [room]);
  return { sockets, room };
}

// heard runs act and tells which of the sockets have heard the news: what is
// behind the mark that follows will not come.
async function heard(sockets, act) {
  for (const s of sockets) s.heard = 0;
  await act();
  const marks = sockets.map((s) => next(s, "mark"));
  await ask(sockets[0], "emit", { to: sockets.map((s) => s.id) }, "mark", 0);
  await Promise.all(marks);
  return sockets.map((s) => s.heard);
}

suite("targets", (v) => {
  test("modifiers leave the right ones out", async (t) => {
    const { sockets, room } = await trio(t, v);
    const [a, b, c] = sockets;
    const emit = (how) => heard(sockets, () => ask(a, "emit", { to: [room], ...how }, "news", 1));
    assert.deepEqual(await emit({}), [1, 1, 1]);
    assert.deepEqual(await emit({ by: "socket" }), [0, 1, 1]);
    assert.deepEqual(await emit({ local: true }), [1, 1, 1]);
    assert.deepEqual(await emit({ by: "socket", local: true, except: [b.id] }), [0, 0, 1]);
    assert.deepEqual(await emit({ compress: true, except: [a.id, c.id] }), [0, 1, 0]);
    assert.deepEqual(await emit({ compress: false, timeout: 10_000, to: [a.id, b.id] }), [1, 1, 0]);
  });

  test("volatile arrives when the transport is ready", async (t) => {
    const { sockets: [a, b] } = await trio(t, v);
    while (!b.heard) await ask(a, "emit", { to: [b.id], volatile: true, local: true }, "news", 1);
  });

  test("answers of all", async (t) => {
    const { sockets: [a], room } = await trio(t, v);
    const question = async (how) => (await ask(a, "question", { timeout: 10_000, ...how }))[0];
    const { answers, timeout } = await question({ to: [room] });
    assert.deepEqual([answers.sort(), timeout], [["a", "b", "c"], false]);
    const others = await question({ by: "socket", to: [room] });
    assert.deepEqual([others.answers.sort(), others.timeout], [["b", "c"], false]);
    const local = await question({ to: [room], local: true, except: [a.id] });
    assert.deepEqual([local.answers.sort(), local.timeout], [["b", "c"], false]);
    assert.deepEqual(await question({ to: [`nobody in ${room}`] }), { answers: [], left: 0, timeout: false });
  });

  test("one does not answer: the others' answers are kept", async (t) => {
    const { sockets: [a, b], room } = await trio(t, v);
    b.off("question").on("question", () => {});
    const [{ answers, timeout }] = await ask(a, "question", { to: [room], timeout: 2000 });
    assert.deepEqual([answers.sort(), timeout], [["a", "c"], true]);
  });

  test("one answers twice: once counts", async (t) => {
    const { sockets: [a, b, c], room } = await trio(t, v);
    c.off("question").on("question", () => {});
    const { onevent } = b; // the one place where the id can be seen
    b.onevent = ({ id, ...packet }) => {
      onevent.call(b, { id, ...packet });
      if (id !== undefined) b.io.engine.write(`3/targets,${id}["b again"]`);
    };
    const [{ answers, timeout }] = await ask(a, "question", { to: [room], timeout: 2000 });
    assert.deepEqual([answers.sort(), timeout], [["a", "b"], true]);
  });

  test("one leaves: it is not waited for", async (t) => {
    const { sockets: [a, b], room } = await trio(t, v);
    b.off("question").on("question", () => b.disconnect());
    // The reference waits for its timeout, and calls it one.
    const wait = target === "reference" ? 1000 : 15_000;
    const [{ answers, left, timeout }] = await ask(a, "question", { to: [room], timeout: wait });
    assert.deepEqual([answers.sort(), left, timeout], [["a", "c"], target === "reference" ? 0 : 1, target === "reference"]);
  });

  test("sockets, with rooms, data and handshake", async (t) => {
    const begin = Date.now();
    const { sockets, room } = await trio(t, v);
    const [a, b] = sockets;
    const [all] = await ask(a, "fetch", { to: [room] });
    assert.deepEqual(all.map((s) => s.id).sort(), sockets.map((s) => s.id).sort());
    for (const s of all) {
      const i = sockets.findIndex(({ id }) => id === s.id);
      assert.deepEqual(s.rooms, [room]);
      assert.equal(s.name, "abc"[i]);
      const { url, issued, address, ...rest } = s.handshake;
      assert.deepEqual(rest, { secure: false, xdomain: false, who: "abc"[i], agent: "test" });
      assert.match(url, /^\/socket\.io\/\?.*EIO=4/);
      assert.match(address, /^(::ffff:)?127\.0\.0\.1$/);
      assert.ok(issued >= begin - 1000 && issued <= Date.now() + 1000, `issued ${issued - begin} ms after the begin`);
    }
    assert.deepEqual((await ask(a, "fetch", { to: [room], except: [b.id] }))[0].length, 2);
    assert.deepEqual((await ask(a, "fetch", { to: [`nobody in ${room}`] }))[0], []);
    assert.deepEqual(await ask(a, "count", { to: [room] }), [3]);
    assert.deepEqual(await ask(a, "count", { by: "socket", to: [room], local: true }), [2]);
    assert.deepEqual(await ask(a, "count", { to: [a.id] }), [1]);
  });

  test("join, leave and disconnect selections", async (t) => {
    const { sockets, room } = await trio(t, v);
    const [a, b, c] = sockets;
    const more = `more of ${room}`;
    await ask(a, "join", { to: [room], except: [b.id] }, [more]);
    assert.deepEqual(await heard(sockets, () => ask(a, "emit", { to: [more] }, "news", 1)), [1, 0, 1]);
    await ask(a, "leave", { to: [more], except: [a.id] }, [more, "never"]);
    assert.deepEqual(await heard(sockets, () => ask(a, "emit", { to: [more] }, "news", 1)), [1, 0, 0]);
    const gone = [b, c].map((s) => next(s, "disconnect"));
    await ask(a, "disconnect them", { to: [room], except: [a.id, c.id] }, []);
    assert.deepEqual(await gone[0].then(([reason]) => reason), "io server disconnect");
    await ask(a, "disconnect them", { by: "socket", to: [room], local: true }, ["and close"]);
    await gone[1];
    assert.deepEqual(await ask(a, "count", { to: [room] }), [1]);
  });

  test("what a remote socket can do", async (t) => {
    const { sockets } = await trio(t, v);
    const [a, b] = sockets;
    const rooms = async () => (await ask(a, "fetch", { to: [b.id] }))[0][0].rooms;
    assert.deepEqual(await heard(sockets, () => ask(a, "remote", b.id, "emit")), [0, 1, 0]);
    await ask(a, "remote", b.id, "join");
    assert.ok((await rooms()).includes("remote"));
    await ask(a, "remote", b.id, "leave");
    assert.ok(!(await rooms()).includes("remote"));
    assert.deepEqual(await ask(a, "remote", b.id, "ask"), ["b"]);
    const gone = next(b, "disconnect");
    await ask(a, "remote", b.id, "disconnect");
    await gone;
  });

  test("middlewares of a socket, and its outgoing events", async (t) => {
    const { sockets: [a, b], room } = await trio(t, v);
    await ask(b, "count", {});
    await heard([a, b], () => ask(a, "emit", { to: [room] }, "news", 1));
    assert.deepEqual(await ask(b, "seen"), [["count", "seen"]]);
    await ask(a, "question", { to: [b.id], timeout: 10_000 });
    assert.deepEqual(await ask(b, "outgoing"), [["news", "mark", "question"]]);
  });
});
