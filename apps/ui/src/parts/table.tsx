import type { ComponentChildren } from 'preact';

interface TableProps {
  name: string;
  headings: string[];
  children: ComponentChildren;
}

/** One that is wider than the screen is scrolled, by keyboard too. */
export function Table({ name, headings, children }: TableProps) {
  return (
    <Scrolled name={name}>
      <table class="striped" aria-label={name}>
        <thead>
          <tr>
            {headings.map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scrolled>
  );
}

interface FactsProps {
  name: string;
  facts: Record<string, ComponentChildren>;
}

/** What is known of one thing; what is not known is left out. */
export function Facts({ name, facts }: FactsProps) {
  const known = Object.entries(facts).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  return (
    <Scrolled name={name}>
      <table aria-label={name}>
        <tbody>
          {known.map(([fact, value]) => (
            <tr key={fact}>
              <th scope="row">{fact}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
}

function Scrolled({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard
    <section class="overflow-auto" aria-label={name} tabIndex={0}>
      {children}
    </section>
  );
}
