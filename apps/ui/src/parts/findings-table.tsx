import type { ImageView } from '#contract';
import { Table } from './table.js';

type Result = ImageView['findings'][number]['result'];

/** A sign and a word, for who does not see colours. */
const signs: Record<Result, string> = { ok: '✓', warning: '!', fault: '✗' };

/** Every requirement with what was found, and what to do. */
export function FindingsTable({ image: { name, findings } }: { image: ImageView }) {
  if (findings.length === 0) return <p>Nothing is known of what is in the image {name}.</p>;
  return (
    <Table name="Requirements" headings={['Result', 'Requirement', 'Found']}>
      {findings.map(({ check, result, message, remedy }) => (
        <tr key={check}>
          <td>
            <span aria-hidden="true">{signs[result]} </span>
            {result === 'ok' ? result : <mark>{result}</mark>}
          </td>
          <th scope="row">{check}</th>
          <td>
            {message}
            {remedy !== undefined && (
              <>
                <br />
                <small>{remedy}</small>
              </>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
