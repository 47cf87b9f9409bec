import type { Said } from '../api/said.js';

/** An error as the API says it: what it is, what was found, and what to do. */
export function ProblemNote({ said: { title, detail, remedy, errors = [] } }: { said: Said }) {
  return (
    <div role="alert">
      <article>
        <header>
          <strong>{title}</strong>
        </header>
        <p>{detail}</p>
        {errors.length > 0 && (
          <ul>
            {errors.map(({ field, message }) => (
              <li key={field}>
                <code>{field}</code> {message}
              </li>
            ))}
          </ul>
        )}
        {remedy !== undefined && (
          <p>
            <strong>What to do:</strong> {remedy}
          </p>
        )}
      </article>
    </div>
  );
}
