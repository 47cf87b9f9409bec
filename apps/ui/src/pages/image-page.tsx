import { imageStanding, type ImageView, imageView, installFacts } from '#contract';
import { useApi } from '../api/api.js';
import { useLoaded } from '../api/use-loaded.js';
import { CheckAgain } from '../parts/check-again.js';
import { FindingsTable } from '../parts/findings-table.js';
import { Page } from '../parts/page.js';
import { bytes, When } from '../parts/quantities.js';
import { Facts } from '../parts/table.js';
import { kindWords } from './images-page.js';

export function ImagePage({ id }: { id: string }) {
  const api = useApi();
  const path = `/v1/images/${encodeURIComponent(id)}`;
  const loaded = useLoaded(path, (signal) => api.read(imageView, path, signal));
  return (
    <Page title={loaded.value?.name ?? 'Image'} loaded={loaded}>
      {(image) => (
        <>
          <ImageFacts image={image} />
          <section aria-label="Check">
            <h2>Check: {imageStanding(image) ?? 'not known'}</h2>
            <CheckAgain key={image.id} id={image.id} onChecked={loaded.replace} />
            <FindingsTable image={image} />
          </section>
        </>
      )}
    </Page>
  );
}

function ImageFacts({ image }: { image: ImageView }) {
  const { description } = image;
  return (
    <Facts
      name="What it is"
      facts={{
        Id: <code>{image.id}</code>,
        Kind: kindWords[image.kind],
        'File system': image.fileSystem ?? description?.rootFileSystem,
        'Came as': image.format,
        'Fetched from': image.sourceUrl,
        Content: `${bytes(image.uncompressedBytes)}, of which ${bytes(image.dataBytes)} are not zeros`,
        Stored: `${bytes(image.compressedBytes)}, compressed`,
        'SHA-256 stored': <code>{image.sha256}</code>,
        'SHA-256 imported': <code>{image.sourceSha256}</code>,
        'Installed by': <Installation image={image} />,
        'Default user': image.defaultUser,
        'Operating system': description?.os?.name,
        Architecture: description?.architecture,
        Partitions: description?.partitionTable && <Partitions description={description} />,
        'Starts on': description?.bootModes.join(', '),
        'Boot loaders for': description?.installableBootModes.join(', '),
        'Kernel arguments': description?.kernelArguments,
        'User in it': description?.defaultUser,
        'cloud-init at work':
          description?.cloudInit === undefined ? null : description.cloudInit ? 'yes' : 'no',
        Imported: <When at={image.createdAt} />,
      }}
    />
  );
}

function Installation({ image }: { image: ImageView }) {
  const [[, method] = [], ...details] = installFacts(image);
  const told = details.filter(([, value]) => value);
  return (
    <>
      {method}
      {told.length > 0 && (
        <ul>
          {told.map(([name, value]) => (
            <li key={name}>
              {name}: {value}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Partitions({
  description: { partitionTable, rootPartition },
}: {
  description: NonNullable<ImageView['description']>;
}) {
  if (partitionTable === null) return null;
  return (
    <>
      {partitionTable.type.toUpperCase()}, for sectors of {partitionTable.sectorBytes} bytes
      <ul>
        {partitionTable.partitions.map(({ number, name, fileSystem, sizeBytes }) => (
          <li key={number}>
            {[number, name, fileSystem, bytes(sizeBytes), number === rootPartition && 'the root']
              .filter(Boolean)
              .join(', ')}
          </li>
        ))}
      </ul>
    </>
  );
}
