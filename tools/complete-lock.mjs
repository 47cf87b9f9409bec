// `npm run lock:complete`, after a change of dependencies: adds to package-lock.json the optional packages of other
// platforms that the registry at hand does not offer. npm leaves those out, and `npm ci` then refuses the lock file.
// Only packages whose version is pinned exactly by their parent, and whose name tells their platform, can be added.
import { readFileSync, writeFileSync } from 'node:fs';

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { '': root, ...packages } = lock.packages;

function isThere(name, from) {
  for (let folder = from; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    if (packages[`${folder}/node_modules/${name}`]) return true;
    if (!folder.includes('/node_modules/')) return packages[`node_modules/${name}`] !== undefined;
  }
}

function entryOf(name, version, parent) {
  const words = name.split('/').at(-1).split('-');
  const [os, cpu] = [systems, processors].map((known) => known.filter((word) => words.includes(word)));
  if (os.length !== 1 || cpu.length !== 1 || !/^\d+\.\d+\.\d+$/.test(version))
    throw new Error(`${name} ${version}: neither its platform nor its version can be told; add it by hand`);
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : ['glibc'];
  return {
    version,
    cpu,
    ...(parent.dev && { dev: true }),
    ...(os[0] === 'linux' && words.some((word) => /^(gnu|musl)/.test(word)) && { libc }),
    license: parent.license,
    optional: true,
    os,
  };
}

const missing = Object.entries(packages).flatMap(([path, parent]) =>
  Object.entries(parent.optionalDependencies ?? {})
    .filter(([name]) => !isThere(name, path))
    .map(([name, version]) => [`node_modules/${name}`, entryOf(name, version, parent)]),
);
for (const [path, entry] of missing) packages[path] = entry;
const sorted = Object.keys(packages)
  .sort()
  .map((path) => [path, packages[path]]);
writeFileSync(
  'package-lock.json',
  `${JSON.stringify({ ...lock, packages: { '': root, ...Object.fromEntries(sorted) } }, null, 2)}\n`,
);
console.log(`${missing.length} packages of other platforms added.`);
