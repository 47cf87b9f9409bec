import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { invalidRequest } from './validation.js';

/** A header, checked; undefined when the request has none. */
export const HeaderValue = createParamDecorator(
  (
    { name, schema }: { name: string; schema: z.ZodType<string> },
    context: ExecutionContext,
  ): string | undefined => {
    const text = context.switchToHttp().getRequest<Request>().get(name);
    if (text === undefined) return undefined;
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw invalidRequest(parsed.error.issues.map(({ message }) => ({ field: name, message })));
  },
);
