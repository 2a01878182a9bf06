import type { Address, Sockets } from '@odradek/client/ports/sockets.ts';
import type { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import type { Clock, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Peers } from '@odradek/core/ports/peers.ts';
import type { Random } from '@odradek/core/ports/random.ts';
import type { InSyncOutcome, InSyncProposal } from '@odradek/core/replication/leader-role.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import { ReplicaFetchers } from '@odradek/core/replication/replica-fetchers.ts';
import type { ReplicationQuota } from '@odradek/core/replication/replication-quota.ts';
import type { ReplicaPeers } from '@odradek/core/replication/replica-manager.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import { InSyncProposals, type InSyncProposalsParts } from './in-sync-proposals.ts';
import { PeerLinks } from './peer-links.ts';

export interface ClusterPeersParts {
  readonly config: BrokerConfig;
  readonly state: ClusterState;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly sockets: Sockets;
  readonly log: LogSink;
  /** Of this broker in its present life, -1 before it has registered. */
  brokerEpoch(): number;
  readonly askHere: InSyncProposalsParts['askHere'];
  /** What throttled followers here may take. */
  readonly followerQuota: ReplicationQuota;
  /** Replicas here have taken records or lost some: those who wait may be woken. */
  progressed(): void;
}

/** The rest of the cluster, as one broker deals with it: ways to all others, followers and leaders among them. */
export class ClusterPeers implements ReplicaPeers {
  readonly isLive: (brokerId: number) => boolean;
  private readonly links: PeerLinks;
  private readonly fetchers: ReplicaFetchers;
  private readonly proposals: InSyncProposals;

  constructor(parts: ClusterPeersParts) {
    const { config, state, clock, timers, random, sockets, log } = parts;
    const nodeId = config.brokerId;
    this.isLive = state.isLive;
    this.links = new PeerLinks({
      nodeId,
      environment: { clock, timers, random, sockets },
      addressOf: (brokerId) => peerAddress(state, brokerId, config.interBrokerListenerName),
      setupTimeoutMs: config.socketConnectionSetupTimeoutMs,
      setupTimeoutMaxMs: config.socketConnectionSetupTimeoutMaxMs,
      // No batch is larger than the request that it came in, and an answer exceeds its limit by one batch at most.
      frameSizeMaxBytes: config.socketRequestMaxBytes + config.replicaFetchResponseMaxBytes,
    });
    this.fetchers = new ReplicaFetchers({
      nodeId,
      peers: this.links,
      clock,
      timers,
      log,
      brokerEpoch: () => parts.brokerEpoch(),
      settings: () => ({
        waitMaxMs: config.replicaFetchWaitMaxMs,
        minBytes: config.replicaFetchMinBytes,
        maxBytes: config.replicaFetchResponseMaxBytes,
        partitionMaxBytes: config.replicaFetchMaxBytes,
        backoffMs: config.replicaFetchBackoffMs,
        timeoutMs: config.replicaSocketTimeoutMs,
      }),
      fetchersPerLeader: () => config.numReplicaFetchers,
      progressed: () => parts.progressed(),
      quota: parts.followerQuota,
    });
    this.proposals = new InSyncProposals({
      nodeId,
      peers: this.links,
      timers,
      log,
      brokerEpoch: () => parts.brokerEpoch(),
      controllerId: () => state.controllerId,
      askHere: (broker, proposals) => parts.askHere(broker, proposals),
      timeoutMs: () => config.controllerSocketTimeoutMs,
    });
  }

  /** Ways to the other brokers, for other purposes than copying. */
  get ways(): Peers {
    return this.links;
  }

  proposeInSync(proposal: InSyncProposal, done: (outcome: InSyncOutcome) => void): void {
    this.proposals.propose(proposal, done);
  }

  follow(partition: Partition): void {
    this.fetchers.follow(partition);
  }

  unfollow(partition: Partition): void {
    this.fetchers.unfollow(partition);
  }

  /** From here on nothing is copied, asked or sent. */
  close(): void {
    this.fetchers.close();
    this.proposals.close();
    this.links.close();
  }
}

/** Where a broker takes requests of other brokers: at the listener of that name (`inter.broker.listener.name`). */
function peerAddress(state: ClusterState, brokerId: number, listenerName: string): Address | null {
  const endpoints = state.brokers.get(brokerId)?.endpoints ?? [];
  const endpoint = endpoints.find((candidate) => candidate.listenerName === listenerName);
  return endpoint === undefined ? null : { host: endpoint.host, port: endpoint.port };
}
