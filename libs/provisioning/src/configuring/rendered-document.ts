import type { MediaType } from '#metadata';

/** A document as the OS would read it, but for its secrets. */
export interface RenderedDocument {
  /** `config-drive/openstack/latest/meta_data.json`; what the metadata service serves is below `metadata/`. */
  path: string;
  mediaType: MediaType;
  content: Buffer;
}
