// What the server and the page send each other. To be generated.

/** A Priority says how soon a task is wanted. */
export type Priority = "low" | "normal" | "high";

export interface NewTask {
  title: string;
  priority: Priority;
  estimate?: number | null;
}

export interface Task {
  title: string;
  priority: Priority;
  estimate?: number;
  id: number;
  by: string;
  at: string;
  done: boolean;
}

export interface Mark {
  id: number;
  done: boolean;
}

export interface Person {
  name: string;
}

export interface InvalidField {
  field: string;
  rule: string;
  param?: string;
}

export interface Failure {
  error: { message: string; data?: { fields: InvalidField[] } };
}

export interface ClientToServerEvents {
  "task:add": (arg: NewTask, ack: (answer: Task | Failure) => void) => void;
  "task:mark": (arg: Mark, ack: (answer: Task | Failure) => void) => void;
  "task:remove": (arg: number, ack: (answer: number | Failure) => void) => void;
}

export interface ServerToClientEvents {
  board: (arg: Task[] | null) => void;
  people: (arg: string[] | null) => void;
  "task:removed": (arg: number) => void;
  "task:saved": (arg: Task) => void;
}
