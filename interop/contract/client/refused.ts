// A server that keeps the rules of its types: what it refuses, and how its client sees that. Run by
// checked.test.mjs.
import assert from "node:assert/strict";
import { io } from "socket.io-client";
import type { AckError, ConnectErrorData, Connect, InvalidData, Reason, User } from "./checked.js";

const [url, transport] = process.argv.slice(2) as [string, "polling" | "websocket"];
const options = { transports: [transport], reconnection: false, forceNew: true };
const connect = ((name: string, more: object) => io(url + name, more)) as Connect;

const good: User = { name: "ann", age: 18, friend: "", plan: "free", phones: ["+41446681800"] };
const socket = connect("/", { auth: { key: "k" }, ackTimeout: 10_000, ...options });

// what tells the answers apart, as an application would
function outcome(answer: string | AckError<Reason | InvalidData>): unknown {
  if (typeof answer === "string") return answer;
  const { message, data } = answer.error;
  if (data === undefined) return message;
  if ("fields" in data) return data.fields.map((f) => [f.field, f.rule, f.param]);
  return data.taken;
}

const signUp = async (user: User) => outcome(await socket.emitWithAck("sign up", user));

assert.equal(await signUp(good), "ann");
assert.equal(await signUp({ ...good, mail: "a@b.ch", address: { street: "s" } }), "ann");
assert.equal(await signUp({ ...good, address: null }), "ann");
assert.equal(await signUp({ ...good, name: "taken" }), true);
assert.deepEqual(await signUp({ ...good, name: "too long" }), [["name", "max", "5"]]);
assert.deepEqual(await signUp({ ...good, mail: "no mail", age: 17 }), [["mail", "email", undefined], ["age", "gte", "18"]]);
assert.deepEqual(await signUp({ ...good, phones: ["+41446681800", "1"] }), [["phones[1]", "e164", undefined]]);
assert.deepEqual(await signUp({ ...good, address: { street: "" } }), [["address.street", "required", undefined]]);
assert.deepEqual(await signUp({} as User), [
  ["name", "required", undefined], ["age", "gte", "18"], ["friend", "required", undefined], ["plan", "oneof", "free paid"], ["phones", "required", undefined],
]);
socket.disconnect();

// auth payloads
const refused = connect("/", { auth: { key: "" }, ...options });
const err = await new Promise<Error & { data?: ConnectErrorData }>((resolve) => refused.on("connect_error", resolve));
assert.deepEqual(err.data, { fields: [{ field: "key", rule: "required" }] });
assert.doesNotMatch(err.message, /Token|Go|struct/);
console.log("refused");
