import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';

/** Documents an answer with its schema. */
export const Answers = (status: number, description: string, schema?: z.ZodType) =>
  ApiResponse({ status, description, ...(schema ? { standardSchema: schema } : {}) });

const problemContent = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

/** Documents the problems of a route; 400 comes by itself. */
export const Problems = (...reasons: [status: number, description: string][]) =>
  applyDecorators(
    ...[[400, 'The request has faults; `errors` names each field'] as const, ...reasons].map(
      ([status, description]) => ApiResponse({ status, description, content: problemContent }),
    ),
  );
