import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { z } from 'zod';

type JsonSchema = Record<string, unknown>;

/** Where the schemas that have an id are found; the id is what `meta({ id })` gave. */
const uri = (id: string) => `#/components/schemas/${id}`;

function withoutMarks({
  $schema: _dialect,
  $id: _id,
  id: _name,
  '~standard': _standard,
  ...schema
}: JsonSchema): JsonSchema {
  return schema;
}

/** Every schema that has an id, for requests or for answers. */
function namedSchemas(io: 'input' | 'output'): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { io, uri, unrepresentable: 'any' });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, withoutMarks(schema as JsonSchema)]),
  );
}

function converter() {
  const named = { input: namedSchemas('input'), output: namedSchemas('output') };
  return (schema: unknown, { schemaType }: { schemaType: 'input' | 'output' }) => {
    if (!(schema instanceof z.ZodType)) return undefined;
    const id = z.globalRegistry.get(schema)?.id;
    const components = named[schemaType];
    if (id !== undefined) return { schema: { $ref: uri(id) }, components };
    return {
      schema: withoutMarks(z.toJSONSchema(schema, { io: schemaType, unrepresentable: 'any' })),
      components,
    };
  };
}

const description = `Bare-metal provisioning. *Spawn* (POST /v1/instances) installs a machine, *destroy* (DELETE) wipes it and gives it back.

Errors are \`application/problem+json\`: match on \`code\`, show \`detail\` and \`remedy\`.`;

function documentOf(app: NestExpressApplication, version: string): OpenAPIObject {
  const base = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('dodai')
    .setDescription(description)
    .setVersion(version)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'API token' }, 'api-token')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: "Token of the instance's own" },
      'instance-token',
    )
    .build();
  return SwaggerModule.createDocument(app, base, {
    standardSchemaConverter: converter(),
    operationIdFactory: (_controller, method) => method,
  });
}

/** Serves /openapi.json and its page /docs, whose files all come from this host. The document is made when it is first asked for. */
export function serveOpenApi(app: NestExpressApplication, version: string): void {
  SwaggerModule.setup('docs', app, () => documentOf(app, version), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'dodai API',
    swaggerOptions: { validatorUrl: null, persistAuthorization: true },
  });
}
