import { z } from 'zod';
import { isText, partFields } from './configuration/user-data.js';
import * as f from './fields.js';
import { listOf } from './paging.js';

/** As much as user data may be when it is sent. */
const contentLimitBytes = 64 * 1024;

const version = z.int().min(1).max(999_999_999).meta({ description: 'From 1; each change makes a new one' });

const fields = {
  type: partFields.type,
  content: z
    .string()
    .min(1, 'is empty')
    .refine(isText, 'is not text in UTF-8')
    .refine(
      (text) => new TextEncoder().encode(text).length <= contentLimitBytes,
      `has more than ${contentLimitBytes} bytes`,
    )
    .meta({ description: 'The text itself, at most 64 KiB' }),
  template: z
    .boolean()
    .meta({ description: 'Whether values of the instance are filled in, such as {{ hostName }}' }),
  mergeType: z
    .string()
    .max(200)
    .nullable()
    .meta({
      description: 'How cloud-init merges this part of cloud-config with those before it; null: its default',
      examples: ['list(append)+dict(no_replace,recurse_list)+str()'],
    }),
  description: z.string().max(1024).meta({ description: 'What it is for' }),
};

export const userDataItemName = f.name.meta({
  description: 'Name in the library',
  examples: ['base-packages'],
});

export const userDataItemPut = z
  .strictObject({
    type: fields.type,
    content: fields.content,
    template: fields.template.default(false),
    mergeType: fields.mergeType.default(null),
    description: fields.description.default(''),
  })
  .meta({
    id: 'UserDataItemPut',
    examples: [{ type: 'text/cloud-config', content: '#cloud-config\npackages: [chrony]\n' }],
  });

export const userDataItemQuery = z.strictObject({
  version: f.numberInText(version).optional().meta({ description: 'This version; none: see the route' }),
});

const said = {
  name: z.string(),
  version,
  type: fields.type,
  template: fields.template,
  mergeType: fields.mergeType,
  description: fields.description,
  bytes: z.int().meta({ description: 'Of its content' }),
  createdAt: f.timestamp,
  createdBy: z.string(),
};

const userDataItemSummary = z.object(said).meta({ id: 'UserDataItemSummary' });

export const userDataItemList = listOf(userDataItemSummary).meta({ id: 'UserDataItemList' });

export const userDataItemView = z
  .object({
    ...said,
    content: fields.content,
    versions: z
      .array(z.object({ version, createdAt: f.timestamp, createdBy: z.string() }))
      .meta({ description: 'All that there are, the newest first' }),
  })
  .meta({ id: 'UserDataItem' });

/** What is wrong with user data, or will be, and where. */
export const userDataFinding = z
  .object({
    part: z.string().nullable().meta({ description: 'Which of several parts' }),
    path: z
      .string()
      .nullable()
      .meta({ description: 'Field of cloud-config', examples: ['users[0].name'] }),
    line: z.int().nullable().meta({ description: 'Of the part, from 1' }),
    column: z.int().nullable(),
    message: z.string(),
    about: z
      .enum(['syntax', 'schema'])
      .meta({ description: '`syntax`: cloud-init could not read it; `schema`: it would not do as it says' }),
  })
  .meta({ id: 'UserDataFinding' });

export const userDataItemStored = userDataItemView
  .extend({ warnings: z.array(userDataFinding).meta({ description: 'What was taken all the same' }) })
  .meta({ id: 'UserDataItemStored' });

export type UserDataItemPut = z.infer<typeof userDataItemPut>;
export type UserDataItemPutInput = z.input<typeof userDataItemPut>;
export type UserDataItemQuery = z.infer<typeof userDataItemQuery>;
export type UserDataItemSummary = z.infer<typeof userDataItemSummary>;
export type UserDataItemView = z.infer<typeof userDataItemView>;
export type UserDataItemStored = z.infer<typeof userDataItemStored>;
export type UserDataFinding = z.infer<typeof userDataFinding>;
