import { useState } from 'preact/hooks';
import { imageList } from '#contract';
import { Api } from '../api/api.js';
import { type Said, saidOf } from '../api/said.js';
import { ProblemNote } from '../parts/problem-note.js';

interface TokenPageProps {
  /** Why the token before was refused. */
  refusal: Said | undefined;
  onToken: (token: string) => void;
}

/** Asks for the API token, and takes only one that the controller knows. */
export function TokenPage({ refusal, onToken }: TokenPageProps) {
  const [said, setSaid] = useState(refusal);
  const [isBusy, setBusy] = useState(false);
  const [token, setToken] = useState('');
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await new Api(token).read(imageList, '/v1/images?limit=1');
      onToken(token);
    } catch (error) {
      setSaid(saidOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="container">
      <h1>dodai</h1>
      {said && <ProblemNote said={said} />}
      <form onSubmit={(event) => void submit(event)}>
        <label>
          API token
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            required
            pattern="[!-~]+"
            title="Printable characters without spaces"
            aria-invalid={said ? true : undefined}
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
          />
          <small>
            The first one is in the file <code>api-token</code> of the controller's data directory. It is kept
            until this tab is closed.
          </small>
        </label>
        <button type="submit" aria-busy={isBusy} disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}
