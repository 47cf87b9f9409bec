import { z } from 'zod';

export const documentList = z
  .object({
    documents: z.array(
      z.object({
        path: z.string().meta({ examples: ['config-drive/openstack/latest/meta_data.json'] }),
        mediaType: z.string(),
        bytes: z.int().meta({ description: 'As it is shown: secrets are longer or shorter' }),
        content: z.string().nullable().meta({ description: 'null: it is no text; then base64 has it' }),
        base64: z.string().nullable(),
      }),
    ),
  })
  .meta({
    id: 'Documents',
    description:
      'What the OS is told about itself, by config drive and by the metadata service. Password, random seed, files and whole user data are left out: [secret]',
  });

export type DocumentList = z.infer<typeof documentList>;
