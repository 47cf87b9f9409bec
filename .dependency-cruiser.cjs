/**
 * The boundaries between the parts (docs/design/decisions.md): dependencies point down only.
 * `tools/check-boundaries.mjs` runs these rules on the product and on a fixture that breaks every one of them.
 */
const capabilities = ['power', 'netboot', 'templates', 'images', 'store', 'metadata'];
const product = '^(libs|apps/(?!lab/|quickstart/))';
const tests = '\\.(spec|test)\\.ts$';

/** Everything but the library itself and the named ones. */
const librariesOtherThan = (...names) => `^libs/(?!(${names.join('|')})/)`;

const layer = (name, allowed, comment) => ({
  name: `${name}-layer`,
  comment,
  severity: 'error',
  from: { path: `^libs/${name}/`, pathNot: tests },
  to: { path: [librariesOtherThan(name, ...allowed), '^apps/'] },
});

module.exports = {
  forbidden: [
    {
      name: 'core-imports-nothing',
      comment: 'The life cycle and the domain types are pure TypeScript.',
      severity: 'error',
      from: { path: '^libs/core/', pathNot: tests },
      to: { pathNot: '^libs/core/' },
    },
    layer('platform', ['core'], 'Effects know the domain types and error codes, nothing else.'),
    layer('contract', ['core'], 'The wire schemas know the domain, nothing else.'),
    ...capabilities.map((name) =>
      layer(
        name,
        name === 'netboot' || name === 'metadata' ? ['core', 'platform', 'templates'] : ['core', 'platform'],
        'Capabilities do not know one another; netboot and metadata render templates.',
      ),
    ),
    layer(
      'provisioning',
      ['core', 'platform', ...capabilities],
      'The engine knows the capabilities, and no wire schema and no application.',
    ),
    {
      name: 'contract-for-applications-only',
      comment: 'What goes over the wire is decided at the edge.',
      severity: 'error',
      from: { path: '^libs/(?!contract/)', pathNot: tests },
      to: { path: '^libs/contract/' },
    },
    {
      name: 'library-through-its-index',
      comment: 'Each library has one public entry: import it as #name.',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/[^/]+/src/', pathNot: ['^libs/$2/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'no-application-into-another',
      comment:
        'Applications talk over the network; quickstart raises a rack of the lab and uses the client of the CLI.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: ['^apps/$1/', '^apps/lab/', '^apps/cli/src/client\\.ts$'] },
    },
    {
      name: 'ui-knows-the-contract-only',
      comment: 'It runs in a browser and talks REST: what it knows of dodai is what goes over the wire.',
      severity: 'error',
      from: { path: '^apps/ui/src/', pathNot: tests },
      to: { pathNot: ['^apps/ui/', '^libs/contract/', 'node_modules/'] },
    },
    {
      name: 'lab-is-no-product',
      comment: 'Nothing that is shipped may know that virtual machines exist.',
      severity: 'error',
      from: { path: product, pathNot: tests },
      to: { path: '^apps/(lab|quickstart)/' },
    },
    {
      name: 'fakes-in-tests-only',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: [tests, '^libs/testing/'] },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'prisma-in-store-only',
      comment: 'One library turns rows into domain types.',
      severity: 'error',
      from: { path: '^(apps|libs|test)/', pathNot: '^libs/store/' },
      to: { path: ['^libs/store/src/generated/', 'node_modules/@prisma/', '^@prisma/'] },
    },
    {
      name: 'effects-in-platform-only',
      comment: 'Processes and logging come by injection.',
      severity: 'error',
      from: { path: product, pathNot: [tests, '^libs/platform/', '^libs/testing/'] },
      to: {
        path: [
          '^(node:)?child_process$',
          'node_modules/(execa|pino|pino-pretty)/',
          '^(execa|pino|pino-pretty)$',
        ],
      },
    },
    {
      name: 'no-http-in-libraries',
      comment: 'Libraries are usable without the service around them.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: ['node_modules/@nestjs/', '^@nestjs/'] },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^(apps|libs|test)/', pathNot: '^libs/store/src/generated/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere hides a boundary that is crossed.',
      severity: 'error',
      from: { pathNot: '^libs/store/src/generated/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    moduleSystems: ['es6', 'tsd'],
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^libs/store/src/generated/'] },
    enhancedResolveOptions: {
      conditionNames: ['source', 'node', 'import', 'types', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
    },
  },
};
