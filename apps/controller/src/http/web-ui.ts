import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { DomainError } from '#core';
import { projectRoot } from '#platform';

/** What `npm run build` made of apps/ui. */
const folder = join(projectRoot, 'dist', 'ui');

/** Only what comes from here; the pictures in the stylesheet are `data:`. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Serves the web UI below /ui, and leads there from /. Files in /ui/assets have the digest of their content in their
 * name and never change; every other path below /ui is a page, which the UI tells apart itself.
 */
export function serveWebUi(app: NestExpressApplication): void {
  app.use('/ui', protect);
  app.useStaticAssets(join(folder, 'assets'), {
    prefix: '/ui/assets',
    immutable: true,
    maxAge: '1y',
    index: false,
    redirect: false,
  });
  app.use('/ui', sendPage);
  app.use(leadToPage);
}

function protect(_request: Request, response: Response, next: NextFunction): void {
  response.set({ 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer' });
  next();
}

const isRead = ({ method }: Request) => method === 'GET' || method === 'HEAD';

function sendPage(request: Request, response: Response, next: NextFunction): void {
  if (!isRead(request) || request.path.startsWith('/assets/')) return next();
  response.set('Cache-Control', 'no-cache');
  response.sendFile('index.html', { root: folder, cacheControl: false }, (error?: NodeJS.ErrnoException) => {
    if (!error || response.headersSent) return;
    next(error.code === 'ENOENT' ? notBuilt(error) : error);
  });
}

const notBuilt = (cause: Error) =>
  new DomainError('not-found', 'The web UI is not built.', {
    cause,
    remedy: 'Run npm run build where the controller is.',
  });

function leadToPage(request: Request, response: Response, next: NextFunction): void {
  if (isRead(request) && request.path === '/') response.redirect('/ui/');
  else next();
}
