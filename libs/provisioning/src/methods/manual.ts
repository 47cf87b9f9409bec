import type { Completion, Image, ImageInstall, ManualInstallation } from '#core';
import type { NetworkBoot } from '#netboot';
import { instanceToken } from '../instance-tokens.js';
import { type Installation, InstallMethod, type OperatorCall, unsuitable } from './install-method.js';
import { liveImageShell } from './live-image.js';
import { checkInstructions, filledInstructions, instructionValues } from './manual-instructions.js';
import type { WritingHost } from './writing.js';

/** `manual`: a person is called, who installs the machine however they like and says when it is done. */
export class Manual extends InstallMethod {
  readonly name = 'manual';
  override readonly begins = 'operator_called';
  override readonly files = {
    'notify.sh': {
      during: ['operator', 'install', 'install_reboot', 'booting_disk'],
      render: (of: Installation) => this.notifyScript(of),
    },
  } as const;

  constructor(private readonly host: WritingHost) {
    super();
  }

  override async checkSaid(install: ImageInstall): Promise<void> {
    if (install.method === this.name) checkInstructions(install.instructions);
  }

  override completion(image: Pick<Image, 'install'>): Completion {
    return said(image)?.completion ?? 'notify';
  }

  override async installerBoot({ machine, instance, type, image }: Installation): Promise<NetworkBoot> {
    if (said(image)?.netboot === 'live_image') return liveImageShell(machine, type, this.host.config);
    return { kind: 'local', reason: `${machine.name} is installed by a person (${instance.hostName})` };
  }

  override call(installation: Installation): OperatorCall {
    const { image } = installation;
    const manual = said(image) ?? notSaid(image);
    const values = instructionValues(installation, this.host.config);
    return { power: manual.power, instructions: filledInstructions(manual.instructions, values) };
  }

  private notifyScript({ instance }: Installation): Promise<string> {
    const { renderer, config, box } = this.host;
    const token = instanceToken(box, instance.id);
    return renderer.render('notify.sh', { instanceId: instance.id, controllerUrl: config.publicUrl, token });
  }
}

/** undefined: the image was changed since, and says something else. */
function said({ install }: Pick<Image, 'install'>): ManualInstallation | undefined {
  return install?.method === 'manual' ? install : undefined;
}

function notSaid({ name }: Image): never {
  throw unsuitable(
    `The image ${name} does not say any more what a person is to do.`,
    `Set it again: dodai images set ${name} --install-method manual …, then retry.`,
  );
}
