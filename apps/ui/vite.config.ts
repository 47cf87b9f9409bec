import { defineConfig } from 'vite';

/** The controller serves dist/ui below /ui (apps/controller/src/http/web-ui.ts). */
export default defineConfig({
  root: import.meta.dirname,
  base: '/ui/',
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    modulePreload: { polyfill: false }, // an inline script, which the policy of the page forbids
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:7071' } },
});
