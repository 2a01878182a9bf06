// The program of the thread that keeps a member's place in its group while the event loop is blocked. It uses the same
// connections, authentication and search for the coordinator as the consumer itself.
import type { ClusterOptions } from '../cluster/cluster-options.ts';
import { Cluster } from '../cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../cluster/coordinators.ts';
import type { BeatProtocol } from '../consumer/heartbeats/beat-protocol.ts';
import { classicBeats } from '../consumer/heartbeats/classic-beats.ts';
import { consumerBeats } from '../consumer/heartbeats/consumer-beats.ts';
import { PlaceKeeper } from '../consumer/heartbeats/place-keeper.ts';
import {
  errorFrom,
  type FromKeeper,
  type KeeperData,
  type ToKeeper,
} from '../consumer/heartbeats/thread-messages.ts';
import type { BearerToken } from '../network/sasl/sasl-options.ts';
import { nodeEnvironment } from './node-environment.ts';
import { parentThread, type ParentThread } from './node-threads.ts';

const PROTOCOLS: Readonly<Record<KeeperData['protocol'], BeatProtocol<never, never>>> = {
  classic: classicBeats as BeatProtocol<never, never>,
  consumer: consumerBeats as BeatProtocol<never, never>,
};

function keepPlace({ data, clock, say, onSaid }: ParentThread): void {
  const { protocol, groupId, cluster: options, sasl, silenceMaxMs } = data as KeeperData;
  const tokens = new Tokens(say);
  const environment = { ...nodeEnvironment(), clock };
  const cluster = new Cluster({ ...options, environment, ...saslOption(sasl, tokens) });
  const coordinator = new Coordinator(cluster, CoordinatorType.GROUP, groupId);
  const keeper = new PlaceKeeper(environment, coordinator, PROTOCOLS[protocol], silenceMaxMs, say);
  onSaid((said) => {
    const message = said as ToKeeper;
    if (message.kind === 'token') tokens.brought(message);
    else keeper.hear(message);
  });
}

function saslOption(sasl: KeeperData['sasl'], tokens: Tokens): Pick<ClusterOptions, 'sasl'> {
  if (sasl === null) return {};
  if (sasl !== 'oauthbearer') return { sasl };
  return { sasl: { mechanism: sasl, token: () => tokens.wanted() } };
}

/** Where tokens come from only the event loop knows. While it is blocked a new connection waits for one. */
class Tokens {
  private readonly say: (message: FromKeeper) => void;
  private readonly waiting = new Map<
    number,
    { resolve: (token: BearerToken) => void; reject: (error: Error) => void }
  >();
  private lastId = 0;

  constructor(say: (message: FromKeeper) => void) {
    this.say = say;
  }

  wanted(): Promise<BearerToken> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.say({ kind: 'token', id });
    });
  }

  brought({ id, token }: Extract<ToKeeper, { kind: 'token' }>): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if ('error' in token) waiting?.reject(errorFrom(token.error));
    else waiting?.resolve(token);
  }
}

const parent = parentThread();
if (parent !== null) keepPlace(parent);
