// What the server and the page send each other. To be generated.

/** A member is a user as the others see them. */
export interface Member {
  id: string;
  name: string;
  server?: string;
}

export interface Message {
  id: string;
  room: string;
  text: string;
  from: Member;
  at: string;
}

export interface Post {
  id: string;
  room: string;
  text: string;
}

export interface Receipt {
  status: string;
}

export interface Signal {
  room: string;
  on: boolean;
}

export interface Typing {
  room: string;
  on: boolean;
  from: Member;
}

export interface PresenceMember {
  key: string;
  value: Member;
}

export interface Change {
  room: string;
  members?: PresenceMember[];
  joined?: PresenceMember[];
  updated?: PresenceMember[];
  left?: PresenceMember[];
}

export interface Failure {
  error: { message: string; data?: unknown };
}

export interface ClientToServerEvents {
  message: (arg: Post, ack: (answer: Receipt | Failure) => void) => void;
  "room:join": (arg: string, ack: (answer: Receipt | Failure) => void) => void;
  "room:leave": (arg: string, ack: (answer: Receipt | Failure) => void) => void;
  typing: (arg: Signal) => void;
}

export interface ServerToClientEvents {
  "message:new": (arg: Message) => void;
  presence: (arg: Change) => void;
  typing: (arg: Typing) => void;
}

export interface Auth {
  name: string;
}
