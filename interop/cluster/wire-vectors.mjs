// Prints what the official adapters and the emitter publish, as the Go tests have it in
// cluster/wire/testdata/official.json: "channel" and the message in hexadecimal, or an
// "entry" of a stream, and as "message" what the Go servers take it for; the "record" of a
// "session" likewise. Nothing but the Redis clients is made up.
//
//   node cluster/wire-vectors.mjs > ../cluster/wire/testdata/official.json

import crypto from "node:crypto";
import { fileURLToPath } from "node:url";
import redisAdapter from "@socket.io/redis-adapter";
import redisEmitter from "@socket.io/redis-emitter";
import redisStreamsAdapter from "@socket.io/redis-streams-adapter";
import { Server } from "socket.io";

const type = {
  broadcast: 3, join: 4, leave: 5, disconnect: 6, fetch: 7, fetched: 8, serverEvent: 9, serverAnswer: 10,
  clientCount: 11, clientAnswer: 12, ids: 70, idList: 71, rooms: 72, roomSet: 73,
};

const bytes = (...b) => Buffer.from(b);
const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;
const values = ["ev", { a: 1, when: new Date(0), none: undefined }, undefined, NaN, -1.5, 2 ** 40, "ü🎉\u0000", [[]]];
const text = `["ev",{"a":1,"when":"1970-01-01T00:00:00.000Z"},null,null,-1.5,1099511627776,"ü🎉\\u0000",[[]]]`;
const binary = ["ev", { deep: [bytes(1, 2, 255)] }, bytes()];
const placed = { Data: `["ev",{"deep":[${placeholder(0)}]},${placeholder(1)}]`, Attachments: ["0102ff", ""] };

// Redis, as far as it is heard of.
class Redis {
  published = [];
  on() {}
  listenerCount = () => 2;
  subscribe() {}
  psubscribe() {}
  ssubscribe() {}
  publish(channel, message) {
    this.published.push({ channel, hex: Buffer.from(message).toString("hex") });
    return Promise.resolve(1);
  }
  spublish = this.publish;
  send_command = (command, [, channel], done) => done(null, [channel, 3]);
  take = () => this.published.splice(0);
}

// RedisStreams is the same with streams, by another client.
class RedisStreams extends Redis {
  duplicate = () => this;
  async connect() {}
  sSubscribe() {}
  xRead = () => new Promise(() => {});
  async xAdd(stream, id, entry) {
    this.published.push({ entry });
    return "1-1";
  }
  set(key, record) {
    this.published.push({ record });
  }
  sendCommand = async ([, , channel]) => [channel, 3];
}

// socket is a client as far as adapters know it.
const socket = (nsp, id, rooms, data) => {
  const s = {
    id, data, handshake: { headers: { host: "x" }, time: "now", address: "::1", issued: 1, url: "/", query: {}, auth: {} },
    rooms: new Set([id, ...rooms]), acks: new Map(), client: { writeToEngine() {} },
    join() {}, leave() {}, disconnect() {},
  };
  nsp.sockets.set(id, s);
  nsp.adapter.addAll(id, s.rooms);
};
const described = (data) => `[{"id":"sid1","handshake":{"headers":{"host":"x"},"time":"now","address":"::1","issued":1,"url":"/","query":{},"auth":{}},"rooms":["sid1","room1"],"data":${data}}]`;

// requested has what a server sends, in both formats.
async function* requested(nsp) {
  const to = { Rooms: ["a", "b"], Except: ["c"] };
  const some = () => nsp.to(["a", "b"]).except("c");
  const emit = { Type: type.broadcast, UID: "own", Nsp: nsp.name };

  nsp.emit(...values);
  yield ["event", { ...emit, Data: text }];
  nsp.to("room1").emit("ev");
  yield ["event to a room", { ...emit, Data: `["ev"]`, Rooms: ["room1"] }];
  nsp.to("AAAAAAAAAAAAAAAAAAAB").emit("ev");
  yield ["event to a socket", { ...emit, Data: `["ev"]`, Rooms: ["AAAAAAAAAAAAAAAAAAAB"] }];
  nsp.to(1.5).emit("ev");
  yield ["event to a number", { ...emit, Data: `["ev"]`, Rooms: ["1.5"] }];
  some().volatile.compress(false).emit("ev");
  yield ["event with flags", { ...emit, ...to, Data: `["ev"]`, Flags: { Volatile: true, Plain: true } }];
  nsp.emit(...binary);
  yield ["binary event", { ...emit, ...placed }];
  some().timeout(2000).emit("ev", 1, () => {});
  yield ["asking event", { ...emit, ...to, Request: "request", Data: `["ev",1]`, Flags: { Timeout: 2e9 } }];
  nsp.timeout(2000).emit(...binary, () => {});
  yield ["asking binary event", { ...emit, ...placed, Request: "request", Flags: { Timeout: 2e9 } }];
  some().socketsJoin(["d", "e"]);
  yield ["join", { ...emit, ...to, Type: type.join, Names: ["d", "e"] }];
  nsp.except(1e21).socketsJoin([7, -0, 0.1]);
  yield ["join to numbers", { ...emit, Except: ["1e+21"], Type: type.join, Names: ["7", "0", "0.1"] }];
  some().socketsLeave("d");
  yield ["leave", { ...emit, ...to, Type: type.leave, Names: ["d"] }];
  nsp.disconnectSockets(true);
  yield ["disconnect", { ...emit, Type: type.disconnect, Close: true }];
  some().disconnectSockets();
  yield ["leave the namespace", { ...emit, ...to, Type: type.disconnect }];
  some().fetchSockets().catch(() => {});
  yield ["fetch", { ...emit, ...to, Type: type.fetch, Request: "request" }];
  nsp.serverSideEmit(...values.filter((v) => v !== undefined));
  yield ["server event", { ...emit, Type: type.serverEvent, Data: text.replace(",null,null", ",null") }];
  nsp.serverSideEmit(...binary);
  yield ["binary server event", { ...emit, ...placed, Type: type.serverEvent }];
  nsp.serverSideEmit("ev", () => {});
  yield ["asking server event", { ...emit, Type: type.serverEvent, Request: "request", Data: `["ev"]` }];
}

// answered has what a server answers that has a socket and is asked to fetch, or to
// broadcast.
async function* answered(nsp, answer, fetch, broadcast) {
  const s = nsp.sockets.get("sid1");
  await fetch();
  yield ["fetched", { ...answer, Type: type.fetched, Data: described(`{"n":1}`) }];
  s.data = bytes(7);
  await fetch();
  yield ["fetched binary", { ...answer, Type: type.fetched, Data: described(placeholder(0)), Attachments: ["07"] }];
  await broadcast();
  yield ["client count", { ...answer, Type: type.clientCount, Count: 1 }];
  const [ack] = s.acks.values();
  ack("yes");
  yield ["client answer", { ...answer, Type: type.clientAnswer, Data: `"yes"` }];
  ack([bytes(7)]);
  yield ["binary client answer", { ...answer, Type: type.clientAnswer, Data: `[${placeholder(0)}]`, Attachments: ["07"] }];
  ack();
  yield ["client answer without a value", { ...answer, Type: type.clientAnswer, Data: "null" }];
}

// record collects what is published after each step.
async function record(format, redis, steps, known) {
  const all = [];
  for await (const [name, message] of steps) {
    await new Promise(setImmediate);
    for (const published of redis.take()) all.push({ format, name, ...published, message: known(message) });
  }
  return all;
}

async function classic() {
  const redis = new Redis();
  const io = new Server({ adapter: redisAdapter.createAdapter(redis, redis) });
  const nsp = io.of("/chat");
  const { uid } = nsp.adapter;
  const id = uid; // all that is random is the same
  const known = (m) => ({ ...m, UID: m.UID && uid, Request: m.Request && id });
  const all = await record("classic", redis, requested(nsp), known);

  nsp.adapter.allRooms().catch(() => {});
  await new Promise(setImmediate);
  for (const p of redis.take()) all.push({ format: "classic", name: "rooms", ...p, message: { Type: type.rooms, UID: uid, Nsp: "/chat", Request: id } });

  const asking = io.of("/chat").adapter;
  const answers = async function* () {
    const request = (r, channel = "socket.io-request#/chat#") => asking.onrequest(channel, Buffer.from(JSON.stringify({ uid: "other1", requestId: "asked1", ...r })));
    const answer = { Request: "asked1" };
    await request({ type: 5, opts: { rooms: ["nobody"], except: [] } });
    yield ["fetched nothing", { ...answer, Type: type.fetched, Data: "[]" }];
    socket(nsp, "sid1", ["room1"], { n: 1 });
    await request({ type: 0, rooms: [] });
    yield ["id list", { ...answer, Type: type.idList, Names: ["sid1"] }];
    await request({ type: 1 });
    yield ["room set", { ...answer, Type: type.roomSet, Names: ["sid1", "room1"] }];
    yield* answered(nsp, answer, () => request({ type: 5, opts: { rooms: [], except: [] } }),
      () => request({ type: 7, packet: { type: 2, data: ["ev"], nsp: "/chat" }, opts: { rooms: [], except: [], flags: {} } }));
    for (const [name, value, message] of [["server answer", 3, { Data: "3" }], ["binary server answer", bytes(7), { Data: placeholder(0), Attachments: ["07"] }], ["server answer without a value", undefined, { Data: "null" }]]) {
      nsp.removeAllListeners("ev").on("ev", (done) => done(value));
      await request({ type: 6, data: ["ev"] });
      yield [name, { ...answer, Type: type.serverAnswer, ...message }];
    }
    asking.publishOnSpecificResponseChannel = true;
    await request({ type: 0, rooms: [] });
    yield ["id list for one", { ...answer, Type: type.idList, Names: ["sid1"] }];
    asking.publishOnSpecificResponseChannel = false;
    await request({ type: 2, sid: "sid1", room: "x" });
    yield ["joined, of old", { ...answer, Type: 65 }];
  };
  all.push(...(await record("classic", redis, answers(), (m) => m)));
  return all;
}

async function sharded() {
  const redis = new Redis();
  const io = new Server({ adapter: redisAdapter.createShardedAdapter(redis, redis) });
  const nsp = io.of("/chat");
  const { uid } = nsp.adapter;
  const all = await record("sharded", redis, requested(nsp), (m) => ({ ...m, UID: uid, Request: m.Request && uid }));

  const answers = async function* () {
    const request = (t, data) => nsp.adapter.onRawMessage(Buffer.from(JSON.stringify({ uid: "other1", nsp: "/chat", type: t, data: { requestId: "asked1", ...data } })), "socket.io#/chat#");
    const answer = { UID: uid, Nsp: "/chat", Request: "asked1" };
    socket(nsp, "sid1", ["room1"], { n: 1 });
    redis.take();
    yield* answered(nsp, answer, () => request(7, { opts: { rooms: [], except: [] } }),
      () => request(3, { packet: { type: 2, data: ["ev"] }, opts: { rooms: [], except: [], flags: {} } }));
    for (const [name, value, message] of [["server answer", 3, { Data: "3" }], ["binary server answer", bytes(7), { Data: placeholder(0), Attachments: ["07"] }]]) {
      nsp.removeAllListeners("ev").on("ev", (done) => done(value));
      request(9, { packet: ["ev"] });
      yield [name, { ...answer, Type: type.serverAnswer, ...message }];
    }
  };
  all.push(...(await record("sharded", redis, answers(), (m) => m)));
  return all;
}

async function streams() {
  const redis = new RedisStreams();
  const io = new Server({ adapter: redisStreamsAdapter.createAdapter(redis), connectionStateRecovery: {} });
  const nsp = io.of("/chat");
  const { uid } = nsp.adapter;
  // Its msgpack has undefined members, which are nil.
  const whole = ({ Type, Data }) => (Type === type.serverEvent ? Data.replace(`Z"}`, `Z","none":null}`) : Data);
  const all = await record("streams", redis, requested(nsp), (m) => ({ ...m, UID: uid, Request: m.Request && uid, Data: whole(m) }));

  const answers = async function* () {
    const request = (t, data) => nsp.adapter.onMessage({ uid: "other1", nsp: "/chat", type: t, data: { requestId: "asked1", ...data } });
    const answer = { UID: uid, Nsp: "/chat", Request: "asked1" };
    socket(nsp, "sid1", ["room1"], { n: 1 });
    redis.take();
    yield* answered(nsp, answer, () => request(7, { opts: { rooms: [], except: [] } }),
      () => request(3, { packet: { type: 2, data: ["ev"] }, opts: { rooms: [], except: [], flags: {} } }));
    for (const [name, value, message] of [["server answer", 3, { Data: "3" }], ["binary server answer", bytes(7), { Data: placeholder(0), Attachments: ["07"] }]]) {
      nsp.removeAllListeners("ev").on("ev", (done) => done(value));
      request(9, { packet: ["ev"] });
      yield [name, { ...answer, Type: type.serverAnswer, ...message }];
    }
  };
  all.push(...(await record("streams", redis, answers(), (m) => m)));

  for (const [name, data, kept] of [["session", { a: [1, "ü"], none: undefined }, `{"a":[1,"ü"],"none":null}`], ["binary session", { b: bytes(1, 255) }, `{"b":{"type":"Buffer","data":[1,255]}}`]]) {
    nsp.adapter.persistSession({ sid: "sid1", pid: "pid1", rooms: ["sid1", "room1"], data });
    for (const { record } of redis.take()) all.push({ format: "streams", name, record, session: { SID: "sid1", PID: "pid1", Rooms: ["sid1", "room1"], Data: kept } });
  }
  return all;
}

async function emitter() {
  const redis = new Redis();
  const e = new redisEmitter.Emitter(redis).of("/chat");
  const steps = async function* () {
    const to = { Rooms: ["a", "b"], Except: ["c"] };
    const emit = { UID: "emitter", Nsp: "/chat", Type: type.broadcast };
    e.emit(...values);
    yield ["event", { ...emit, Data: text }];
    e.to("room1").emit(...binary);
    yield ["binary event to a room", { ...emit, ...placed, Rooms: ["room1"] }];
    e.to(["a", "b"]).except("c").volatile.compress(false).emit("ev");
    yield ["event with flags", { ...emit, ...to, Data: `["ev"]`, Flags: { Volatile: true, Plain: true } }];
    e.to(["a", "b"]).except("c").socketsJoin(["d", "e"]);
    yield ["join", { ...emit, ...to, UID: "", Type: type.join, Names: ["d", "e"] }];
    e.socketsLeave("d");
    yield ["leave", { ...emit, UID: "", Type: type.leave, Names: ["d"] }];
    e.in("a").disconnectSockets(true);
    yield ["disconnect", { ...emit, UID: "", Type: type.disconnect, Rooms: ["a"], Close: true }];
    e.serverSideEmit("ev", 1);
    yield ["server event", { ...emit, Type: type.serverEvent, Data: `["ev",1]` }];
  };
  return record("emitter", redis, steps(), (m) => m);
}

export async function vectors() {
  const { randomBytes } = crypto, { setTimeout } = globalThis;
  crypto.randomBytes = (n) => Buffer.alloc(n, 0x1b);
  globalThis.setTimeout = (...args) => setTimeout(...args).unref(); // nobody gives the answers that are waited for
  try {
    return [...(await classic()), ...(await sharded()), ...(await streams()), ...(await emitter())];
  } finally {
    crypto.randomBytes = randomBytes;
    globalThis.setTimeout = setTimeout;
  }
}

export const print = async () => `[\n${(await vectors()).map((v) => JSON.stringify(v)).join(",\n")}\n]\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(await print());
