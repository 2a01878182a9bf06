import { applyMetadataUpdate, type MetadataUpdate } from '@odradek/core/controller/metadata-updates.ts';
import type { BrokerEndpoint } from '@odradek/core/controller/broker-registration.ts';
import { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import { announceLogDirFailure } from '@odradek/core/controller/log-dir-events.ts';
import type { LogManager } from '@odradek/core/log/log-manager.ts';
import type { DiskError } from '@odradek/core/ports/disk.ts';
import { nodeMachine } from './adapters/node-machine.ts';
import { assembleBroker, type BrokerLife } from './broker-assembly.ts';
import type { BrokerGround } from './broker-ground.ts';
import type { BrokerServices } from './broker-services.ts';
import type { ClusterPeers } from './cluster/cluster-peers.ts';
import { handOver } from './cluster/controlled-shutdown.ts';
import { SessionRenewal } from './cluster/session-renewal.ts';
import { CurrentSession } from './current-session.ts';
import { identifyDirectories, knownOwner, usableDirectories } from './data-directories.ts';
import type { GroupRuntime } from './groups/group-runtime.ts';
import { handlerRegistry } from './handlers/index.ts';
import type { Machine } from './machine.ts';
import { openCoordination, type OpenCoordination } from './open-coordination.ts';
import { bindListeners } from './server/bind-listeners.ts';
import { Dispatcher } from './server/dispatcher.ts';
import type { Listener } from './server/listener.ts';
import { ClusterMembership, type Member } from './topics/cluster-membership.ts';

/** How long clients get to take their last answers when the broker stops. */
const STOP_DEADLINE_MS = 5_000;
/** Of more sessions than these none can be left. */
const SESSIONS_MAX = 100;
const ANNOUNCEMENT_RETRY_MS = 1_000;
/** How long logs are opened at start before others run. */
const OPENING_TURN_MS = 5;
/** Topics whose settings are asked for in one step. */
const TOPICS_LEARNT_AT_ONCE = 100;

/**
 * One broker: its life from the start over sessions that end and begin anew to the stop. Its parts are made in
 * broker-assembly.ts; two brokers in one process share nothing.
 */
export class Broker {
  private readonly ground: BrokerGround;
  private readonly machine: Machine;
  private tree: OpenCoordination;
  private readonly coordination: CurrentSession;
  private readonly renewal: SessionRenewal;
  /** The sessions that this broker has had: one of them may still be in the tree when there is another. */
  private readonly sessionIds = new Set<string>();
  private readonly state = new ClusterState();
  private peers: ClusterPeers | null = null;
  /** The transaction of its registration: larger in each of its lives. */
  private brokerEpoch = -1;
  /** Orders for an earlier life than this are none. */
  private orderedFromEpoch = -1;
  private isServing = false;
  private services: (BrokerServices & { groups: GroupRuntime }) | null = null;
  private listeners: readonly Listener[] = [];
  private endpoints: readonly BrokerEndpoint[] = [];
  private stopping: Promise<void> | null = null;
  private readonly failure = Promise.withResolvers<Error>();
  private failureReason: Error | null = null;

  private constructor(ground: BrokerGround, machine: Machine, tree: OpenCoordination) {
    this.ground = ground;
    this.machine = machine;
    this.tree = tree;
    this.coordination = new CurrentSession(tree.session);
    this.renewal = new SessionRenewal({
      open: (signal) => openTree(ground, machine, signal),
      rejoin: (next, signal) => this.rejoin(next, signal),
      refused: (reason) => this.endBecause(reason),
      timers: machine.timers,
      log: ground.log,
    });
    this.adopt(tree);
  }

  /**
   * Recovers the logs, takes the listeners' addresses and serves.
   *
   * @throws when a directory, the coordination tree or an address cannot be used; nothing is left open then
   */
  static async start(ground: BrokerGround): Promise<Broker> {
    const { machine = nodeMachine() } = ground;
    const usable = usableDirectories(ground.disk, ground.dataDirectories, ground.log);
    const tree = await openTree(ground, machine, null);
    const broker = new Broker(ground, machine, tree);
    try {
      await broker.assemble(usable);
      await broker.serve();
      if (broker.failureReason !== null) throw broker.failureReason;
      return broker;
    } catch (error) {
      await broker.stop();
      throw broker.failureReason ?? error;
    }
  }

  /** Settles when the broker has ended by itself, with why; never for one that was told to stop. */
  get failed(): Promise<Error> {
    return this.failure.promise;
  }

  /** Where clients reach this broker, by listener. */
  get addresses(): readonly BrokerEndpoint[] {
    return this.endpoints;
  }

  get nodeId(): number {
    return this.ground.loaded.config.brokerId;
  }

  get clusterId(): string {
    return this.state.clusterId;
  }

  /** Answers what is in work, syncs and closes the logs and marks them clean. Does nothing the second time. */
  stop(): Promise<void> {
    this.stopping ??= this.stopOnce(STOP_DEADLINE_MS);
    return this.stopping;
  }

  private adopt(tree: OpenCoordination): void {
    this.tree = tree;
    this.coordination.replace(tree.session);
    this.sessionIds.add(tree.session.sessionId);
    for (const oldest of this.sessionIds)
      if (this.sessionIds.size > SESSIONS_MAX) this.sessionIds.delete(oldest);
    tree.session.onSession((state) => {
      if (state === 'expired') this.sessionOver();
    });
  }

  /**
   * Another broker may lead what this one led by now, and nobody would know of what it still took. So it ceases to
   * lead, tells all who wait, and seeks a new session. Who has none yet, or is about to stop, ends.
   */
  private sessionOver(): void {
    const { nodeId } = this;
    if (!this.isServing || this.stopping !== null) {
      return this.endBecause(new Error(`the session of broker ${nodeId} with the coordination tree is over`));
    }
    this.ground.log.error(
      'the session with the coordination tree is over: leading nothing until there is a new one',
      {
        nodeId,
        brokerEpoch: this.brokerEpoch,
      },
    );
    this.orderedFromEpoch = Math.max(this.orderedFromEpoch, this.brokerEpoch + 1);
    this.brokerEpoch = -1;
    this.services!.replicas.endLife();
    this.renewal.begin();
  }

  /** Becomes a member of the cluster once more, as a broker that has just been started does. */
  private async rejoin(tree: OpenCoordination, signal: AbortSignal): Promise<void> {
    const { nodeId } = this;
    const { timers } = this.machine;
    this.adopt(tree);
    const { configs, topics } = this.services!;
    const { config } = this.ground.loaded;
    const membership = this.membership();
    await membership.findAgain();
    await configs.readAnew();
    const former = {
      sessionIds: this.sessionIds,
      patienceMs: 2 * config.zookeeperSessionTimeoutMs,
      timers,
      signal,
    };
    this.noteLife(await membership.registerAgain(this.member(), former));
    await topics.startIn(tree.session);
    this.ground.log.info('back in the cluster', { nodeId, brokerEpoch: this.brokerEpoch });
  }

  private noteLife(brokerEpoch: number): void {
    this.brokerEpoch = brokerEpoch;
    this.orderedFromEpoch = brokerEpoch;
  }

  private member(): Member {
    const { brokerRack } = this.ground.loaded.config;
    return { nodeId: this.nodeId, endpoints: this.endpoints, rack: brokerRack };
  }

  /**
   * Others are to lead what was led in it. Where there is no session now, the controller learns it when there is one
   * again: then it tells of all replicas, and is answered which ones cannot be used.
   */
  private directoryFailed(): void {
    if (this.stopping !== null) return;
    const { timers } = this.machine;
    announceLogDirFailure(this.coordination, this.nodeId, (error) => {
      if (error?.code === 'CONNECTIONLOSS') timers.after(ANNOUNCEMENT_RETRY_MS, () => this.directoryFailed());
      else if (error !== null)
        this.ground.log.warn('the controller could not be told of a failed directory', { error });
    });
  }

  /** No data directory is left: there is nothing that could be served. */
  private allDirectoriesFailed(cause: DiskError): void {
    this.endBecause(
      new Error(`all data directories have failed, the last one by ${cause.message}`, { cause }),
    );
  }

  private endBecause(reason: Error): void {
    this.ground.log.error('stopping at once', { reason: reason.message });
    if (this.stopping !== null) return this.cutClientsOff();
    this.failureReason = reason;
    this.stopping = this.stopOnce(0);
    const end = () => this.failure.resolve(reason);
    this.stopping.then(end, (error: unknown) => {
      this.ground.log.error('the end was not clean', { error });
      end();
    });
  }

  /** A farewell may take long, and whoever is asked to take over may never answer. */
  private cutClientsOff(): void {
    for (const listener of this.listeners) void listener.stop(0);
  }

  private async stopOnce(answersDeadlineMs: number): Promise<void> {
    const { services } = this;
    await this.renewal.stop();
    if (services !== null && answersDeadlineMs > 0) await this.handOver(services);
    this.services = null;
    if (services !== null) {
      services.groups.stop();
      services.replicas.completeParked();
      this.peers?.close();
      await Promise.all(this.listeners.map((listener) => listener.stop(answersDeadlineMs)));
      await new Promise<void>((resolve) => services.logs.syncForClose(resolve));
      services.logs.close();
    }
    await this.tree.close();
    this.machine.timers.stop();
  }

  /** Others lead what was led here. A broker that is alone has nobody to hand over to. */
  private async handOver({ topics, config }: BrokerServices): Promise<void> {
    const { state, peers, brokerEpoch } = this;
    if (brokerEpoch < 0 || peers === null || !config.controlledShutdownEnable) return;
    await handOver({
      self: { brokerId: this.nodeId, brokerEpoch },
      peers: peers.ways,
      timers: this.machine.timers,
      log: this.ground.log,
      isAlone: () => state.brokers.size < 2,
      controllerId: () => state.controllerId,
      relieve: (self) => topics.relieve(self),
      retriesMax: config.controlledShutdownMaxRetries,
      backoffMs: config.controlledShutdownRetryBackoffMs,
      timeoutMs: config.controllerSocketTimeoutMs,
    });
  }

  /** @param usable data directories that can be read now */
  private async assemble(usable: readonly string[]): Promise<void> {
    const { loaded, log, disk } = this.ground;
    const { config } = loaded;
    const membership = this.membership();
    const known = knownOwner(disk, usable, config.brokerId);
    const clusterId = await membership.join(known.clusterId);
    if (config.brokerId < 0) {
      const brokerId = known.brokerId ?? (await membership.generateBrokerId(config.reservedBrokerMaxId));
      Object.assign(config, { brokerId, nodeId: brokerId });
      log.info('this broker has no number of its own, and goes by one that was generated', { brokerId });
    }
    identifyDirectories(disk, usable, config.brokerId, clusterId);
    const { services, peers } = await assembleBroker({
      ground: this.ground,
      machine: this.machine,
      coordination: this.coordination,
      state: this.state,
      life: this.life(),
    });
    this.services = services;
    this.peers = peers;
  }

  private life(): BrokerLife {
    const session = () => this.tree.session;
    return {
      brokerEpoch: () => this.brokerEpoch,
      orderedFromEpoch: () => this.orderedFromEpoch,
      get session() {
        return session();
      },
      noticeSessionEnd: () => this.tree.noticeEnd?.(),
      directoryFailed: () => this.directoryFailed(),
      allDirectoriesFailed: (cause) => this.allDirectoriesFailed(cause),
      takeMetadata: (update) => this.takeMetadata(update),
    };
  }

  private async serve(): Promise<void> {
    const { logs, topics, groups, replicas } = this.services!;
    await this.openInTurns(logs);
    await this.bindListeners();
    this.noteLife(await this.membership().register(this.member()));
    await topics.start();
    groups.start();
    logs.start();
    replicas.start();
    this.isServing = true;
    for (const listener of this.listeners) listener.open();
  }

  /** Timers and the session with the coordination tree go on while thousands of logs are opened. */
  private async openInTurns(logs: LogManager): Promise<void> {
    const { clock, nextTurn } = this.machine;
    let turnEndsMs = clock.monotonic() + OPENING_TURN_MS;
    for (const _ of logs.openStepwise()) {
      if (clock.monotonic() < turnEndsMs) continue;
      await nextTurn();
      turnEndsMs = clock.monotonic() + OPENING_TURN_MS;
    }
  }

  private *takeMetadata(update: MetadataUpdate): Generator<void, void> {
    // The last words of a controller to a broker that stops.
    if (this.services === null) return;
    const { configs, topics, log } = this.services;
    const deleted = yield* applyMetadataUpdate(this.state, update);
    for (const topic of deleted) configs.topicDeleted(topic);
    topics.topicsDeleted(deleted);
    for (let at = 0; at < update.topics.length; at += TOPICS_LEARNT_AT_ONCE) {
      const some = update.topics.slice(at, at + TOPICS_LEARNT_AT_ONCE).map(({ name }) => name);
      configs
        .learnTopics(some.filter((name) => this.state.topic(name) !== undefined))
        ?.catch((error: unknown) => log.error('settings of topics could not be read', { error }));
      yield;
    }
  }

  private membership(): ClusterMembership {
    const { coordination, state } = this;
    const { clock, random } = this.machine;
    return new ClusterMembership({ coordination, state, clock, random });
  }

  private async bindListeners(): Promise<void> {
    const { loaded, log, interpose = (handlers) => handlers } = this.ground;
    const { acceptor, clock, timers } = this.machine;
    const services = this.services!;
    const dispatcher = new Dispatcher(interpose(handlerRegistry, services), services);
    const listeners: Listener[] = [];
    this.listeners = listeners;
    this.endpoints = await bindListeners(
      loaded.config,
      { dispatcher, acceptor, clock, timers, log },
      listeners,
    );
  }
}

async function openTree(
  ground: BrokerGround,
  machine: Machine,
  signal: AbortSignal | null,
): Promise<OpenCoordination> {
  const { sharedTree, loaded, coordinationFile, log } = ground;
  if (sharedTree !== undefined) return sharedTree();
  return openCoordination(loaded.config, coordinationFile, machine.clock, log, process.env, signal);
}
