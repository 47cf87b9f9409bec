import { describe, expect, it } from 'vitest';
import { AnyNamed, renderText } from './text-renderer.js';

const context = { hostName: 'web-1', metadata: { rack: 'r7' }, nics: [{ mac: '52:54:00:00:00:01' }] };

describe('a text that an owner wrote', () => {
  it('gets its values as they are, unquoted', () => {
    const text = "{{ hostName }} {{ metadata.rack }} {{ nics[0].mac }} '{{ hostName | upcase }}'";
    expect(renderText(text, context)).toBe("web-1 r7 52:54:00:00:00:01 'WEB-1'");
  });

  it.each<[string, string, string, number, number, string]>([
    ['an unknown name', 'a\n  {{ hostname }}', 'template-parameter', 2, 6, 'there is no value hostname; known are hostName, metadata, nics'],
    ['an unknown name in a map', '{{ metadata.row }}', 'template-parameter', 1, 4, 'there is no value metadata.row; '],
    ['an unknown filter', '{{ hostName | shout }}', 'template-invalid', 1, 1, 'undefined filter: shout'],
    ['braces that do not close', 'a\n{{ hostName', 'template-invalid', 2, 1, 'not closed'],
    ['a file', '{% include "/etc/passwd" %}', 'template-invalid', 1, 1, ''],
    ['a loop without end', '{% for i in (1..1000000000) %}x{% endfor %}', 'template-invalid', 1, 1, 'limit exceeded'],
  ])('is refused with %s, at its place', (_what, text, code, line, column, message) => {
    expect(() => renderText(text, context)).toThrow(
      expect.objectContaining({
        code,
        context: { line, column, message: expect.stringContaining(message) },
      }),
    );
  });

  it('keeps what is between raw and endraw', () => {
    expect(renderText('{% raw %}{{ ds.meta_data }}{% endraw %}', context)).toBe('{{ ds.meta_data }}');
  });

  it('may name anything where names are not known yet', () => {
    expect(renderText('{{ metadata.anything }}', { metadata: new AnyNamed() })).toBe('anything');
  });
});
