import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, projectRoot, type SecretBox } from '#platform';
import { allMethods, type InstallMethods } from '#provisioning';
import { TemplateRenderer } from '#templates';

/** The install methods of a controller that nobody fetches anything from. */
export function methodsWith(box: SecretBox): InstallMethods {
  const renderer = new TemplateRenderer(join(projectRoot, 'templates'));
  const config = loadConfig({ DODAI_DATA_DIR: tmpdir() });
  return allMethods({ renderer, box, config });
}
