import type { BrokerNode, Cluster } from '@odradek/client/index.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { alterConfigsApi } from '@odradek/protocol/generated/apis/alter-configs.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import { ConfigResourceTypes, type ConfigSource } from '../constants.ts';
import { protocolError } from '../error-translation.ts';
import { KafkaJSBrokerNotFound, KafkaJSNonRetriableError } from '../errors.ts';
import type {
  AlterConfigsResponse,
  DescribeConfigResponse,
  IResourceConfig,
  ResourceConfigQuery,
} from './admin-types.ts';

interface Resource {
  readonly type: ConfigResourceTypes;
  readonly name: string;
}

/** @throws KafkaJSNonRetriableError */
function checkResources(resources: readonly Resource[]): void {
  if (!resources || !Array.isArray(resources)) {
    throw new KafkaJSNonRetriableError(`Invalid resources array ${String(resources)}`);
  }
  if (resources.length === 0) throw new KafkaJSNonRetriableError('Resources array cannot be empty');
  const types: readonly number[] = Object.values(ConfigResourceTypes);
  for (const resource of resources as readonly Resource[]) {
    const { type, name } = resource;
    if (!types.includes(type)) {
      throw new KafkaJSNonRetriableError(`Invalid resource type ${type}: ${JSON.stringify(resource)}`);
    }
    if (!name || typeof name !== 'string') {
      throw new KafkaJSNonRetriableError(`Invalid resource name ${name}: ${JSON.stringify(resource)}`);
    }
  }
}

/** Brokers answer for themselves, for topics any does. */
async function byBroker<One extends Resource>(
  cluster: Cluster,
  resources: readonly One[],
): Promise<[BrokerNode, One[]][]> {
  await cluster.refresh([]);
  const nodes = await cluster.nodes();
  const anyNode = cluster.metadata.node(cluster.metadata.controllerId) ?? nodes[0];
  const nodeFor = ({ type, name }: Resource): BrokerNode => {
    const isBroker = type === ConfigResourceTypes.BROKER || type === ConfigResourceTypes.BROKER_LOGGER;
    const node = isBroker ? cluster.metadata.node(Number(name)) : anyNode;
    if (node !== undefined) return node;
    throw new KafkaJSBrokerNotFound(`Broker ${name} not found in the cached metadata`, { retriable: false });
  };
  return [...Map.groupBy(resources, nodeFor)];
}

/** @throws KafkaJSProtocolError of the first resource that was refused */
export async function describeConfigs(
  cluster: Cluster,
  resources: readonly ResourceConfigQuery[],
  includeSynonyms: boolean,
): Promise<DescribeConfigResponse> {
  checkResources(resources);
  for (const resource of resources) {
    const { configNames } = resource;
    if (configNames === undefined || configNames === null || Array.isArray(configNames)) continue;
    throw new KafkaJSNonRetriableError(
      `Invalid resource configNames ${String(configNames)}: ${JSON.stringify(resource)}`,
    );
  }
  const answers = await Promise.all(
    (await byBroker(cluster, resources)).map(([node, ofNode]) =>
      cluster.request(node, describeConfigsApi, (version) => ({
        resources: ofNode.map(({ type, name, configNames = [] }) => ({
          resourceType: type,
          resourceName: name,
          configurationKeys: configNames.length === 0 ? null : configNames,
        })),
        ...(version >= 1 ? { includeSynonyms } : {}),
      })),
    ),
  );
  const results = answers.flatMap((answer) => answer.results);
  const refused = results.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw protocolError(refused.errorCode, refused.errorMessage);
  return {
    throttleTime: Math.max(0, ...answers.map(({ throttleTimeMs }) => throttleTimeMs)),
    resources: results.map(({ errorCode, errorMessage, resourceType, resourceName, configs }) => ({
      errorCode,
      errorMessage,
      resourceType: resourceType as ConfigResourceTypes,
      resourceName,
      configEntries: configs.map((config) => ({
        configName: config.name,
        configValue: config.value,
        readOnly: config.readOnly,
        isDefault: config.configSource === DEFAULT_CONFIG || config.isDefault,
        configSource: config.configSource as ConfigSource,
        isSensitive: config.isSensitive,
        configSynonyms: config.synonyms.map(({ name, value, source }) => ({
          configName: name,
          configValue: value,
          configSource: source as ConfigSource,
        })),
      })),
    })),
  };
}

const DEFAULT_CONFIG = 5;

/** Replaces all settings of the resources, as AlterConfigs does. @throws KafkaJSProtocolError */
export async function alterConfigs(
  cluster: Cluster,
  resources: readonly IResourceConfig[],
  validateOnly: boolean,
): Promise<AlterConfigsResponse> {
  checkResources(resources);
  for (const resource of resources) checkEntries(resource);
  const answers = await Promise.all(
    (await byBroker(cluster, resources)).map(([node, ofNode]) =>
      cluster.request(node, alterConfigsApi, {
        resources: ofNode.map(({ type, name, configEntries }) => ({
          resourceType: type,
          resourceName: name,
          configs: configEntries.map((entry) => ({ name: entry.name, value: entry.value })),
        })),
        validateOnly,
      }),
    ),
  );
  const responses = answers.flatMap((answer) => answer.responses);
  const refused = responses.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw protocolError(refused.errorCode, refused.errorMessage);
  return {
    throttleTime: Math.max(0, ...answers.map(({ throttleTimeMs }) => throttleTimeMs)),
    resources: responses.map(({ errorCode, errorMessage, resourceType, resourceName }) => ({
      errorCode,
      errorMessage,
      resourceName,
      resourceType: resourceType as ConfigResourceTypes,
    })),
  };
}

function checkEntries(resource: IResourceConfig): void {
  const { configEntries } = resource;
  const shown = JSON.stringify(resource);
  if (!configEntries || !Array.isArray(configEntries)) {
    throw new KafkaJSNonRetriableError(`Invalid resource configEntries ${String(configEntries)}: ${shown}`);
  }
  for (const entry of configEntries as IResourceConfig['configEntries']) {
    if (typeof entry.name === 'string' && entry.name !== '' && typeof entry.value === 'string') continue;
    throw new KafkaJSNonRetriableError(`Invalid resource config value: ${shown}`);
  }
}
