import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { nodeEnvironment } from '@odradek/client/adapters/node-environment.ts';
import type { ClusterOptions, ExchangeObserver, SaslOptions } from '@odradek/client/index.ts';
import { KafkaJSConnectionError, KafkaJSNonRetriableError, KafkaJSNotImplemented } from './errors.ts';
import type { logCreator, logLevel } from './logging.ts';
import { patienceMs, retryPlan, type RetryOptions } from './retry-options.ts';
import { kafkaJSSockets, type ISocketFactory } from './sockets.ts';

export type BrokersFunction = () => string[] | Promise<string[]>;

export interface OauthbearerProviderResponse {
  readonly value: string;
}

export type SASLOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      readonly oauthBearerProvider: () => Promise<OauthbearerProviderResponse>;
    };

export type SASLMechanism = SASLOptions['mechanism'];

export interface KafkaConfig {
  /** `host:port` of any brokers of the cluster, or a function that finds them; it is asked at each `connect`. */
  readonly brokers: readonly string[] | BrokersFunction;
  /** True, or what `tls.connect` of Node takes. */
  readonly ssl?: TlsConnectionOptions | boolean;
  readonly sasl?: SASLOptions;
  /** Default `kafkajs`. */
  readonly clientId?: string;
  /** Until a connection is there, milliseconds. Default 1 000. */
  readonly connectionTimeout?: number;
  /** For authentication, milliseconds; it is added to `connectionTimeout`. Default 10 000. */
  readonly authenticationTimeout?: number;
  /** No effect: sessions are renewed in time by themselves. */
  readonly reauthenticationThreshold?: number;
  /** How long a broker may take to answer, milliseconds. Default 30 000. */
  readonly requestTimeout?: number;
  /** No effect: the timeout is always kept. */
  readonly enforceRequestTimeout?: boolean;
  readonly retry?: RetryOptions;
  readonly socketFactory?: ISocketFactory;
  readonly logLevel?: logLevel;
  readonly logCreator?: logCreator;
}

/** What one producer, consumer or admin adds. */
export interface ConnectionSettings {
  readonly retry?: RetryOptions;
  readonly metadataMaxAge?: number;
  readonly onExchange?: ExchangeObserver;
}

/**
 * KafkaJS's options as those of our client, the brokers asked for where they are a function.
 *
 * @throws KafkaJSNonRetriableError, KafkaJSNotImplemented, KafkaJSConnectionError when `brokers` fails
 */
export async function clusterOptions(
  config: KafkaConfig,
  { retry, metadataMaxAge, onExchange }: ConnectionSettings,
): Promise<ClusterOptions> {
  const plan = retryPlan({ ...config.retry, ...retry });
  const sasl = saslOptions(config.sasl);
  const connectionTimeout = config.connectionTimeout ?? 1_000;
  return {
    bootstrapServers: (await brokersOf(config.brokers)).join(),
    clientId: config.clientId ?? 'kafkajs',
    requestTimeoutMs: config.requestTimeout ?? 30_000,
    connectionSetupTimeoutMs:
      sasl === undefined ? connectionTimeout : connectionTimeout + (config.authenticationTimeout ?? 10_000),
    apiTimeoutMs: patienceMs(plan),
    retryBackoffMs: plan.initialMs,
    retryBackoffMaxMs: plan.maxMs,
    metadataMaxAgeMs: metadataMaxAge ?? 300_000,
    environment: { ...nodeEnvironment(), sockets: kafkaJSSockets(config.ssl, config.socketFactory) },
    ...(sasl === undefined ? {} : { sasl }),
    ...(onExchange === undefined ? {} : { onExchange }),
  };
}

async function brokersOf(brokers: KafkaConfig['brokers'] | null | undefined): Promise<readonly string[]> {
  if (brokers === undefined || brokers === null) {
    throw new KafkaJSNonRetriableError('Failed to connect: expected brokers array and got nothing');
  }
  const found = typeof brokers === 'function' ? await askForBrokers(brokers) : brokers;
  if (!Array.isArray(found)) {
    const message = `Failed to connect: expected brokers array and got ${typeof found}`;
    throw new KafkaJSNonRetriableError(message);
  }
  if (found.length === 0) {
    throw new KafkaJSNonRetriableError('Failed to connect: brokers array is empty');
  }
  for (const broker of found as readonly unknown[]) {
    if (typeof broker === 'string' && broker !== '') continue;
    const message = `Failed to connect: broker ${JSON.stringify(broker)} is invalid, allowed is "host:port"`;
    throw new KafkaJSNonRetriableError(message);
  }
  return found as readonly string[];
}

async function askForBrokers(brokers: BrokersFunction): Promise<readonly string[]> {
  try {
    return await brokers();
  } catch (error) {
    const { message } = error as Error;
    throw new KafkaJSConnectionError(`Failed to connect: "config.brokers" threw: ${message}`, {
      cause: error as Error,
    });
  }
}

function saslOptions(sasl: SASLOptions | undefined): SaslOptions | undefined {
  if (sasl === undefined || sasl === null) return undefined;
  if (sasl.mechanism === 'oauthbearer') return { mechanism: 'oauthbearer', token: sasl.oauthBearerProvider };
  const mechanism = String(sasl.mechanism).toLowerCase();
  if (mechanism === 'plain' || mechanism === 'scram-sha-256' || mechanism === 'scram-sha-512') {
    return { mechanism, username: sasl.username, password: sasl.password };
  }
  throw new KafkaJSNotImplemented(
    `SASL ${mechanism.toUpperCase()} mechanism is not supported by the client: allowed are plain, scram-sha-256, ` +
      'scram-sha-512, oauthbearer',
  );
}
