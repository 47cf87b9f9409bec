import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AddressPolicy, ImageDownloads } from '#images';
import { UserDataChecks } from '#metadata';
import { ExecaProcessRunner, loadConfig, projectRoot, type SecretBox, SystemClock } from '#platform';
import { AnswerChecks, AnswerFiles } from '#provisioning';
import { TemplateRenderer } from '#templates';

const renderer = new TemplateRenderer(join(projectRoot, 'templates'));

/** What the install methods of a controller stand on, that nobody fetches anything from. */
export function methodHost(box: SecretBox) {
  return { renderer, box, config: loadConfig({ DODAI_DATA_DIR: tmpdir() }), answers: answersFrom([]) };
}

/** Answer files that are fetched from public servers, and from those that are allowed. */
export function answersFrom(allow: readonly string[]): AnswerFiles {
  const runner = new ExecaProcessRunner({ clock: new SystemClock() });
  const { cloudConfig } = loadConfig({ DODAI_DATA_DIR: tmpdir() });
  const downloads = new ImageDownloads(new AddressPolicy(allow));
  return new AnswerFiles({
    renderer,
    downloads,
    checks: new AnswerChecks(runner, new UserDataChecks(cloudConfig)),
  });
}
