import type { Properties } from './broker-config.ts';

/**
 * Where dynamic settings lie in the coordination tree, and how: paths and JSON of Apache Kafka, so that a Kafka
 * broker and Kafka's tools read what Odradek writes and the reverse.
 */

/** What settings belong to: `topics/<topic>`, `brokers/<id>`, `brokers/<default>`. */
export type EntityPath = `topics/${string}` | `brokers/${string}`;

/** Settings for every broker of the cluster. */
export const CLUSTER_DEFAULT = 'brokers/<default>';

export const CONFIG_CHANGES_PATH = '/config/changes';

/** Nodes that hold others; whoever comes first creates them. */
export const CONFIG_PARENT_PATHS = ['/config', '/config/topics', '/config/brokers', CONFIG_CHANGES_PATH];

export function topicEntity(topic: string): EntityPath {
  return `topics/${topic}`;
}

/** @param brokerId or null for the default of the cluster */
export function brokerEntity(brokerId: number | null): EntityPath {
  return brokerId === null ? CLUSTER_DEFAULT : `brokers/${brokerId}`;
}

export function configPath(entity: EntityPath): string {
  return `/config/${entity}`;
}

export function encodeConfig(settings: Properties): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, config: settings }));
}

/** @returns the settings; none where the node is empty or holds something else */
export function decodeConfig(data: Buffer | null): Properties {
  const config = (parsed(data) as { config?: unknown } | null)?.config;
  if (typeof config !== 'object' || config === null) return {};
  return Object.fromEntries(Object.entries(config).filter(([, value]) => typeof value === 'string'));
}

export function encodeConfigChange(entity: EntityPath): Buffer {
  return Buffer.from(JSON.stringify({ version: 2, entity_path: entity }));
}

/** @returns what changed, also of version 1 (Kafka 0.8); null for entities that have no settings here (quotas) */
export function decodeConfigChange(data: Buffer | null): EntityPath | null {
  const change = parsed(data) as {
    entity_path?: unknown;
    entity_type?: unknown;
    entity_name?: unknown;
  } | null;
  const path = change?.entity_path ?? `${String(change?.entity_type)}/${String(change?.entity_name)}`;
  return typeof path === 'string' && /^(topics|brokers)\/[^/]+$/.test(path) ? (path as EntityPath) : null;
}

function parsed(data: Buffer | null): unknown {
  try {
    return data === null ? null : JSON.parse(data.toString('utf8'));
  } catch {
    return null;
  }
}
