import { Cluster } from '@odradek/client/cluster/cluster.ts';
import type { ClusterOptions } from '@odradek/client/cluster/cluster-options.ts';
import type { Command } from 'commander';
import { wholeNumber } from './arguments.ts';
import type { Terminal } from './terminal.ts';

/** What every command that talks to a cluster takes. */
export interface ClientArguments {
  readonly bootstrapServer?: string;
  /** Seconds. */
  readonly timeout: number;
}

const BOOTSTRAP_VARIABLE = 'ODRADEK_BOOTSTRAP_SERVER';
const BOOTSTRAP_DEFAULT = '127.0.0.1:9092';
const TIMEOUT_DEFAULT_SECONDS = 30;

export function withClientOptions(command: Command): Command {
  return command
    .option(
      '-b, --bootstrap-server <host:port,...>',
      `brokers of the cluster (default: ${BOOTSTRAP_VARIABLE} or ${BOOTSTRAP_DEFAULT})`,
    )
    .option(
      '--timeout <seconds>',
      'how long to wait for the cluster',
      (text) => wholeNumber('--timeout', text, { min: 1, max: 86_400 }),
      TIMEOUT_DEFAULT_SECONDS,
    )
    .option('--verbose', 'on failure, also say where in the code');
}

export function clusterOptions(given: ClientArguments, terminal: Terminal): ClusterOptions {
  const timeoutMs = given.timeout * 1_000;
  return {
    bootstrapServers: given.bootstrapServer ?? terminal.env[BOOTSTRAP_VARIABLE] ?? BOOTSTRAP_DEFAULT,
    clientId: 'odradek-cli',
    apiTimeoutMs: timeoutMs,
    requestTimeoutMs: timeoutMs,
    connectionSetupTimeoutMs: Math.min(timeoutMs, 10_000),
  };
}

/** Runs something on a cluster that could be reached, and lets go of it. */
export async function withCluster<Result>(
  given: ClientArguments,
  terminal: Terminal,
  run: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const cluster = new Cluster(clusterOptions(given, terminal));
  try {
    await cluster.nodes();
    return await run(cluster);
  } finally {
    cluster.close();
  }
}
