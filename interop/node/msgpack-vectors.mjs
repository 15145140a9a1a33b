// Prints what the official parser makes of packets, as the Go tests have it in
// socketio/parser/msgpack/testdata/official.json: "node" is what it sends in Node, and
// "browser" elsewhere; "answer" is what the reference server sends for the packet
// once it has been JSON. All are in hexadecimal.
//
//   node node/msgpack-vectors.mjs > ../socketio/parser/msgpack/testdata/official.json

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import parser from "socket.io-msgpack-parser";

const require = createRequire(import.meta.url);
const notepack = createRequire(require.resolve("socket.io-msgpack-parser"));
const browserEncode = notepack("notepack.io/browser/encode.js");

const CONNECT = 0, DISCONNECT = 1, EVENT = 2, ACK = 3, CONNECT_ERROR = 4;
const options = { compress: true };
const bytes = (...b) => Buffer.from(b);
const run = (n) => Buffer.from(Array.from({ length: n }, (_, i) => i % 256));
const deep = (n) => (n === 0 ? [] : [deep(n - 1)]);

const packets = {
  // What the clients send.
  "connect": { type: CONNECT, data: undefined, nsp: "/" },
  "connect with auth": { type: CONNECT, data: { token: "good", user: { name: "Zoë", tags: [1, null] } }, options, nsp: "/auth" },
  "disconnect": { type: DISCONNECT, options, nsp: "/" },
  "event": { type: EVENT, data: ["message", { id: 1, text: "hello" }], options, nsp: "/" },
  "event that wants an ack": { type: EVENT, data: ["message"], options, id: 0, nsp: "/chat" },
  "ack": { type: ACK, id: 7, data: [{ status: "ok" }], options, nsp: "/" },
  "ack without arguments": { type: ACK, id: Number.MAX_SAFE_INTEGER, data: [], nsp: "/chat" },
  "binary": { type: EVENT, data: ["up", { name: "f", data: bytes(1, 2, 3), parts: [bytes(), run(256)] }], options, nsp: "/" },
  "ArrayBuffer": { type: EVENT, data: ["up", Uint8Array.of(9, 8, 7).buffer, new ArrayBuffer(8)], nsp: "/" },
  "undefined": { type: EVENT, data: ["e", undefined, { a: undefined, b: 1, c: undefined }, null], options, nsp: "/" },
  "dates": { type: EVENT, data: ["e", ...[0, 1, 1e12 + 789, -1, 8.64e15, -8.64e15, -62198755200000].map((ms) => new Date(ms))], nsp: "/" },
  // What a server sends.
  "connect answer": { type: CONNECT, data: { sid: "AAAAAAAAAAAAAAAAAAAB" }, nsp: "/" },
  "refusal": { type: CONNECT_ERROR, data: { message: "not authorized", data: { code: 401 } }, nsp: "/auth" },
  "disconnect by the server": { type: DISCONNECT, nsp: "/chat" },
  "event of the server": { type: EVENT, data: ["question", "really?"], id: 3, nsp: "/" },
  // Values of every size.
  "integers": { type: EVENT, data: ["e", 0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, Number.MIN_SAFE_INTEGER], nsp: "/" },
  "floats": { type: EVENT, data: ["e", 1.5, -0.1, 5e-324, Math.PI, 1e-7, 0.000001, 123456.789], nsp: "/" },
  "strings": { type: EVENT, data: ["e", ..."0 31 32 255 256".split(" ").map((n) => "a".repeat(n)), "日本語 🎉", "\u0000\u001f\"\\/\b\f\n\r\t\u007f\u2028"], nsp: "/" },
  "arrays": { type: EVENT, data: ["e", [], ...[15, 16].map((n) => Array(n).fill(0)), deep(20)], nsp: "/" },
  "maps": { type: EVENT, data: ["e", {}, ...[15, 16].map((n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]))), { "": 1, "ключ": 2, constructor: 3 }], nsp: "/" },
  "literals": { type: EVENT, data: ["e", null, true, false], nsp: "/" },
};

const isPlain = (v) => v && Object.getPrototypeOf(v) === Object.prototype;

// map replaces the values that f knows, at any depth.
function map(v, f) {
  const known = f(v);
  if (known !== undefined) return known;
  if (Array.isArray(v)) return v.map((e) => map(e, f));
  if (isPlain(v)) return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, map(e, f)]));
  return v;
}

const hex = (b) => Buffer.from(b).toString("hex");
const encode = (packet) => hex(new parser.Encoder().encode(packet)[0]);

export function vectors() {
  return Object.entries(packets).map(([name, packet]) => {
    const { type, data, id, nsp } = packet;
    const attachments = [];
    const text = JSON.stringify(map(data, (v) => {
      if (v instanceof ArrayBuffer || Buffer.isBuffer(v)) return { _placeholder: true, num: attachments.push(Buffer.from(v)) - 1 };
    }));
    const answer = { type };
    if (text) answer.data = map(JSON.parse(text), (v) => (v?._placeholder ? attachments[v.num] : undefined));
    if (id !== undefined) answer.id = id;
    answer.nsp = nsp;
    return {
      name,
      packet: { type, nsp, id, data: text, attachments: attachments.map(hex) },
      node: encode(packet),
      browser: hex(browserEncode(map(packet, (v) => (Buffer.isBuffer(v) ? Uint8Array.from(v).buffer : undefined)))), // it has no Buffer
      answer: encode(answer),
    };
  });
}

export const text = () => `[\n${vectors().map((v) => JSON.stringify(v)).join(",\n")}\n]\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(text());
