import type { ImageDescription } from '#core';
import { shown } from '../../kinds/kind.js';
import type { ImageContents } from '../reading/image-contents.js';
import { shellSettings } from './shell-settings.js';

/** os-release(5). */
export async function osOf(contents: ImageContents): Promise<ImageDescription['os']> {
  const text = (await contents.text('/etc/os-release')) ?? (await contents.text('/usr/lib/os-release'));
  if (text === undefined) return null;
  const settings = shellSettings(text);
  const id = shown(settings.get('ID') ?? 'linux');
  const name = shown(settings.get('PRETTY_NAME') ?? settings.get('NAME') ?? id);
  return { id, name, version: shown(settings.get('VERSION_ID') ?? '') || null };
}
