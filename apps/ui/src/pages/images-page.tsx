import { imageList, imageStanding, type ImageView } from '#contract';
import { useApi } from '../api/api.js';
import { useLoaded } from '../api/use-loaded.js';
import { Page } from '../parts/page.js';
import { bytes } from '../parts/quantities.js';
import { Table } from '../parts/table.js';

const headings = ['Name', 'Kind', 'OS', 'Architecture', 'Boot modes', 'Size', 'Check'];

export function ImagesPage() {
  const api = useApi();
  const loaded = useLoaded('images', (signal) => api.list(imageList, '/v1/images', {}, signal));
  return (
    <Page title="Images" loaded={loaded}>
      {(images) =>
        images.length === 0 ? (
          <p>
            No images. Import one with: <code>dodai images import --help</code>
          </p>
        ) : (
          <Table name="Images" headings={headings}>
            {images.map((image) => (
              <ImageRow key={image.id} image={image} />
            ))}
          </Table>
        )
      }
    </Page>
  );
}

function ImageRow({ image }: { image: ImageView }) {
  const { id, name, kind, description, uncompressedBytes } = image;
  return (
    <tr>
      <th scope="row">
        <a href={`/ui/images/${id}`}>{name}</a>
      </th>
      <td>{kindWords[kind]}</td>
      <td>{description?.os?.name ?? '–'}</td>
      <td>{description?.architecture ?? '–'}</td>
      <td>{bootModesOf(image).join(', ') || '–'}</td>
      <td>{bytes(uncompressedBytes)}</td>
      <td>{imageStanding(image) ?? 'not known'}</td>
    </tr>
  );
}

export const kindWords: Record<ImageView['kind'], string> = {
  file_system: 'file system',
  disk: 'whole disk',
  tarball: 'tarball',
  iso: 'ISO',
};

/** What a machine with it starts on: by what the image brings, or by the boot loader that is installed from it. */
function bootModesOf({ description }: ImageView): string[] {
  if (description === null) return [];
  return [...new Set([...description.bootModes, ...description.installableBootModes])];
}
