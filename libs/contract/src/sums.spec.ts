import { describe, expect, it } from 'vitest';
import { readSums } from './sums.js';

const a = 'a'.repeat(64);
const b = 'b'.repeat(64);
const long = 'c'.repeat(128);

describe('a list of digests', () => {
  it.each([
    ['of sha256sum', `${b}  other\n${a}  image.zst\n`],
    ['of sha256sum --binary', `${a} *image.zst\n`],
    ['of sha256sum --tag, and of the BSDs', `SHA256 (other) = ${b}\nSHA256 (image.zst) = ${a}\n`],
    ['with lines of Windows and a mark of the order of bytes', `\ufeff${a}  image.zst\r\n`],
    ['with remarks and empty lines', `# image.zst: 5 bytes\n\n${a}  image.zst`],
    ['made with find', `${a}  ./image.zst`],
    ['in capitals', `${a.toUpperCase()}  image.zst`],
    ['that says it twice', `${a}  image.zst\n${a} *image.zst\n`],
    ['that has weaker digests too', `MD5 (image.zst) = ${'1'.repeat(32)}\nSHA256 (image.zst) = ${a}\n`],
    ['that has others of the same length', `SHA3-256 (image.zst) = ${b}\nSHA256 (image.zst) = ${a}\n`],
  ])('%s is read', (_what, text) => {
    expect(readSums(text, 'image.zst')).toEqual({ digests: { sha256: a } });
  });

  it('may have SHA-512, or both', () => {
    expect(readSums(`${long}  image.zst`, 'image.zst')).toEqual({ digests: { sha512: long } });
    const both = `SHA512 (image.zst) = ${long}\nSHA256 (image.zst) = ${a}`;
    expect(readSums(both, 'image.zst')).toEqual({ digests: { sha256: a, sha512: long } });
  });

  it('may have names with spaces, stars and escapes', () => {
    expect(readSums(`${a}  my image`, 'my image')).toEqual({ digests: { sha256: a } });
    expect(readSums(`${a}  *image`, '*image')).toEqual({ digests: { sha256: a } });
    expect(readSums(`\\${a}  a\\\\b\\nc`, 'a\\b\nc')).toEqual({ digests: { sha256: a } });
    expect(readSums(`${a}  a\\\\b`, 'a\\\\b')).toEqual({ digests: { sha256: a } });
    expect(readSums(`SHA256 (a (1)) = ${a}`, 'a (1)')).toEqual({ digests: { sha256: a } });
  });

  it.each([
    ['nothing in it', '', 'no line with a digest'],
    ['the file missing', `${a}  other`, 'no line for image.zst, only for other'],
    ['many others', [1, 2, 3, 4, 5, 6, 7].map((n) => `${a}  f${n}`).join('\n'), 'f5 and 2 more'],
    ['the file in another folder', `${a}  old/image.zst`, 'only for old/image.zst'],
    ['two differing entries', `${a}  image.zst\n${b}  image.zst`, 'two different digests'],
    ['two differing entries in two manners', `${a}  image.zst\nSHA256 (image.zst) = ${b}`, 'two different'],
    ['only MD5', `${'1'.repeat(32)}  image.zst`, 'neither a SHA-256 nor a SHA-512'],
    ['only SHA3', `SHA3-256 (image.zst) = ${a}`, 'neither a SHA-256 nor a SHA-512'],
    ['a digest that was cut', `${a.slice(1)}  image.zst`, 'malformed in line 1'],
    [
      'a digest that was cut in the manner of BSD',
      `SHA256 (image.zst) = ${a.slice(1)}`,
      'malformed in line 1',
    ],
    ['a digest without a name', `\n${a}\n`, 'malformed in line 2'],
    ['one space', `${a} image.zst`, 'malformed in line 1'],
    ['a web page', '<html><title>404</title></html>', 'malformed in line 1, "<html>'],
    ['a bad line elsewhere', `${a}  image.zst\nhello`, 'malformed in line 2'],
    ['a signature around it', `-----BEGIN PGP SIGNED MESSAGE-----\n`, '--signed-by'],
  ])('with %s is refused', (_what, text, said) => {
    expect(readSums(text, 'image.zst')).toEqual({ fault: expect.stringContaining(said) });
  });
});
