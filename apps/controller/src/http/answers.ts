import { applyDecorators } from '@nestjs/common';
import { ApiQuery, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';

/** Documents an answer with its schema. */
export const Answers = (status: number, description: string, schema?: z.ZodType) =>
  ApiResponse({ status, description, ...(schema ? { standardSchema: schema } : {}) });

/** Documents the query of a route that takes one only with some of its bodies; nothing is required of the others. */
export const QueryOf = (schema: z.ZodType) => {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' });
  return applyDecorators(
    ...Object.entries(properties).map(([name, property]) => {
      const { description, ...rest } = Object(property) as Record<string, unknown>;
      // JSON Schema is what OpenAPI 3.1 has there, which the types of the library do not know.
      return ApiQuery({ name, required: false, description, schema: rest } as Parameters<typeof ApiQuery>[0]);
    }),
  );
};

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
