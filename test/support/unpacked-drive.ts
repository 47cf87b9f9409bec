import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** The files of a config drive's image, as a guest sees them once it is mounted. */
export async function unpackDrive(image: Buffer, folder: string): Promise<string> {
  const [file, content] = [join(folder, 'drive.image'), join(folder, 'drive')];
  await writeFile(file, image);
  await mkdir(content);
  if (image.subarray(32_769, 32_774).toString() === 'CD001') {
    await execa('xorriso', ['-no_rc', '-osirrox', 'on', '-indev', `stdio:${file}`, '-extract', '/', content]);
  } else {
    await execa('mcopy', ['-s', '-i', file, '::/*', content], { env: { LC_ALL: 'C.UTF-8' } });
  }
  return content;
}
