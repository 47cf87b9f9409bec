import { type Instance, methodFacts } from '#core';
import type { Config, SecretBox } from '#platform';
import type { TemplateRenderer } from '#templates';
import { instanceToken } from '../instance-tokens.js';

/** What settles an OS that nobody has installed: it runs in memory, and begins anew at every start. */
export class Settling {
  constructor(
    private readonly renderer: TemplateRenderer,
    private readonly config: Pick<Config, 'publicUrl'>,
    private readonly box: SecretBox,
  ) {}

  /** null: its installer has written it to the disk. */
  async script({ id, installMethod, configuration }: Instance): Promise<string | null> {
    if (installMethod === null || methodFacts[installMethod].ownsDisk) return null;
    return await this.renderer.render('live/vendor-data.sh', {
      instanceId: id,
      controllerUrl: this.config.publicUrl,
      token: instanceToken(this.box, id),
      files: configuration.files,
    });
  }
}
