import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { RequestBody } from '../network/connection.ts';

/**
 * Whose settings. A broker without id stands for the default of all brokers; groups have settings from Kafka 4.0 on
 * (KIP-848, KIP-932).
 */
export type ConfigResource =
  | { readonly type: 'topic' | 'group'; readonly name: string }
  | { readonly type: 'broker'; readonly nodeId: number | null };

export interface ConfigEntry {
  readonly name: string;
  /** Null when it is sensitive or has none. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
}

/** Where a value comes from, by Kafka's numbers. */
const CONFIG_SOURCES = [
  'unknown',
  'topic',
  'dynamic-broker',
  'dynamic-default-broker',
  'static-broker',
  'default',
  'broker-logger',
  'client-metrics',
  'group',
] as const;
export type ConfigSource = (typeof CONFIG_SOURCES)[number];

/** A value to set, or null to go back to the default. */
export type ConfigChanges = Readonly<Record<string, string | null>>;

const RESOURCE_TYPES = { topic: 2, broker: 4, group: 32 } as const;
const OPERATION_SET = 0;
const OPERATION_DELETE = 1;
/** Before, answers told only whether a value is the default. */
const CONFIG_SOURCE_VERSION = 1;

/** Every setting of a topic, broker or group, by name. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST */
export async function describeConfigs(
  cluster: Cluster,
  resource: ConfigResource,
): Promise<readonly ConfigEntry[]> {
  const { type, name } = wireResource(resource);
  let version = 0;
  const answer = await ask(cluster, resource, describeConfigsApi, (chosen) => {
    version = chosen;
    return { resources: [{ resourceType: type, resourceName: name, configurationKeys: null }] };
  });
  const [result] = answer.results;
  throwConfigError(resource, result?.errorCode, result?.errorMessage);
  return result!.configs
    .map((config) => ({
      name: config.name,
      value: config.value,
      source: sourceOf(config.configSource, config.isDefault, version),
      isReadOnly: config.readOnly,
      isSensitive: config.isSensitive,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Changes the named settings and no others (KIP-339). @throws KafkaError INVALID_CONFIG and others */
export async function alterConfigs(
  cluster: Cluster,
  resource: ConfigResource,
  changes: ConfigChanges,
): Promise<void> {
  const { type, name } = wireResource(resource);
  const answer = await ask(cluster, resource, incrementalAlterConfigsApi, {
    resources: [
      {
        resourceType: type,
        resourceName: name,
        configs: Object.entries(changes).map(([key, value]) => ({
          name: key,
          configOperation: value === null ? OPERATION_DELETE : OPERATION_SET,
          value,
        })),
      },
    ],
    validateOnly: false,
  });
  const [result] = answer.responses;
  throwConfigError(resource, result?.errorCode, result?.errorMessage);
}

export function resourceName(resource: ConfigResource): string {
  if (resource.type !== 'broker') return `${resource.type} "${resource.name}"`;
  return resource.nodeId === null ? 'all brokers' : `broker ${resource.nodeId}`;
}

/** A broker answers for itself; for all else any one that can be reached does. */
async function ask<Input, Response extends object>(
  cluster: Cluster,
  resource: ConfigResource,
  api: ApiCodec<unknown, Input, Response, never>,
  body: RequestBody<Input>,
): Promise<Response> {
  const wanted = resource.type === 'broker' ? resource.nodeId : null;
  if (wanted === null) return cluster.requestToAny(api, body);
  const nodes = await cluster.nodes();
  const node = nodes.find(({ nodeId }) => nodeId === wanted);
  if (node !== undefined) return cluster.request(node, api, body);
  const known = nodes.map(({ nodeId }) => nodeId).join(', ');
  throw new KafkaError(ErrorCode.BROKER_NOT_AVAILABLE, `there is no broker ${wanted}; there are: ${known}`);
}

function wireResource(resource: ConfigResource): { type: number; name: string } {
  const name = resource.type === 'broker' ? String(resource.nodeId ?? '') : resource.name;
  return { type: RESOURCE_TYPES[resource.type], name };
}

function sourceOf(source: number, isDefault: boolean, version: number): ConfigSource {
  if (version < CONFIG_SOURCE_VERSION) return isDefault ? 'default' : 'unknown';
  return CONFIG_SOURCES[source] ?? 'unknown';
}

function throwConfigError(
  resource: ConfigResource,
  code: number | undefined,
  message: string | null | undefined,
): void {
  if (code === ErrorCode.NONE) return;
  if (code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
    throw new KafkaError(code, `there is no ${resourceName(resource)}`);
  }
  const known = code ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  throw new KafkaError(known, `${resourceName(resource)}: ${messageOr(message, known)}`);
}

/** Brokers say nothing in either of two ways. */
function messageOr(message: string | null | undefined, code: number): string {
  return message === null || message === undefined || message === '' ? errorName(code) : message;
}
