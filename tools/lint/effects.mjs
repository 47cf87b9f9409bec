/**
 * Lint rules of this project: time, randomness, the environment and processes reach code by injection; only
 * libs/platform touches them (.oxlintrc.json says where else: tools and tests).
 */
const clockFunctions = new Set(['setTimeout', 'setInterval', 'setImmediate']);
const bannedMembers = new Map([
  ['Date.now', 'ask the Clock'],
  ['performance.now', 'ask the Clock'],
  ['process.hrtime', 'ask the Clock'],
  ['Math.random', 'take randomness from node:crypto, by injection where a test needs to know it'],
  ['process.env', 'read the configuration in libs/platform and pass it on'],
]);

const memberName = ({ object, property, computed }) =>
  !computed && object.type === 'Identifier' ? `${object.name}.${property.name}` : undefined;

/** `import { setTimeout } from 'node:timers/promises'` and a local function of that name are caught by name too. */
const noAmbientEffects = {
  create: (context) => ({
    CallExpression(node) {
      const { callee } = node;
      if (callee.type === 'Identifier' && clockFunctions.has(callee.name)) {
        context.report({ node, message: `${callee.name} is the wall clock: wait on the Clock.` });
      }
    },
    NewExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) {
        context.report({ node, message: 'new Date() is the wall clock: ask the Clock.' });
      }
    },
    MemberExpression(node) {
      const remedy = bannedMembers.get(memberName(node));
      if (remedy) context.report({ node, message: `${memberName(node)} is an ambient effect: ${remedy}.` });
    },
    ImportDeclaration(node) {
      if (node.source.value === 'node:timers/promises' || node.source.value === 'node:timers') {
        context.report({ node, message: `${node.source.value} is the wall clock: wait on the Clock.` });
      }
    },
  }),
};

/** Errors are DomainErrors: a plain Error has no code that a program could match on, and no remedy. */
const onlyDomainErrors = {
  create: (context) => ({
    ThrowStatement({ argument }) {
      if (argument?.type === 'NewExpression' && argument.callee.name === 'Error') {
        context.report({ node: argument, message: 'Throw a DomainError: it has a code and a remedy.' });
      }
    },
  }),
};

export default {
  meta: { name: 'dodai' },
  rules: { 'no-ambient-effects': noAmbientEffects, 'only-domain-errors': onlyDomainErrors },
};
