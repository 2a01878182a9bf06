import type { Disk } from '../ports/disk.ts';
import { CorruptCheckpointError } from './checkpoints.ts';

export const META_PROPERTIES_FILE = 'meta.properties';

/**
 * Whose data a directory holds: `meta.properties` of version 0, as brokers that use ZooKeeper write it. Version
 * 1, of KRaft, names the broker `node.id`.
 */
export interface MetaProperties {
  readonly version: 0 | 1;
  /** -1 when the file names none. */
  readonly brokerId: number;
  readonly clusterId: string | null;
  /** Lines that mean nothing to this version, kept as they are. */
  readonly others: Readonly<Record<string, string>>;
}

/** @returns null when there is no file @throws CorruptCheckpointError, DiskError */
export function readMetaProperties(disk: Disk, directory: string): MetaProperties | null {
  const path = `${directory}/${META_PROPERTIES_FILE}`;
  const contents = disk.readFile(path);
  if (contents === null) return null;
  const {
    version,
    'broker.id': brokerId,
    'node.id': nodeId,
    'cluster.id': clusterId,
    ...others
  } = parseProperties(contents.toString('utf8'));
  if (version !== '0' && version !== '1') {
    throw new CorruptCheckpointError(`${path}: version "${version ?? ''}", 0 and 1 are known`);
  }
  const id = Number((version === '0' ? brokerId : nodeId) ?? -1);
  if (!Number.isInteger(id)) throw new CorruptCheckpointError(`${path}: broker id "${brokerId ?? nodeId}"`);
  return { version: version === '0' ? 0 : 1, brokerId: id, clusterId: clusterId ?? null, others };
}

/** @throws DiskError */
export function writeMetaProperties(disk: Disk, directory: string, properties: MetaProperties): void {
  const { version, brokerId, clusterId, others } = properties;
  const lines = [
    '#',
    `cluster.id=${clusterId ?? ''}`,
    `${version === 0 ? 'broker.id' : 'node.id'}=${brokerId}`,
    `version=${version}`,
    ...Object.entries(others).map(([name, value]) => `${name}=${value}`),
    '',
  ];
  disk.replaceFile(`${directory}/${META_PROPERTIES_FILE}`, Buffer.from(lines.join('\n')));
}

/** The values of this file are ids without characters that need escapes. */
function parseProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (line.startsWith('#') || equals < 1) continue;
    properties[line.slice(0, equals).trim()] = line.slice(equals + 1).trim();
  }
  return properties;
}
