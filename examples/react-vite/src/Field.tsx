import { useId, type ReactNode } from "react";

interface InputProps {
  id: string;
  name: string;
  "aria-invalid": boolean;
  "aria-describedby": string;
}

/** A Field is an input of a form whose values are sent as a Type, with what the server says is wrong with it. */
export function Field<Type>({ name, label, problem, children }: {
  name: keyof Type & string;
  label: string;
  problem: string | undefined;
  children: (props: InputProps) => ReactNode;
}) {
  const id = useId();
  return (
    <div className={`field field-${name}`}>
      <label htmlFor={id}>{label}</label>
      {children({ id, name, "aria-invalid": !!problem, "aria-describedby": `${id}-problem` })}
      <p className="problem" id={`${id}-problem`} role="alert">{problem && `${label} ${problem}`}</p>
    </div>
  );
}
