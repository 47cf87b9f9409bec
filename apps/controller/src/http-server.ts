import type { Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { DomainError } from '#core';
import { type ClockTimer, projectRoot } from '#platform';
import { AppModule } from './app.module.js';
import { serveOpenApi } from './http/openapi.js';
import { serveWebUi } from './http/web-ui.js';
import { nestLog } from './nest-log.js';
import { Metrics } from './observe/metrics.js';
import type { Parts } from './parts.js';

/** How long answers that are under way may take when the controller stops. */
const drainMs = 10_000;

/** The one HTTP listener, for the roles that this process plays. */
export class HttpServer {
  private constructor(
    readonly app: NestExpressApplication,
    private readonly parts: Parts,
  ) {}

  static async create(parts: Parts): Promise<HttpServer> {
    const app = await NestFactory.create<NestExpressApplication>(AppModule.of(parts), {
      bodyParser: false, // bodies are read after the guards, see BodyInterceptor
      logger: nestLog(parts.log),
      abortOnError: false,
    });
    app.disable('x-powered-by');
    app.disable('etag');
    app.use(app.get(Metrics).middleware);
    app.use(noSniff);
    if (parts.config.roles.has('api')) {
      serveOpenApi(app, await ownVersion());
      serveWebUi(app);
    }
    return new HttpServer(app, parts);
  }

  /** Answers the port. Throws DomainError `port-not-bound`. */
  async listen(): Promise<number> {
    const { host, port } = this.parts.config.http;
    const server = this.app.getHttpServer() as Server;
    server.requestTimeout = 0; // an image may take hours; a sender that falls silent is cut off by its socket's timeout
    try {
      await this.app.listen(port, host);
    } catch (cause) {
      throw new DomainError(
        'port-not-bound',
        `HTTP was to listen on ${host} port ${port}: ${(cause as Error).message}`,
        {
          cause,
          remedy: 'Choose another DODAI_HTTP_HOST or DODAI_HTTP_PORT, or stop what uses it.',
        },
      );
    }
    const address = server.address();
    return typeof address === 'object' && address ? address.port : port;
  }

  /** Takes no more requests, ends those that are held open, and gives the others a while. */
  async stop(): Promise<void> {
    this.parts.shutdown.begin();
    const server = this.app.getHttpServer() as Server;
    const timer: ClockTimer = this.parts.clock.setTimeout(() => server.closeAllConnections(), drainMs);
    await this.app.close();
    timer.cancel();
  }
}

function noSniff(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  next();
}

async function ownVersion(): Promise<string> {
  const text = await readFile(join(projectRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
