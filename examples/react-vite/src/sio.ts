// Hooks for the official Socket.IO client, typed by the events of a server. They know nothing of this
// example, and may be copied.
import { useEffect, useEffectEvent, useState } from "react";
import type { Socket } from "socket.io-client";

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
 * breaks. Open has to make a socket with the options that it gets, and others. It is called for the first
 * render; for another socket, give the component another key.
 */
export function useSocket<S extends Socket<any, any>>(open: (options: { autoConnect: false; ackTimeout: number }) => S) {
  // StrictMode makes a second one and drops it, which does no harm: neither has been connected.
  const [socket] = useState(() => open({ autoConnect: false, ackTimeout: 5000 }));
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
      setConnection({ status: "connecting", error: null });   // for StrictMode, and for Activity: it may be mounted again
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

/** A Broken rule is what is wrong with a field, such as { rule: "max", param: "20" }. */
export interface Broken {
  rule: string;
  param?: string;
}

/** Refused is the error of what the server refuses. */
export class Refused extends Error {
  /** What is wrong, by the names of fields, if something is. */
  readonly fields: Readonly<Record<string, Broken>>;

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

/** fieldsOf returns what is wrong with a value, of the data of the error that says so. */
export function fieldsOf(data: unknown): Record<string, Broken> {
  const { fields = [] } = (data ?? {}) as { fields?: (Broken & { field: string })[] };
  return Object.fromEntries(fields.map(({ field, ...broken }) => [field, broken]));
}
