// Values both ways, of each type of server/app/values.go in the same order: run by
// roundtrip.test.mjs, once it has been compiled against what is generated.
import assert from "node:assert/strict";
import { io, type Socket } from "socket.io-client";
import type { ValuesClientToServerEvents as ToServer, ValuesServerToClientEvents as ToClient } from "./events.js";

type Sent = { [E in Exclude<keyof ToServer, "want" | "emit all" | "ask all" | `echo ${string}`>]: Parameters<ToServer[E]>[0][] };
type Received = { [E in Exclude<keyof ToClient, `ask ${string}`>]: Parameters<ToClient[E]>[0][] };

const bytes = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;
const many = Array.from({ length: 10 }, (_, i) => bytes(i));
const item = { name: "", price: 0 };

// What the server sends, which clients may send, too.
const received: Received = {
  string: ["", "a", "\0\u2028\"\\</script>", "é日本🦀", "\ufeff"],
  bool: [true, false],
  int: [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  int8: [-128, 127],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  float64: [0, 0.1, Number.MAX_VALUE, -Number.MIN_VALUE, 1e21],
  float32: [0.5, 3.4028235e38],
  any: [null, true, 1.5, "s", [1, null, []], { a: {}, "": null }],
  pointer: [null, "", "p"],
  slice: [null, [], [1, 2, 3]],
  "deep slice": [[null, [], ["a"]], null],
  array: [[0, 0, 0], [1, 2, 3]],
  map: [null, {}, { "": 0, "a b": 1, __proto__x: 2 }],
  "int keys": [{ "-1": "minus", 10: "ten" }],
  enum: ["open", "paid", "shipped"],
  level: [1, 2, 3],
  pointers: [[null, 1]],
  numbers: [
    { i: 0, i8: 0, i16: 0, i32: 0, i64: 0, u: 0, u8: 0, u16: 0, u32: 0, u64: 0, f32: 0, f64: 0 },
    {
      i: Number.MAX_SAFE_INTEGER, i8: 127, i16: 32767, i32: 2 ** 31 - 1, i64: Number.MAX_SAFE_INTEGER, u: Number.MAX_SAFE_INTEGER,
      u8: 255, u16: 65535, u32: 2 ** 32 - 1, u64: Number.MAX_SAFE_INTEGER, f32: 3.4028235e38, f64: Number.MAX_VALUE,
    },
    { i: Number.MIN_SAFE_INTEGER, i8: -128, i16: -32768, i32: -(2 ** 31), i64: Number.MIN_SAFE_INTEGER, u: 0, u8: 0, u16: 0, u32: 0, u64: 0, f32: -0.5, f64: -0.1 },
  ],

  item: [item, { name: "lamp", price: 9.5, count: 2 }],
  optional: [
    { plain: "", pointer: null, emptyItem: item, list: null, fixed: [0, 0], any: null, deep: null },
    {
      plain: "p", pointer: "q", empty: "e", emptyPtr: "", zero: "2024-02-29T23:59:59.123456789Z", zeroItem: { name: "z", price: 1, count: 1 },
      emptyItem: { name: "e", price: 0 }, emptyMap: { k: "v" }, list: [], emptyList: [0], fixed: [1, 2], any: "any", emptyAny: [], deep: 5,
    },
  ],
  tagged: [
    { Untagged: "u", "new-name": "r", "-": "d", number: "-5", flag: "true", quote: "\"\\\"q\\\"\"", $ref: 1, "with space": "s" },
    { Untagged: "", "new-name": "", "-": "", number: "0", quote: "\"\"", $ref: 0, "with space": "" },
  ],
  embedding: [{ key: "k", other: true, inner: "", shared: "s", item: { name: "i", price: 1 } }],
  tree: [
    null,
    { name: "leaf", parent: null },
    {
      name: "root", children: [{ name: "a", parent: null }, { name: "b", children: [{ name: "c", parent: null }], parent: null }, null],
      index: { x: { name: "y", parent: null }, nil: null }, parent: { tree: { name: "up", parent: null } },
    },
  ],
  page: [{ items: null, next: null }, { items: [{ name: "a", price: 1, count: 1 }], next: 2 }],
  "page of pages": [{ items: [{ items: ["a"], next: null }], next: null }],
  pair: [{ key: "k", value: 3 }, { key: "", value: 1 }],
  named: [
    { byName: null, byID: null, byState: null, byAddr: null },
    { byName: { a: { name: "a", price: 1 } }, byID: { 7: "seven" }, byState: { open: 1, paid: 2, shipped: 3 }, byAddr: { "::1": true } },
  ],
  enums: [
    { state: "open", level: 3, maybe: null, all: null, counts: null },
    { state: "paid", level: 1, maybe: 2, unset: "shipped", all: ["open", "paid"], counts: { open: 1, paid: 1, shipped: 3 } },
  ],

  bytes: [null, bytes(), bytes(0, 255), new ArrayBuffer(70_000)],
  "many bytes": [null, [], [null, bytes(), bytes(1)], many],
  blob: [null, "", "AP8B"],
  files: [
    { one: null, many: null, named: null, ptr: null, blob: null, sum: [0, 0, 0, 0], any: null },
    {
      one: new TextEncoder().encode("one").buffer, many: [bytes(1), null, bytes()], named: { a: bytes(2), nil: null }, maybe: bytes(3), ptr: bytes(4),
      blob: "BQ==", sum: [1, 2, 3, 255], any: { in: bytes(6) },
    },
  ],

  time: ["0001-01-01T00:00:00Z", "2024-02-29T23:59:59.123456789Z", "1969-01-01T00:00:00-05:30"],
  duration: [0, 1e9, -1],
  raw: [{ a: [1, null] }, "s", null],
  money: ["12.50 EUR", "0.05 USD"],
  color: ["#ff0080", "#000000"],
  special: [{ time: "2024-02-29T23:59:59.123456789Z", took: 1e6, raw: [], exact: 1.5, addr: "10.0.0.1", color: "#010203", price: "0.99 CHF" }],
};

// What else clients may send: forms that the server does not use.
const lax: { [E in keyof Sent]?: Sent[E] } = {
  optional: [{ plain: "all that may be missing is", emptyItem: item, list: null, fixed: [0, 0], any: null }],
  time: [new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)).toISOString()],
};

const [url, transport] = process.argv.slice(2) as [string, "polling" | "websocket"];
const socket: Socket<ToClient, ToServer> = io(`${url}/values`, { transports: [transport], reconnection: false, ackTimeout: 10_000 });
socket.on("connect_error", (err) => { throw err; });
socket.io.engine.binaryType = "arraybuffer"; // as in a browser: there is no option for it

const want = await socket.emitWithAck("want");
assert.ok(want !== null && !("error" in want));
const events = Object.keys(received) as (keyof Received & keyof Sent)[];
assert.deepEqual(Object.keys(want).sort(), [...events].sort(), "events");

for (const event of events) {
  // To the server, which says what its handler has got.
  const sent = [...received[event], ...(lax[event] ?? [])];
  const expected: string[] = (want as Record<string, string[]>)[event] ?? [];
  assert.equal(sent.length, expected.length, `${event}: how many values`);
  for (const [i, value] of sent.entries()) {
    const got: unknown = await socket.emitWithAck(event, value as never);
    assert.deepEqual(got, expected[i], `${event}: value ${i} to the server`);
  }

  // And back.
  const back: unknown[] = [];
  const done = new Promise<void>((resolve) => {
    socket.on(event, ((value: unknown) => { if (back.push(value) === received[event].length) resolve(); }) as never);
  });
  await socket.emitWithAck("emit all", event);
  await done;
  assert.deepStrictEqual(back, received[event], `${event}: values from the server`);

  // In answers, both ways.
  for (const [i, value] of received[event].entries()) {
    const got: unknown = await socket.emitWithAck(`echo ${event}`, value as never);
    assert.deepStrictEqual(got, value, `${event}: value ${i} in an answer of the server`);
  }
  socket.on(`ask ${event}`, ((value: unknown, ack: (answer: unknown) => void) => ack(value)) as never);
  assert.deepEqual(await socket.emitWithAck("ask all", event), expected.slice(0, received[event].length), `${event}: values in answers to the server`);
}
console.log(`${events.length} types`);
socket.disconnect();
