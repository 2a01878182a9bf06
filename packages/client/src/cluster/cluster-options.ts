import { nodeEnvironment } from '../adapters/node-environment.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import { checkedSasl, type SaslOptions } from '../network/sasl/sasl-options.ts';
import type { ExchangeObserver } from '../network/exchange-observer.ts';
import type { TlsOptions } from '../network/tls-options.ts';
import { oneOf, wholeNumber, type OptionNames } from '../options.ts';
import type { Address } from '../ports/sockets.ts';
import type { BackoffOptions } from './backoff.ts';
import { parseBootstrapServers } from './bootstrap-address.ts';

const METADATA_RECOVERY_STRATEGIES = ['rebootstrap', 'none'] as const;
export type MetadataRecoveryStrategy = (typeof METADATA_RECOVERY_STRATEGIES)[number];

/** How a client reaches its cluster. Names and defaults follow Apache Kafka's Java client. */
export interface ClusterOptions {
  /** `host:port,host:port`, of any brokers of the cluster; the rest is learned from them. */
  readonly bootstrapServers: string;
  /** Told to the brokers with each request. Default `odradek`. */
  readonly clientId?: string;
  /** How long a broker may take to answer, milliseconds. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** How long a connection may take until it can be used, milliseconds. Default 10 000. */
  readonly connectionSetupTimeoutMs?: number;
  /** Deadline of one call with all its retries, milliseconds. Default 60 000. */
  readonly apiTimeoutMs?: number;
  /** Between attempts, milliseconds, growing to `retryBackoffMaxMs`. Default 100. */
  readonly retryBackoffMs?: number;
  /** Default 1 000. */
  readonly retryBackoffMaxMs?: number;
  /** What is known of the topics in use is renewed at least so often, milliseconds. Default 300 000. */
  readonly metadataMaxAgeMs?: number;
  /**
   * What to do when none of the known brokers answers, or one says that this client is at the wrong place (KIP-899,
   * KIP-1102): `rebootstrap`, ask at the `bootstrapServers` again, their names looked up anew; `none`, go on asking
   * the known ones, as clients did before. Default `rebootstrap`.
   */
  readonly metadataRecoveryStrategy?: MetadataRecoveryStrategy;
  /**
   * The `bootstrapServers` are asked when every known broker has failed, and before the known ones once nobody has
   * answered for so long, milliseconds. Default 300 000.
   */
  readonly metadataRecoveryRebootstrapTriggerMs?: number;
  /** Connections unused for longer are opened anew, milliseconds. Default 540 000. */
  readonly connectionsMaxIdleMs?: number;
  /** Largest answer taken from a broker, bytes. Default 128 MiB. */
  readonly receiveMaxBytes?: number;
  /** Encrypts; true for what the defaults of `TlsOptions` say. Default: not encrypted. */
  readonly tls?: boolean | TlsOptions;
  /** Tells brokers who this is, where they ask. */
  readonly sasl?: SaslOptions;
  /** Told of every request and its answer: for instrumentation. Default: nobody is. */
  readonly onExchange?: ExchangeObserver;
  /** The outside world; the machine's own unless given. */
  readonly environment?: ClientEnvironment;
}

export const CLUSTER_OPTION_NAMES: OptionNames<ClusterOptions> = {
  bootstrapServers: true,
  clientId: true,
  requestTimeoutMs: true,
  connectionSetupTimeoutMs: true,
  apiTimeoutMs: true,
  retryBackoffMs: true,
  retryBackoffMaxMs: true,
  metadataMaxAgeMs: true,
  metadataRecoveryStrategy: true,
  metadataRecoveryRebootstrapTriggerMs: true,
  connectionsMaxIdleMs: true,
  receiveMaxBytes: true,
  tls: true,
  sasl: true,
  onExchange: true,
  environment: true,
};

export interface ClusterSettings {
  readonly bootstrap: readonly Address[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectionSetupTimeoutMs: number;
  readonly apiTimeoutMs: number;
  readonly backoff: BackoffOptions;
  readonly metadataMaxAgeMs: number;
  readonly metadataRecoveryStrategy: MetadataRecoveryStrategy;
  readonly rebootstrapTriggerMs: number;
  readonly connectionsMaxIdleMs: number;
  readonly receiveMaxBytes: number;
  readonly tls: TlsOptions | null;
  readonly sasl: SaslOptions | null;
  readonly onExchange: ExchangeObserver | null;
  readonly environment: ClientEnvironment;
}

/** @throws ClientError BAD_ADDRESS, BAD_OPTION */
export function clusterSettings(options: ClusterOptions): ClusterSettings {
  return {
    bootstrap: parseBootstrapServers(options.bootstrapServers),
    clientId: options.clientId ?? 'odradek',
    requestTimeoutMs: wholeNumber('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, 1),
    connectionSetupTimeoutMs: wholeNumber(
      'connectionSetupTimeoutMs',
      options.connectionSetupTimeoutMs ?? 10_000,
      1,
    ),
    apiTimeoutMs: wholeNumber('apiTimeoutMs', options.apiTimeoutMs ?? 60_000, 1),
    backoff: {
      initialMs: wholeNumber('retryBackoffMs', options.retryBackoffMs ?? 100, 0),
      maxMs: wholeNumber('retryBackoffMaxMs', options.retryBackoffMaxMs ?? 1_000, 0),
    },
    metadataMaxAgeMs: wholeNumber('metadataMaxAgeMs', options.metadataMaxAgeMs ?? 300_000, 1),
    metadataRecoveryStrategy: oneOf(
      'metadataRecoveryStrategy',
      options.metadataRecoveryStrategy ?? 'rebootstrap',
      METADATA_RECOVERY_STRATEGIES,
    ),
    rebootstrapTriggerMs: wholeNumber(
      'metadataRecoveryRebootstrapTriggerMs',
      options.metadataRecoveryRebootstrapTriggerMs ?? 300_000,
      0,
    ),
    connectionsMaxIdleMs: wholeNumber('connectionsMaxIdleMs', options.connectionsMaxIdleMs ?? 540_000, 1),
    receiveMaxBytes: wholeNumber('receiveMaxBytes', options.receiveMaxBytes ?? 128 * 1024 * 1024, 1),
    tls: tlsOf(options.tls ?? false),
    sasl: options.sasl === undefined ? null : checkedSasl(options.sasl),
    onExchange: options.onExchange ?? null,
    environment: options.environment ?? nodeEnvironment(),
  };
}

function tlsOf(given: boolean | TlsOptions): TlsOptions | null {
  if (given === false) return null;
  return given === true ? {} : given;
}
