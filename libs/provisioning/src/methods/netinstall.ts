import { type AnswerFile, type AnswerFormat, DomainError, type ImageInstall, methodFacts } from '#core';
import type { NetworkBoot } from '#netboot';
import type { Config, SecretBox } from '#platform';
import type { TemplateRenderer } from '#templates';
import { ownerContext } from '../configuring/owner-context.js';
import { instanceToken } from '../instance-tokens.js';
import type { AnswerFiles } from '../netinstall/answer-files.js';
import {
  answerFileNames,
  answerValues,
  type AnswerValues,
  diskDevice,
  hintForShell,
  instanceUrl,
  sampleAnswerValues,
} from '../netinstall/answer-values.js';
import {
  type FittingImage,
  type FittingType,
  type Imagined,
  type Installation,
  InstallMethod,
  type ServedText,
  unsuitable,
} from './install-method.js';
import { fitting } from './command-line.js';
import { checkKernelArguments, treeBoot, type TreeHost } from './tree-boot.js';
import { imageTypeOf } from './writing.js';

export interface NetinstallHost extends TreeHost {
  renderer: TemplateRenderer;
  answers: AnswerFiles;
  config: Pick<Config, 'publicUrl' | 'metadata'>;
  box: SecretBox;
}

type NetinstallImage = Extract<ImageInstall, { method: 'netinstall' }>;

/** Less holds none of these systems. */
const smallestGb = 4;

/** What each installer has to be told before it can ask for its answers. */
const bootWords: Record<AnswerFormat, (values: AnswerValues, answerFileUrl: string) => string[]> = {
  preseed: ({ hostName }, url) => {
    const [host = '', ...domain] = hostName.split('.');
    // A network without a way out, or without names, is as good as any: what the machine needs may be on it.
    const network = [
      `hostname=${host}`,
      `domain=${domain.join('.')}`,
      'netcfg/no_default_route=true',
      'netcfg/get_nameservers=',
    ];
    return ['auto=true', 'priority=critical', `url=${url}`, ...network, 'DEBIAN_FRONTEND=text'];
  },
  autoinstall: (_, url) => ['autoinstall', `ds=nocloud-net;s=${url.replace(/[^/]*$/, '')}`, 'ip=dhcp'],
  kickstart: ({ treeUrl }, url) => [`inst.ks=${url}`, `inst.repo=${treeUrl}`, 'inst.text', 'ip=dhcp'],
  autoyast: ({ treeUrl }, url) => [`autoyast=${url}`, `install=${treeUrl}`, 'netsetup=dhcp', 'textmode=1'],
};

/** The distribution's own installer, with an answer file of ours or of the owner's. */
export class Netinstall extends InstallMethod {
  readonly name = 'netinstall';
  override readonly installer = "the distribution's installer";
  override readonly files = {
    'preseed.cfg': this.booting((of) => this.answers(of, 'preseed')),
    'user-data': this.booting((of) => this.answers(of, 'autoinstall')),
    'kickstart.cfg': this.booting((of) => this.answers(of, 'kickstart')),
    'autoyast.xml': this.booting((of) => this.answers(of, 'autoyast')),
    // What cloud-init looks for besides.
    'meta-data': this.booting((of) => forUbuntu(of, `instance-id: ${of.instance.id}\n`)),
    'vendor-data': this.booting((of) => forUbuntu(of, '')),
    'installer.sh': this.booting((of) => this.installerScript(of)),
    'finish.sh': this.booting((of) => this.finishScript(of)),
  };

  constructor(private readonly host: NetinstallHost) {
    super();
  }

  override check(image: FittingImage, type: FittingType): void {
    super.check(image, type);
    if (type.localGb >= smallestGb) return;
    throw unsuitable(
      `The image ${image.name} is installed by its own installer, which needs a disk of ${smallestGb} GB.`,
      'Choose an instance type with a larger disk.',
    );
  }

  override neededGb(): number {
    return smallestGb;
  }

  /** But for what is at a URL, which may be another text each time. */
  override async checkSaid(install: ImageInstall): Promise<void> {
    if (install.method !== 'netinstall') return;
    const { answerFile, kernelArguments } = install;
    checkKernelArguments(kernelArguments, ['answerFileUrl']);
    if ('text' in answerFile)
      await this.host.answers.render(answerFile, sampleAnswerValues(answerFile.format, this.host.config));
  }

  /** That a text finds in this very instance all that it names. What programs have to look at, `prepare` shows to them. */
  override checkConfigured(imagined: Imagined): void {
    super.checkConfigured(imagined);
    const { answerFile } = netinstallOf(imagined);
    this.boot(imagined);
    if ('text' in answerFile)
      this.host.answers.fill(answerFile, answerValues(answerFile.format, imagined, this.host.config));
  }

  override async preview(imagined: Imagined): Promise<{ name: string; text: string }[]> {
    const { answerFile } = netinstallOf(imagined);
    const values = answerValues(answerFile.format, imagined, this.host.config);
    const text = await this.host.answers.render(answerFile, values);
    return [{ name: answerFileNames[answerFile.format], text }];
  }

  override async prepare(installation: Installation): Promise<void> {
    if (asksForDrive(installation)) throw noDrive();
    this.boot(installation);
    await this.answers(installation, netinstallOf(installation).answerFile.format);
    this.host.unpackAhead?.(installation.image);
  }

  override async installerBoot(installation: Installation): Promise<NetworkBoot> {
    return this.boot(installation);
  }

  private boot(imagined: Imagined): NetworkBoot {
    const { kernel, initrd, kernelArguments, answerFile } = netinstallOf(imagined);
    const { machine, instance } = imagined;
    const { config } = this.host;
    const { format } = answerFile;
    const answerFileUrl = `${instanceUrl(instance.id, config.publicUrl)}/${answerFileNames[format]}`;
    const tree = { what: this.installer, kernel, initrd, kernelArguments };
    const boot = treeBoot(tree, imagined, config, { answerFileUrl });
    const needed = bootWords[format](answerValues(format, imagined, config), answerFileUrl);
    // The installer takes the card that the machine has booted from.
    const card = `BOOTIF=01-${machine.pxeMac.replaceAll(':', '-')}`;
    return fitting({ ...boot, arguments: [...needed, card, ...boot.arguments] }, imagined, config);
  }

  private answers(installation: Installation, format: AnswerFormat): Promise<string> {
    const answerFile = answerFileOf(installation, format);
    return this.host.answers.render(answerFile, answerValues(format, installation, this.host.config));
  }

  private installerScript(installation: Installation): Promise<string> {
    const { machine, instance } = installation;
    return this.host.renderer.render('netinstall/installer.sh', {
      ...this.speaker(installation),
      finishUrl: `${instanceUrl(instance.id, this.host.config.publicUrl)}/finish.sh`,
      device: diskDevice,
      hint: hintForShell(machine.rootDeviceHint),
      neededBytes: smallestGb * 1_000_000_000,
    });
  }

  private finishScript(installation: Installation): Promise<string> {
    const { machine, instance, image } = installation;
    const { network, ...owner } = ownerContext(instance, machine, this.host.config);
    const { pxeMac, pxeIp, storageMac, storageIp, serviceMac1, serviceMac2 } = machine;
    return this.host.renderer.render('netinstall/finish.sh', {
      ...this.speaker(installation),
      ...owner,
      configDriveUrl: null,
      ...{ pxeMac, pxeIp, storageMac, storageIp, serviceMac1, serviceMac2 },
      imageId: image.id,
      imageType: imageTypeOf(image),
      // Else it stays as the installer has set it up.
      network: instance.configuration.network && network,
    });
  }

  private speaker({ instance }: Installation) {
    const { config, box } = this.host;
    return {
      instanceId: instance.id,
      controllerUrl: config.publicUrl,
      token: instanceToken(box, instance.id),
    };
  }

  private booting(render: ServedText['render']): ServedText {
    return { during: ['booting'], render };
  }
}

function netinstallOf({ image }: Pick<Installation, 'image'>): NetinstallImage {
  if (image.install?.method === 'netinstall') return image.install;
  throw unsuitable(
    `The image ${image.name} does not say any more how its installer is started.`,
    `Say it again: PATCH /v1/images/${image.name} {install}. Methods: ${Object.keys(methodFacts).join(', ')}.`,
  );
}

/** Throws DomainError `not-found` when the installer is of another distribution. */
function answerFileOf(installation: Installation, format: AnswerFormat): AnswerFile {
  const { answerFile } = netinstallOf(installation);
  if (answerFile.format === format) return answerFile;
  throw new DomainError(
    'not-found',
    `The image has no answer file of this kind, but of ${answerFile.format}.`,
  );
}

async function forUbuntu(installation: Installation, text: string): Promise<string> {
  answerFileOf(installation, 'autoinstall');
  return text;
}

/** Unlike a site that has them wherever they can be had. */
function asksForDrive({ instance }: Installation): boolean {
  const { configuration, configurationSources } = instance;
  return configuration.configDrive && configurationSources.configDrive !== undefined;
}

/** What an installer has divided has no place for one. */
function noDrive(): DomainError {
  return new DomainError(
    'image-unsuitable',
    'A config drive cannot be had with netinstall: the installer divides the disk.',
    {
      remedy:
        'Spawn with configDrive false; the metadata service tells the same, and keys, files and scripts need neither.',
      context: { field: 'configDrive' },
    },
  );
}
