import { useId, type ReactNode } from "react";
import type { Broken } from "./sio";

interface InputProps {
  id: string;
  name: string;
  "aria-invalid": boolean;
  "aria-describedby": string;
}

/** A Field is an input of a form whose values are sent as a Type, with what the server says is wrong with it. */
export function Field<Type>({ name, label, unit = "characters", problem, children }: {
  name: keyof Type & string;
  label: string;
  unit?: string;   // of what has a minimum or maximum
  problem: Broken | undefined;
  children: (props: InputProps) => ReactNode;
}) {
  const id = useId();
  return (
    <div className={`field field-${name}`}>
      <label htmlFor={id}>{label}</label>
      {children({ id, name, "aria-invalid": !!problem, "aria-describedby": `${id}-problem` })}
      <p className="problem" id={`${id}-problem`} role="alert">{problem && say(problem, unit)}</p>
    </div>
  );
}

function say({ rule, param = "" }: Broken, unit: string): string {
  switch (rule) {
    case "required": return "must not be empty";
    case "min": return `must be at least ${param} ${unit}`;
    case "max": return `must be at most ${param} ${unit}`;
    case "oneof": return `must be one of ${param.replaceAll(" ", ", ")}`;
    default: return `is not valid (${[rule, param].filter(Boolean).join(" ")})`;
  }
}
