// Values in the lines between a test and its servers: JSON, with a tag for what that
// has no form of.

const make = {
  bytes: (v) => Buffer.from(v, "base64"),
  arraybuffer: (v) => new Uint8Array(Buffer.from(v, "base64")).buffer,
  date: (v) => new Date(v),
  undefined: () => undefined,
  number: Number,
};

export const tag = (name, value = "") => ({ $: name, value });
export const bytes = (data) => tag("bytes", Buffer.from(data).toString("base64"));

// untagged returns a value as it is meant.
export function untagged(v) {
  if (v === null || typeof v !== "object") return v;
  if (typeof v.$ === "string") return make[v.$](v.value);
  if (Array.isArray(v)) return v.map(untagged);
  return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, untagged(e)]));
}

// tagged returns a value that JSON can hold.
export function tagged(v) {
  if (v === undefined) return tag("undefined");
  if (v === null || typeof v !== "object") return v;
  if (v instanceof ArrayBuffer) return bytes(v);
  if (ArrayBuffer.isView(v)) return bytes(new Uint8Array(v.buffer, v.byteOffset, v.byteLength));
  if (v instanceof Date) return tag("date", v.getTime());
  if (Array.isArray(v)) return v.map(tagged);
  return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, tagged(e)]));
}
