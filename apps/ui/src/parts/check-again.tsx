import { useEffect, useRef, useState } from 'preact/hooks';
import type { ImageView } from '#contract';
import { type ImageProgress, useApi } from '../api/api.js';
import { type Said, saidOf } from '../api/said.js';
import { ProblemNote } from './problem-note.js';
import { bytes } from './quantities.js';

const stageWords: Record<ImageProgress['stage'], string> = {
  fetch: 'It is fetched',
  convert: 'What is in it is read out',
  check: 'It is looked into',
  pack: 'It is stored',
  unpack: 'What is stored is read',
};

interface CheckAgainProps {
  id: string;
  onChecked: (image: ImageView) => void;
}

/** The button, how far it is, and what went wrong. */
export function CheckAgain({ id, onChecked }: CheckAgainProps) {
  const api = useApi();
  const abortRef = useRef<AbortController>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [progress, setProgress] = useState<ImageProgress>();
  const [said, setSaid] = useState<Said>();
  useEffect(() => () => abortRef.current?.abort(), []);
  const check = async () => {
    const { signal } = (abortRef.current = new AbortController());
    setBusy(true);
    setSaid(undefined);
    try {
      onChecked(await api.checkImage(id, setProgress, signal));
    } catch (error) {
      if (!signal.aborted) setSaid(saidOf(error));
    }
    setProgress(undefined);
    setBusy(false);
  };
  return (
    <>
      {said && <ProblemNote said={said} />}
      <p>
        <button type="button" aria-busy={isBusy} disabled={isBusy} onClick={() => void check()}>
          Check again
        </button>
      </p>
      {progress && <ProgressBar progress={progress} />}
    </>
  );
}

function ProgressBar({ progress: { stage, doneBytes, totalBytes } }: { progress: ImageProgress }) {
  if (totalBytes === null)
    return (
      <label key="unknown">
        {stageWords[stage]}
        <progress />
      </label>
    );
  return (
    <label key="known">
      {stageWords[stage]}: {bytes(doneBytes)} of {bytes(totalBytes)}
      <progress value={doneBytes} max={totalBytes} />
    </label>
  );
}
