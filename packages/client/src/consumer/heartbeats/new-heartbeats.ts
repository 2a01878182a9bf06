import type { ConsumerGroupHeartbeatResponse } from '@odradek/protocol/generated/consumer-group-heartbeat-response.ts';
import type { HeartbeatResponse } from '@odradek/protocol/generated/heartbeat-response.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { ClusterOptions } from '../../cluster/cluster-options.ts';
import type { Coordinator } from '../../cluster/coordinators.ts';
import type { BeatProtocol } from './beat-protocol.ts';
import { classicBeats, type ClassicBeat } from './classic-beats.ts';
import { consumerBeats, type ConsumerBeat } from './consumer-beats.ts';
import { LoopHeartbeats, type HeartbeatEvents, type Heartbeats } from './heartbeats.ts';
import { ThreadHeartbeats } from './thread-heartbeats.ts';

/** What heartbeats of one consumer are made with. */
export interface HeartbeatParts {
  readonly cluster: Cluster;
  readonly coordinator: Coordinator;
  /** What the cluster was made with. */
  readonly clusterOptions: ClusterOptions;
  /** Of the thread that sends them; null when the event loop does. */
  readonly program: URL | null;
  /** As long as the event loop may be blocked until the thread gives the place up, milliseconds. */
  readonly silenceMaxMs: number;
}

type NewHeartbeats<Beat, Answer> = (events: HeartbeatEvents<Answer>) => Heartbeats<Beat>;

export function classicHeartbeats(parts: HeartbeatParts): NewHeartbeats<ClassicBeat, HeartbeatResponse> {
  return (events) => newHeartbeats(parts, 'classic', classicBeats, events);
}

export function consumerHeartbeats(
  parts: HeartbeatParts,
): NewHeartbeats<ConsumerBeat, ConsumerGroupHeartbeatResponse> {
  return (events) => newHeartbeats(parts, 'consumer', consumerBeats, events);
}

function newHeartbeats<Beat, Answer>(
  { cluster, coordinator, clusterOptions, program, silenceMaxMs }: HeartbeatParts,
  name: 'classic' | 'consumer',
  protocol: BeatProtocol<Beat, Answer>,
  events: HeartbeatEvents<Answer>,
): Heartbeats<Beat> {
  const { clock, threads } = cluster.environment;
  if (program === null || threads === undefined)
    return new LoopHeartbeats(coordinator, clock, protocol, events);
  const thread = { threads, program, silenceMaxMs, cluster: clusterOptions };
  return new ThreadHeartbeats(name, coordinator.key, thread, events);
}
