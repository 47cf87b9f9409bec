import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Loaded } from '../api/use-loaded.js';
import { ProblemNote } from './problem-note.js';

interface PageProps<Value> {
  title: string;
  loaded: Loaded<Value>;
  children: (value: Value) => ComponentChildren;
}

/** A page about something that is read first: it, or why it cannot be read. */
export function Page<Value>({ title, loaded: { value, said }, children }: PageProps<Value>) {
  useEffect(() => {
    document.title = `${title} · dodai`;
  }, [title]);
  return (
    <>
      <h1>{title}</h1>
      {said && <ProblemNote said={said} />}
      {!said && value === undefined && <p aria-busy="true">Reading …</p>}
      {value !== undefined && children(value)}
    </>
  );
}
