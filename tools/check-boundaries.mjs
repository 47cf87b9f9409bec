/**
 * Holds the boundaries of .dependency-cruiser.cjs. A check that cannot fail is no check: the same rules are first
 * run on a small tree that breaks each of them, and the run on the product must have read modules at all.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const config = resolve('.dependency-cruiser.cjs');
const program = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** One line for each rule: rule, the file that breaks it, what that file imports. */
const violations = [
  ['core-imports-nothing', 'libs/core/src/index.ts', 'node:fs'],
  ['platform-layer', 'libs/platform/src/index.ts', '../../store/src/index.js'],
  ['contract-layer', 'libs/contract/src/index.ts', '../../store/src/index.js'],
  ['power-layer', 'libs/power/src/index.ts', '../../netboot/src/index.js'],
  ['netboot-layer', 'libs/netboot/src/index.ts', '../../images/src/index.js'],
  ['templates-layer', 'libs/templates/src/index.ts', '../../netboot/src/index.js'],
  ['images-layer', 'libs/images/src/index.ts', '../../store/src/index.js'],
  ['store-layer', 'libs/store/src/index.ts', '../../provisioning/src/index.js'],
  ['metadata-layer', 'libs/metadata/src/index.ts', '../../power/src/index.js'],
  ['provisioning-layer', 'libs/provisioning/src/index.ts', '../../../apps/cli/src/index.js'],
  ['contract-for-applications-only', 'libs/provisioning/src/wire.ts', '../../contract/src/index.js'],
  ['library-through-its-index', 'apps/cli/src/deep.ts', '../../../libs/power/src/driver.js'],
  ['no-application-into-another', 'apps/cli/src/index.ts', '../../controller/src/index.js'],
  ['ui-knows-the-contract-only', 'apps/ui/src/page.tsx', '../../../libs/power/src/index.js'],
  ['ui-knows-the-contract-only', 'apps/ui/src/files.ts', 'node:fs'],
  ['lab-is-no-product', 'apps/controller/src/index.ts', '../../lab/src/index.js'],
  ['fakes-in-tests-only', 'apps/controller/src/fakes.ts', '../../../libs/testing/src/index.js'],
  ['prisma-in-store-only', 'apps/controller/src/rows.ts', '../../../libs/store/src/generated/client.js'],
  ['effects-in-platform-only', 'libs/power/src/driver.ts', 'execa'],
  ['effects-in-platform-only', 'libs/images/src/convert.ts', 'node:child_process'],
  ['no-http-in-libraries', 'libs/templates/src/module.ts', '@nestjs/common'],
  ['no-circles', 'libs/images/src/circle-back.ts', './circle.js'],
  ['resolvable', 'apps/controller/src/lost.ts', './nowhere.js'],
];
/** What the files above import. */
const bystanders = [
  ['apps/lab/src/index.ts'],
  ['libs/testing/src/index.ts'],
  ['libs/store/src/generated/client.ts'],
  ['libs/images/src/circle.ts', './circle-back.js'],
];

async function cruise(cwd, folders) {
  const args = [program, '--config', config, '--output-type', 'json', ...folders];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, maxBuffer: 2 ** 28 });
  return JSON.parse(stdout).summary;
}

async function writeOffendingTree(root) {
  for (const [file, imported] of [...bystanders, ...violations.map(([, ...pair]) => pair)]) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await writeFile(join(root, file), imported ? `import '${imported}';\n` : 'export {};\n');
  }
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
  await writeFile(join(root, 'tsconfig.json'), '{ "compilerOptions": { "module": "NodeNext" } }');
  await symlink(resolve('node_modules'), join(root, 'node_modules'));
}

/** The violations of the offending tree that the rules let pass. */
async function overlooked() {
  const root = await mkdtemp(join(tmpdir(), 'dodai-boundaries-'));
  try {
    await writeOffendingTree(root);
    const { violations: found } = await cruise(root, ['apps', 'libs']);
    return violations.filter(
      ([rule, file]) => !found.some((seen) => seen.rule.name === rule && seen.from === file),
    );
  } finally {
    await rm(root, { recursive: true });
  }
}

function unprovenRules(ruleSet) {
  const proven = new Set(violations.map(([rule]) => rule));
  return ruleSet.forbidden.map(({ name }) => name).filter((name) => !proven.has(name));
}

const faults = [];
for (const [rule, file, imported] of await overlooked()) {
  faults.push(`the rule ${rule} does not notice that ${file} imports ${imported}`);
}
const product = await cruise('.', ['apps', 'libs', 'test']);
if (product.totalCruised === 0) faults.push('no module was read');
for (const rule of unprovenRules(product.ruleSetUsed)) {
  faults.push(`the rule ${rule} has no example that breaks it in tools/check-boundaries.mjs`);
}
for (const { rule, from, to } of product.violations) faults.push(`${rule.name}: ${from} → ${to}`);

for (const fault of faults) console.error(fault);
console.log(`${product.totalCruised} modules, ${product.totalDependenciesCruised ?? 0} dependencies`);
process.exit(faults.length === 0 ? 0 : 1);
