import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { RequestContext } from './handler.ts';

interface LeaderHint {
  readonly currentLeader?:
    { readonly leaderId?: number | undefined; readonly leaderEpoch?: number | undefined } | undefined;
}

/** First versions of Produce (key 0) and Fetch (key 1) that can carry the hint. */
const HINT_FROM = { produce: 10, fetch: 16 } as const;

/**
 * Where the leader is now, for a client that asked the wrong broker (KIP-951). Nothing unless the error is one
 * that a new leader explains and the leader is known: a hint of 0 would send clients to broker 0.
 */
export function currentLeaderHint(
  context: RequestContext,
  topic: string,
  partition: number,
  errorCode: number,
  api: keyof typeof HINT_FROM = 'produce',
): LeaderHint {
  const explains =
    errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH;
  if (!explains || context.apiVersion < HINT_FROM[api]) return {};
  const known = context.broker.metadata.partition(topic, partition);
  if (known === undefined || known.leader < 0) return {};
  return { currentLeader: { leaderId: known.leader, leaderEpoch: known.leaderEpoch } };
}

/** The addresses of the leaders that were hinted at, each once. */
export function leaderEndpoints(
  context: RequestContext,
  hints: readonly LeaderHint[],
): { nodeId: number; host: string; port: number; rack: string | null }[] {
  const ids = new Set(hints.map((hint) => hint.currentLeader?.leaderId ?? -1).filter((id) => id >= 0));
  return context.broker.metadata
    .brokers(context.listenerName)
    .filter((broker) => ids.has(broker.nodeId))
    .map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack }));
}
