import { DomainError, type ImageInstall, type InstallMethodName, methodFacts, methodOf } from '#core';
import { type FittingImage, type FittingType, type InstallMethod, unsuitable } from './install-method.js';

/** All install methods, and which of them an image is installed by. */
export class InstallMethods {
  private readonly byName: ReadonlyMap<InstallMethodName, InstallMethod>;

  constructor(methods: readonly InstallMethod[]) {
    this.byName = new Map(methods.map((method) => [method.name, method]));
  }

  /** Throws DomainError `image-unsuitable` for one that this controller does not have. */
  get(name: InstallMethodName): InstallMethod {
    const method = this.byName.get(name);
    if (method) return method;
    throw unsuitable(
      `This controller cannot install by ${name}.`,
      `It can by: ${[...this.byName.keys()].join(', ')}.`,
    );
  }

  /**
   * By what the spawn wants, else by what the image says, else by its kind. Throws DomainError `image-unsuitable`,
   * `image-too-large` or `install-method-forbidden`.
   */
  choose(image: FittingImage, type: FittingType, wanted?: InstallMethodName): InstallMethod {
    const name = wanted ?? methodOf(image) ?? notSaid(image);
    checkKind(image, name);
    if (type.forbiddenMethods.includes(name)) throw forbidden(image, type, name);
    const method = this.get(name);
    method.check(image, type);
    return method;
  }

  /**
   * What an image says of how it is installed has to be possible with what is in it, and its templates can be filled in. Throws
   * DomainError `image-unsuitable`, or what the method finds.
   */
  async checkSaid(image: Pick<FittingImage, 'name' | 'kind'>, install: ImageInstall | null): Promise<void> {
    if (!install) return;
    checkKind({ ...image, install }, install.method);
    await this.get(install.method).checkSaid(install);
  }
}

function checkKind(
  { name, kind, install }: Pick<FittingImage, 'name' | 'kind' | 'install'>,
  method: InstallMethodName,
): void {
  const { kinds, needsMore } = methodFacts[method];
  if (!kinds.includes(kind))
    throw unsuitable(
      `The image ${name} holds a ${kind.replace('_', ' ')}, which cannot be installed by ${method}.`,
      `${method} takes: ${kinds.map((each) => each.replace('_', ' ')).join(', ')}.`,
    );
  if (needsMore && install?.method !== method)
    throw unsuitable(
      `The image ${name} does not say how it is installed by ${method}.`,
      `Set it first: dodai images set ${name} --install-method ${method} …`,
    );
}

function notSaid({ name, kind }: FittingImage): never {
  throw unsuitable(
    `The image ${name} is an ${kind.toUpperCase()} and does not say how it is installed: it is started, and not written to a disk.`,
    `Set it first: dodai images set ${name} --install-method live (in memory), netinstall or manual.`,
  );
}

function forbidden({ name }: FittingImage, type: FittingType, method: InstallMethodName): DomainError {
  return new DomainError(
    'install-method-forbidden',
    `The image ${name} would be installed by ${method}, which the instance type ${type.name} forbids.`,
    {
      remedy: 'Choose another installMethod, another image, or an instance type that allows it.',
      context: { field: 'installMethod' },
    },
  );
}
