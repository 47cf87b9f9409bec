import { useEffect, useState } from 'preact/hooks';
import { type Said, saidOf } from './said.js';

export interface Loaded<Value> {
  /** undefined: it is on its way, or was refused. */
  value: Value | undefined;
  said: Said | undefined;
  /** Puts something newer in its place. */
  replace: (value: Value) => void;
  reload: () => void;
}

interface State<Value> {
  key: string;
  value?: Value;
  said?: Said;
}

/** Reads something when a page is opened, and again when `key` is another; while the same is read again the old one stays. */
export function useLoaded<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>): Loaded<Value> {
  const [state, setState] = useState<State<Value>>({ key });
  const [count, setCount] = useState(0);
  const known = (of: State<Value>) => (of.key === key ? of : { key });
  useEffect(() => {
    const abort = new AbortController();
    const tell = (news: Omit<State<Value>, 'key'>) => {
      if (!abort.signal.aborted) setState((before) => ({ ...known(before), said: undefined, ...news }));
    };
    load(abort.signal).then(
      (value) => tell({ value }),
      (error: unknown) => tell({ said: saidOf(error) }),
    );
    return () => abort.abort();
  }, [key, count]);
  const { value, said }: State<Value> = known(state);
  return {
    value,
    said,
    replace: (newer) => setState({ key, value: newer }),
    reload: () => setCount((before) => before + 1),
  };
}
