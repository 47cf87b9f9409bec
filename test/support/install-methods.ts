import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, projectRoot, type SecretBox } from '#platform';
import { TemplateRenderer } from '#templates';

/** What the install methods of a controller stand on, that nobody fetches anything from. */
export function methodHost(box: SecretBox) {
  const renderer = new TemplateRenderer(join(projectRoot, 'templates'));
  return { renderer, box, config: loadConfig({ DODAI_DATA_DIR: tmpdir() }) };
}
