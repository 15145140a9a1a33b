// Hooks for the official Socket.IO client, typed by the events of a server. They know nothing of this
// example, and may be copied.
import { useEffect, useEffectEvent, useState } from "react";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";

// A map of events, such as a generated ServerToClientEvents.
interface EventsMap {
  [event: string]: any;
}

/** A Connection is how a socket fares. */
export interface Connection {
  /** Closed: the server has refused the client, or has sent it away. The client does not try again by itself. */
  status: "connecting" | "connected" | "closed";
  /** Why there is no connection, if that is known. */
  error: Error | null;
}

/**
 * useSocket connects to a server as long as the component is mounted, and again whenever the connection
 * breaks. The options are those of the first render; for others, give the component another key.
 */
export function useSocket<Hears extends EventsMap, Sends extends EventsMap>(options: Partial<ManagerOptions & SocketOptions>) {
  // StrictMode makes a second one and drops it, which does no harm: neither has been connected.
  const [socket] = useState<Socket<Hears, Sends>>(() => io({ ackTimeout: 5000, ...options, autoConnect: false }));
  const [connection, setConnection] = useState<Connection>({ status: "connecting", error: null });

  useEffect(() => {
    const lost = (error: Error) => setConnection({ status: socket.active ? "connecting" : "closed", error });
    const connect = () => setConnection({ status: "connected", error: null });
    const disconnect = (reason: string) => lost(new Error(reason));
    const untyped: Socket = socket;   // these three are of the client, whatever the events of the server
    untyped.on("connect", connect).on("disconnect", disconnect).on("connect_error", lost);
    socket.connect();
    return () => {
      untyped.off("connect", connect).off("disconnect", disconnect).off("connect_error", lost);
      socket.disconnect();
    };
  }, [socket]);

  return { socket, connection };
}

/**
 * useEvent has a function called with each event of a name, as long as the component is mounted: always
 * the function of the last render, with the props and the state of that. What a function gets, and
 * whether there is such an event, the type of the socket says.
 */
export function useEvent<Hears extends EventsMap, Sends extends EventsMap, Name extends keyof Hears & string>(
  socket: Socket<Hears, Sends>, name: Name, heard: Hears[Name],
) {
  const latest = useEffectEvent((...args: Parameters<Hears[Name]>) => heard(...args));
  useEffect(() => {
    const listener = (...args: any) => latest(...args);
    const untyped: Socket = socket;
    untyped.on(name as string, listener);
    return () => void untyped.off(name as string, listener);
  }, [socket, name]);
}

/** A Failure is what the server sends in place of an answer. */
interface Failure {
  error: unknown;
}

/** Refused is the error of what the server refuses. */
export class Refused extends Error {
  readonly fields: Readonly<Record<string, string>>;

  constructor(message: string, data?: unknown) {
    super(message);
    this.fields = fieldsOf(data);
  }
}

/** answered resolves to an answer of the server. If that is a failure, it throws Refused. */
export async function answered<Answer>(answer: Promise<Answer>): Promise<Exclude<Answer, Failure>> {
  const got = await answer;
  if (typeof got === "object" && got !== null && "error" in got) {
    const { message, data } = got.error as { message: string; data?: unknown };
    throw new Refused(message, data);
  }
  return got as Exclude<Answer, Failure>;
}

/** fieldsOf returns what is wrong, by the names of fields, with what a server has refused as invalid. */
export function fieldsOf(data: unknown): Record<string, string> {
  const { fields = [] } = (data ?? {}) as { fields?: { field: string; rule: string; param?: string }[] };
  return Object.fromEntries(fields.map(({ field, rule, param }) => [field, say(rule, param)]));
}

function say(rule: string, param = ""): string {
  switch (rule) {
    case "required": return "must not be empty";
    case "min": return `must be at least ${param}`;
    case "max": return `must be at most ${param}`;
    case "oneof": return `must be one of ${param.replaceAll(" ", ", ")}`;
    default: return `is not valid (${[rule, param].filter(Boolean).join(" ")})`;
  }
}
