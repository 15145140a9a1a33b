// The sockets of each namespace, as an application would make them.
import { io, type Socket } from "socket.io-client";
import type {
  ClientToServerEvents, ServerToClientEvents,
  AdminAuth, AdminClientToServerEvents, AdminServerToClientEvents, AdminConnectErrorData,
  TenantIdClientToServerEvents, TenantIdServerToClientEvents,
  GateAuth, GateClientToServerEvents, GateServerToClientEvents,
  LooseClientToServerEvents, LooseServerToClientEvents,
} from "./events.js";

const url = "http://localhost:3000";

export const root: Socket<ServerToClientEvents, ClientToServerEvents> = io(url);

export const admin = (auth: AdminAuth): Socket<AdminServerToClientEvents, AdminClientToServerEvents> => io(`${url}/admin`, { auth });

export const tenant = (id: string): Socket<TenantIdServerToClientEvents, TenantIdClientToServerEvents> => io(`${url}/tenant-${id}`);

export const gate = (auth?: GateAuth): Socket<GateServerToClientEvents, GateClientToServerEvents> => io(`${url}/gate`, auth ? { auth } : {});

export const loose: Socket<LooseServerToClientEvents, LooseClientToServerEvents> = io(`${url}/loose`);

// refusal is what a client of /admin finds in connect_error.
export function refusal(socket: ReturnType<typeof admin>, f: (data: AdminConnectErrorData | undefined) => void) {
  socket.on("connect_error", (err) => f((err as Error & { data?: AdminConnectErrorData }).data));
}
