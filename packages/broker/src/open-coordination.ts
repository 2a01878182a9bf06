import type { Clock } from '@odradek/core/ports/clock.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { EmbeddedTree } from './adapters/embedded-coordination/embedded-tree.ts';
import { connectZookeeper, type ZookeeperSettings } from './adapters/zookeeper/connect-zookeeper.ts';
import { readTlsSettings } from './adapters/zookeeper/tls-settings.ts';
import type { BrokerConfig } from './config/broker-config.ts';

/** A session with the coordination tree, and the way to end it. */
export interface OpenCoordination {
  readonly session: Coordination;
  /** Ends the session and lets go of all that it needs. */
  close(): Promise<void>;
}

/**
 * The coordination tree of a broker: in ZooKeeper where `zookeeper.connect` is set, else its own.
 * @param file of the tree of its own, or ':memory:'
 * @throws Error when it cannot be used; for ZooKeeper after zookeeper.connection.timeout.ms
 */
export async function openCoordination(
  config: BrokerConfig,
  file: string,
  clock: Clock,
  log: LogSink,
): Promise<OpenCoordination> {
  const { zookeeperConnect: connect } = config;
  if (connect === null || connect.trim() === '') return embedded(file, clock);
  const session = await connectZookeeper(zookeeperSettings(config, connect), log);
  return { session, close: () => closed(session) };
}

function embedded(file: string, clock: Clock): OpenCoordination {
  const tree = new EmbeddedTree(file, clock);
  const session = tree.connect();
  const close = async () => {
    await closed(session);
    tree.close();
  };
  return { session, close };
}

function closed(session: Coordination): Promise<void> {
  return new Promise((resolve) => {
    session.close(resolve);
  });
}

function zookeeperSettings(config: BrokerConfig, connect: string): ZookeeperSettings {
  return {
    connect,
    sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
    connectionTimeoutMs: config.zookeeperConnectionTimeoutMs,
    maxInFlightRequests: config.zookeeperMaxInFlightRequests,
    setAcl: config.zookeeperSetAcl,
    identity: {},
    tls: config.zookeeperSslClientEnable ? readTlsSettings(tlsOptions(config)) : null,
  };
}

function tlsOptions(config: BrokerConfig) {
  return {
    protocol: config.zookeeperSslProtocol,
    enabledProtocols: config.zookeeperSslEnabledProtocols,
    endpointIdentificationAlgorithm: config.zookeeperSslEndpointIdentificationAlgorithm,
    keystore: {
      location: config.zookeeperSslKeystoreLocation,
      password: config.zookeeperSslKeystorePassword,
      type: config.zookeeperSslKeystoreType,
    },
    truststore: {
      location: config.zookeeperSslTruststoreLocation,
      password: config.zookeeperSslTruststorePassword,
      type: config.zookeeperSslTruststoreType,
    },
  };
}
