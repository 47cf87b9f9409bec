import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { ApiTokenGuard } from './api/api-token.guard.js';
import { ApiModule } from './api/api.module.js';
import { BootModule } from './boot/boot.module.js';
import { BodyInterceptor } from './http/body.interceptor.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ValidationPipe } from './http/validation.js';
import { HealthController } from './observe/health.controller.js';
import { MetricsController } from './observe/metrics.controller.js';
import { Metrics } from './observe/metrics.js';
import type { Parts } from './parts.js';
import { PartsModule } from './parts.module.js';

/** The HTTP side of the roles that this process plays. The conductor has none. */
@Module({})
export class AppModule {
  static of(parts: Parts): DynamicModule {
    const { roles } = parts.config;
    return {
      module: AppModule,
      imports: [
        PartsModule.of(parts),
        ...(roles.has('api') ? [ApiModule] : []),
        ...(roles.has('boot') ? [BootModule] : []),
      ],
      controllers: [HealthController, MetricsController],
      providers: [
        Metrics,
        { provide: APP_GUARD, useClass: ApiTokenGuard },
        { provide: APP_INTERCEPTOR, useClass: BodyInterceptor },
        { provide: APP_PIPE, useClass: ValidationPipe },
        { provide: APP_FILTER, useValue: new ProblemFilter(parts.log) },
      ],
    };
  }
}
