import { parseConnectString } from '../adapters/zookeeper/connect-string.ts';
import type { BrokerConfig } from './broker-config.ts';
import type { Properties } from './server-properties.ts';
import { REPLICA_SELECTORS } from './settings/replication.ts';

/** Rules between settings, each of Kafka's own and those of what Odradek does not serve. */
export function problemsOf(config: BrokerConfig, properties: Properties): string[] {
  return [
    ...brokerIdProblems(config),
    ...listenerProblems(config),
    ...logProblems(config),
    ...limitProblems(config, properties),
    ...zookeeperProblems(config),
    ...replicaSelectorProblems(config),
  ];
}

/** Any class may be named; those that are not here cannot be loaded. Kafka, too, does not start then. */
function replicaSelectorProblems({ replicaSelectorClass: name }: BrokerConfig): string[] {
  const problems = new Problems();
  problems.unless(
    name === null || REPLICA_SELECTORS.includes(name),
    `Invalid value ${name} for configuration replica.selector.class: it must be one of ${REPLICA_SELECTORS.join(', ')}`,
  );
  return problems.found;
}

function brokerIdProblems(config: BrokerConfig): string[] {
  const { brokerId, brokerIdGenerationEnable: generated, reservedBrokerMaxId } = config;
  const problems = new Problems();
  problems.unless(
    config.nodeId === brokerId,
    `node.id (${config.nodeId}) and broker.id (${brokerId}) must have the same value`,
  );
  const least = generated ? -1 : 0;
  problems.unless(
    brokerId >= least,
    `Invalid value ${brokerId} for configuration broker.id: it must be ${least} or more where broker.id.generation.enable is ${generated}`,
  );
  problems.unless(
    !generated || brokerId <= reservedBrokerMaxId,
    `Invalid value ${brokerId} for configuration broker.id: it must be at most reserved.broker.max.id (${reservedBrokerMaxId}) where broker.id.generation.enable is true`,
  );
  return problems.found;
}

function listenerProblems(config: BrokerConfig): string[] {
  const problems = new Problems();
  const names = config.listeners.map((listener) => listener.name);
  const advertised = config.advertisedListeners.map((listener) => listener.name);
  for (const { name, protocol } of config.listeners) {
    problems.unless(
      protocol === 'PLAINTEXT',
      `Listener ${name} in listeners asks for ${protocol}, which is not served yet: only PLAINTEXT is`,
    );
  }
  problems.unless(
    advertised.includes(config.interBrokerListenerName),
    `inter.broker.listener.name (${config.interBrokerListenerName}) must be a listener name defined in advertised.listeners: ${advertised.join(',')}`,
  );
  problems.unless(
    advertised.every((name) => names.includes(name)),
    `advertised.listeners (${advertised.join(',')}) must name only listeners of listeners (${names.join(',')})`,
  );
  problems.unless(
    !config.advertisedListeners.some((listener) => listener.host === '0.0.0.0'),
    'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
  );
  return problems.found;
}

function logProblems(config: BrokerConfig): string[] {
  const problems = new Problems();
  problems.unless(config.logDirs.length > 0, 'log.dirs or log.dir must name at least one directory');
  problems.unless(config.logRollMs >= 1, `log.roll.ms must be 1 or more, it is ${config.logRollMs}`);
  problems.unless(
    config.logRollJitterMs >= 0,
    `log.roll.jitter.ms must be 0 or more, it is ${config.logRollJitterMs}`,
  );
  problems.unless(
    config.logRetentionMs >= 1 || config.logRetentionMs === -1,
    `log.retention.ms must be 1 or more, or -1 for no limit, it is ${config.logRetentionMs}`,
  );
  problems.unless(
    config.logCleanerThreads === 0 ||
      config.logCleanerDedupeBufferSize / config.logCleanerThreads > 1024 * 1024,
    `log.cleaner.dedupe.buffer.size (${config.logCleanerDedupeBufferSize}) must be at least 1 MB for each of log.cleaner.threads (${config.logCleanerThreads})`,
  );
  return problems.found;
}

function limitProblems(config: BrokerConfig, properties: Properties): string[] {
  const problems = new Problems();
  problems.unless(
    config.replicaFetchWaitMaxMs <= config.replicaSocketTimeoutMs,
    `replica.socket.timeout.ms (${config.replicaSocketTimeoutMs}) must be at least replica.fetch.wait.max.ms (${config.replicaFetchWaitMaxMs})`,
  );
  problems.unless(
    config.queuedMaxRequestBytes <= 0 || config.queuedMaxRequestBytes >= config.socketRequestMaxBytes,
    `queued.max.request.bytes (${config.queuedMaxRequestBytes}) must be at least socket.request.max.bytes (${config.socketRequestMaxBytes})`,
  );
  problems.unless(
    config.maxConnectionsPerIp > 0 || config.maxConnectionsPerIpOverrides.size > 0,
    'max.connections.per.ip can be 0 only if max.connections.per.ip.overrides is set',
  );
  problems.unless(
    config.connectionsMaxIdleMs < 0 ||
      config.connectionFailedAuthenticationDelayMs < config.connectionsMaxIdleMs,
    `connection.failed.authentication.delay.ms (${config.connectionFailedAuthenticationDelayMs}) must be less than connections.max.idle.ms (${config.connectionsMaxIdleMs})`,
  );
  problems.unless(
    config.groupMinSessionTimeoutMs <= config.groupMaxSessionTimeoutMs ||
      properties['group.min.session.timeout.ms'] === undefined,
    `group.min.session.timeout.ms (${config.groupMinSessionTimeoutMs}) must not be greater than group.max.session.timeout.ms (${config.groupMaxSessionTimeoutMs})`,
  );
  problems.unless(
    config.offsetsCommitRequiredAcks >= -1 &&
      config.offsetsCommitRequiredAcks <= config.offsetsTopicReplicationFactor,
    `offsets.commit.required.acks (${config.offsetsCommitRequiredAcks}) must be from -1 to offsets.topic.replication.factor (${config.offsetsTopicReplicationFactor})`,
  );
  problems.unless(
    config.groupCoordinatorRebalanceProtocols.includes('classic'),
    `group.coordinator.rebalance.protocols (${config.groupCoordinatorRebalanceProtocols.join(',')}) must have classic among them`,
  );
  return problems.found;
}

function zookeeperProblems(config: BrokerConfig): string[] {
  const problems = new Problems();
  const connect = config.zookeeperConnect ?? '';
  if (connect.trim() === '') return problems.found;
  try {
    parseConnectString(connect);
  } catch (error) {
    problems.found.push((error as Error).message);
  }
  return problems.found;
}

class Problems {
  readonly found: string[] = [];

  unless(holds: boolean, problem: string): void {
    if (!holds) this.found.push(problem);
  }
}
