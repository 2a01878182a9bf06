import { decodeConfigNode, encodeConfigNode } from '@odradek/core/controller/config-node.ts';
import { JsonNode, NodeFormatError } from '@odradek/core/controller/json-node.ts';
import { rootPaths } from '@odradek/core/controller/tree-paths.ts';
import type { Properties } from './server-properties.ts';

/**
 * Where dynamic settings lie in the coordination tree, and how: paths and JSON of Apache Kafka, so that a Kafka
 * broker and Kafka's tools read what Odradek writes and the reverse.
 */

/** What settings belong to: `topics/<topic>`, `brokers/<id>`, `brokers/<default>`. */
export type EntityPath = `topics/${string}` | `brokers/${string}`;

/** Settings for every broker of the cluster. */
export const CLUSTER_DEFAULT = 'brokers/<default>';

/** Nodes that hold others; whoever comes first creates them. */
export const configRootPaths: readonly string[] = rootPaths.filter((path) => path.startsWith('/config'));

export function topicEntity(topic: string): EntityPath {
  return `topics/${topic}`;
}

/** @returns the topic whose settings an entity holds, or null for a broker's */
export function topicOfEntity(entity: EntityPath): string | null {
  return entity.startsWith('topics/') ? entity.slice('topics/'.length) : null;
}

export function brokerEntity(brokerId: number): EntityPath {
  return `brokers/${brokerId}`;
}

export function configPath(entity: EntityPath): string {
  return `/config/${entity}`;
}

export function encodeConfig(settings: Properties): Buffer {
  return encodeConfigNode(new Map(Object.entries(settings)));
}

/** @returns the settings; none where the node is empty, as Kafka has it, or holds something else */
export function decodeConfig(path: string, data: Buffer | null): Properties {
  return Object.fromEntries(decodeConfigNode(path, data));
}

/** A notice for all brokers, version 2. */
export function encodeConfigChange(entity: EntityPath): Buffer {
  return Buffer.from(JSON.stringify({ version: 2, entity_path: entity }));
}

/**
 * @returns what changed, also by a notice of version 1 (Kafka 0.8); null for what has no settings here (quotas of
 *   users and clients) and for what is no notice
 */
export function decodeConfigChange(path: string, data: Buffer | null): EntityPath | null {
  const changed = orNull(() => {
    const node = new JsonNode(path, data);
    return node.has('entity_path')
      ? node.string('entity_path')
      : `${node.string('entity_type')}/${node.string('entity_name')}`;
  });
  return changed !== null && /^(topics|brokers)\/[^/]+$/.test(changed) ? (changed as EntityPath) : null;
}

function orNull<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof NodeFormatError) return null;
    throw error;
  }
}
