// Messages that no server publishes.

import notepack from "notepack.io";

const text = (v) => Buffer.from(JSON.stringify(v));
const packed = (v) => notepack.encode(v);
const deep = (open, n) => Buffer.from(open.repeat(n));

// What is no message at all, in any format.
const nonsense = {
  nothing: "",
  "a brace": "{",
  "not JSON": "{nonsense",
  "not UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
  "JSON, not an object": '["news"]',
  "an empty object": "{}",
  "an unknown type": text({ type: 99, uid: "stranger", nsp: "/", data: {} }),
  "a type that is no number": text({ type: "3", uid: "stranger", nsp: "/", data: {} }),
  "the first byte of msgpack": Buffer.from([0xc1]),
  "an array that says it is huge": Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
  "a map that says it is huge": Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]),
  "bytes that say they are huge": Buffer.from([0x93, 0xa1, 0x78, 0xc6, 0xff, 0xff, 0xff, 0xff]),
  "arrays in arrays": deep("\x91", 50_000),
  "JSON in JSON": Buffer.from(`{"type":3,"data":${"[".repeat(50_000)}`),
  "a number": Buffer.from([0x07]),
};

const event = { type: 2, data: ["bad", 1], nsp: "/" };
const opts = { rooms: [], except: [], flags: {} };

// broadcasts are for the channels of events, requests and answers for those. The event
// "bad" must reach nobody.
const classic = {
  broadcasts: {
    ...nonsense,
    "an empty array": packed([]),
    "no packet": packed(["stranger"]),
    "another namespace": packed(["stranger", { ...event, nsp: "/other" }, opts]),
    "a packet that disconnects": packed(["stranger", { type: 1, nsp: "/" }, opts]),
    "a packet that connects": packed(["stranger", { type: 0, data: { sid: "x" }, nsp: "/" }, opts]),
    "an ack": packed(["stranger", { type: 3, id: 0, data: ["bad"], nsp: "/" }, opts]),
    "data that is no array": packed(["stranger", { ...event, data: "bad" }, opts]),
    "an event without a name": packed(["stranger", { ...event, data: [] }, opts]),
    "an event whose name is an object": packed(["stranger", { ...event, data: [{ bad: 1 }] }, opts]),
    "an event with a reserved name": packed(["stranger", { ...event, data: ["connect", "bad"] }, opts]),
    "rooms that are no list": packed(["stranger", event, { ...opts, rooms: "bad" }]),
    "rooms that are no strings": packed(["stranger", event, { ...opts, rooms: [{ bad: 1 }] }]),
    "exceptions that are no list": packed(["stranger", event, { ...opts, except: 7 }]),
    "something behind it": Buffer.concat([packed(["stranger", event, opts]), packed(1)]),
    "one cut short": packed(["stranger", event, opts]).subarray(0, -3),
  },
  requests: {
    ...nonsense,
    "nothing but a type": text({ type: 0 }),
    "rooms without a request": text({ type: 1 }),
    "joining without rooms": text({ type: 2, opts: { rooms: [], except: [] } }),
    "joining what is no list": text({ type: 2, opts: { rooms: [], except: [] }, rooms: "bad" }),
    "leaving without options": text({ type: 3, rooms: ["x"] }),
    "disconnecting without options": text({ type: 4, close: true }),
    "fetching without options": text({ type: 5, requestId: "x" }),
    "a server event without data": text({ type: 6, uid: "stranger" }),
    "a server event with a name that is none": text({ type: 6, uid: "stranger", data: [{ bad: 1 }] }),
    "an event without a packet": packed({ type: 7, uid: "stranger", requestId: "x", opts }),
    "an event that disconnects": packed({ type: 7, uid: "stranger", requestId: "x", packet: { type: 1, nsp: "/" }, opts }),
  },
  answers: {
    ...nonsense,
    "an answer to nobody": text({ type: 6, requestId: "nobody", data: "bad" }),
    "sockets for nobody": text({ requestId: "nobody", sockets: [{ id: 1 }] }),
  },
};

const message = (type, data, more = {}) => ({ uid: "0123456789abcdef", nsp: "/", type, data, ...more });
const packet = { type: 2, data: ["bad", 1] };

const sharded = {
  broadcasts: {
    ...nonsense,
    "no packet": text(message(3, { opts })),
    "no data": text(message(3)),
    "another namespace": text(message(3, { packet, opts }, { nsp: "/other" })),
    "no namespace": text(message(3, { packet, opts }, { nsp: undefined })),
    "a packet that disconnects": text(message(3, { packet: { type: 1 }, opts })),
    "data that is no array": packed(message(3, { packet: { type: 2, data: "bad" }, opts })),
    "an event with a reserved name": text(message(3, { packet: { type: 2, data: ["connect", "bad"] }, opts })),
    "rooms that are no list": text(message(3, { packet, opts: { ...opts, rooms: { bad: 1 } } })),
    "something behind it": Buffer.concat([packed(message(3, { packet, opts })), packed(1)]),
    "joining what is no list": text(message(4, { opts, rooms: { bad: 1 } })),
    "leaving without options": text(message(5, { rooms: ["x"] })),
    "disconnecting without data": text(message(6)),
    "fetching without options": text(message(7, { requestId: "x" })),
    "a server event without a packet": text(message(9, {})),
    "a server event with a name that is none": text(message(9, { packet: [{ bad: 1 }] })),
  },
  answers: {
    ...nonsense,
    "sockets for nobody": text(message(8, { requestId: "nobody", sockets: [] })),
    "an answer without data": text(message(10)),
    "an answer to nobody": packed(message(12, { requestId: "nobody", packet: Buffer.from("bad") })),
  },
};

// Entries of a stream: of these, Node servers die, or read the first one for ever.
const entry = (type, data) => ["uid", "stranger", "nsp", "/", "type", type, "data", typeof data === "string" ? data : JSON.stringify(data)];
export const entries = {
  "no namespace": ["uid", "stranger", "type", "3"],
  "no data": ["uid", "stranger", "nsp", "/", "type", "3"],
  "no type": ["nsp", "/", "data", "{}"],
  "a type that is no number": entry("three", { packet, opts }),
  "an unknown type": entry("99", { packet, opts }),
  "half of JSON": entry("3", "{"),
  "no base64": entry("3", "!"),
  "half of msgpack": entry("3", packed({ packet, opts }).subarray(0, -3).toString("base64")),
  "no packet": entry("3", { opts }),
  "an ack": entry("3", { packet: { type: 3, data: ["bad"] }, opts }),
  "an event with a reserved name": entry("3", { packet: { type: 2, data: ["disconnect"] }, opts }),
  "one that is to be answered": entry("3", { packet, opts, requestId: "bad" }),
  "rooms that are no list": entry("3", { packet, opts: { ...opts, rooms: "bad" } }),
  "joining without options": entry("4", { rooms: ["bad"] }),
  "numbers that are none": [...entry("99", {}), "n", "-1", "early", "yes"],
};

export const malformed = { classic, sharded, streams: sharded };

// harmless returns [channels, messages] of which Node servers do not die, either.
export function harmless(c, format, room) {
  const everything = Object.values(nonsense);
  const events = [c.channel("/"), c.channel("/", room)];
  if (format !== "classic") return [[events, [...everything, sharded.broadcasts["another namespace"]]]];
  const { broadcasts, answers } = classic;
  return [
    [events, [broadcasts["no packet"], broadcasts["another namespace"]]],
    [[`${c.prefix}-request#/#`], everything],
    [[`${c.prefix}-response#/#`], Object.values(answers)],
  ];
}
