import type { Clock } from '@odradek/core/ports/clock.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { EmbeddedTree } from './adapters/embedded-coordination/embedded-tree.ts';
import type { ZookeeperSettings } from './adapters/zookeeper/connect-zookeeper.ts';
import type { ZookeeperTlsOptions } from './adapters/zookeeper/tls-settings.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import { zookeeperLogin } from './zookeeper-login.ts';

/** A session with the coordination tree, and the way to end it. */
export interface OpenCoordination {
  readonly session: Coordination;
  /** Ends the session and lets go of all that it needs. */
  close(): Promise<void>;
  /**
   * Has the session end now if its time is up by the local clock, before anything else is done in this turn: after a
   * pause of the process, timers may be late. Absent where time ends no session.
   */
  noticeEnd?(): void;
}

/**
 * The coordination tree of a broker: in ZooKeeper where `zookeeper.connect` is set, else its own.
 * @param file of the tree of its own, or ':memory:'
 * @param env where a login towards ZooKeeper is looked for
 * @param signal ends the attempt
 * @throws Error when it cannot be used; for ZooKeeper after zookeeper.connection.timeout.ms
 */
export async function openCoordination(
  config: BrokerConfig,
  file: string,
  clock: Clock,
  log: LogSink,
  env: Readonly<Record<string, string | undefined>> = process.env,
  signal: AbortSignal | null = null,
): Promise<OpenCoordination> {
  const { zookeeperConnect: connect } = config;
  if (connect === null || connect.trim() === '') return embedded(file, clock);
  // Only here: most brokers for tests and development never need it.
  const { connectZookeeper } = await import('./adapters/zookeeper/connect-zookeeper.ts');
  const session = await connectZookeeper(await zookeeperSettings(config, connect, env), log, signal);
  return { session, close: () => closed(session), noticeEnd: () => session.noticeEnd() };
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

async function zookeeperSettings(
  config: BrokerConfig,
  connect: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ZookeeperSettings> {
  const login = zookeeperLogin(env);
  const hasCertificate = config.zookeeperSslClientEnable && config.zookeeperSslKeystoreLocation !== null;
  if (config.zookeeperSetAcl && login === null && !hasCertificate) {
    throw new Error(
      'zookeeper.set.acl=true needs an identity to protect nodes with: zookeeper.ssl.client.enable=true with ' +
        'zookeeper.ssl.keystore.location, or a login file (-Djava.security.auth.login.config in KAFKA_OPTS) with a section Client',
    );
  }
  const { readTlsSettings } = await import('./adapters/zookeeper/tls-settings.ts');
  return {
    connect,
    sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
    connectionTimeoutMs: config.zookeeperConnectionTimeoutMs,
    maxInFlightRequests: config.zookeeperMaxInFlightRequests,
    setAcl: config.zookeeperSetAcl,
    identity: login === null ? {} : { sasl: login },
    tls: config.zookeeperSslClientEnable ? readTlsSettings(tlsOptions(config)) : null,
  };
}

function tlsOptions(config: BrokerConfig): ZookeeperTlsOptions {
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
