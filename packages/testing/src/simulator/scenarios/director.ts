import assert from 'node:assert/strict';
import type { Cluster } from '@odradek/client';
import type { WriteOperation } from '@odradek/core/ports/coordination.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import { decodeControllerNode } from '@odradek/core/controller/controller-node.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import { ScriptedSender, type Sent } from '../clients/scripted-sender.ts';
import type { SimulatedBroker } from '../cluster/simulated-broker.ts';
import type { Stage } from '../stage.ts';

/** How long a step may take, milliseconds. */
const STEP_MS = 30_000;

/** The verbs of scenarios. The topic has one partition, and the replicas are called by their parts in the play. */
export class Director {
  readonly stage: Stage;
  private readonly all: ScriptedSender;
  private readonly one: ScriptedSender;

  constructor(stage: Stage) {
    this.stage = stage;
    this.all = new ScriptedSender(stage.world, stage.load, { name: 'sender', number: 11, acks: 'all' });
    this.one = new ScriptedSender(stage.world, stage.load, { name: 'hasty', number: 12, acks: 'leader' });
  }

  get brokers(): readonly SimulatedBroker[] {
    return this.stage.cluster.brokers;
  }

  /** The broker that leads in the highest epoch, as far as brokers know. */
  get leader(): SimulatedBroker {
    const leading = this.brokers.filter((broker) => this.replica(broker)?.isLeader === true);
    const [first] = leading.sort((a, b) => this.replica(b)!.leaderEpoch - this.replica(a)!.leaderEpoch);
    assert.ok(first !== undefined, 'no broker leads');
    return first;
  }

  get followers(): readonly SimulatedBroker[] {
    const { leader } = this;
    return this.brokers.filter((broker) => broker !== leader);
  }

  /** In the order of the assignment, by which leaders are elected. */
  get followersInOrder(): readonly SimulatedBroker[] {
    const { leader } = this;
    const others = this.replica(leader)!.replicas.filter((id) => id !== leader.nodeId);
    return others.map((id) => this.stage.cluster.broker(id));
  }

  /** The broker that holds /controller. */
  get controller(): SimulatedBroker {
    const { ensemble } = this.stage.world;
    return this.stage.cluster.broker(decodeControllerNode(ensemble.read(treePaths.controller).data));
  }

  controllerIsNot(broker: SimulatedBroker): boolean {
    const { ensemble } = this.stage.world;
    return ensemble.stat(treePaths.controller) !== null && this.controller !== broker;
  }

  replica(broker: SimulatedBroker): Partition | undefined {
    const { topic } = this.stage.load;
    return broker.replicas.find((replica) => replica.topic === topic && replica.index === 0);
  }

  /** The replicas of a topic, wherever they are. */
  replicasOf(name: string): readonly Partition[] {
    return this.brokers.flatMap(({ replicas }) => replicas.filter(({ topic }) => topic === name));
  }

  logEnd(broker: SimulatedBroker): number {
    return this.replica(broker)?.log.logEndOffset ?? -1;
  }

  isLeader(broker: SimulatedBroker): boolean {
    return this.replica(broker)?.isLeader === true;
  }

  isInSync(broker: SimulatedBroker): boolean {
    const led = this.brokers.filter((each) => this.isLeader(each));
    return led.some((each) => this.replica(each)!.isr.includes(broker.nodeId));
  }

  /** Sends records, and waits until they are acknowledged. */
  async sendAll(count: number): Promise<void> {
    const sent = this.begin(count);
    await this.until('the records are acknowledged', () => sent.every(({ outcome }) => outcome === 'ok'));
  }

  /** Begins to send with acks=all. */
  begin(count: number): readonly Sent[] {
    return Array.from({ length: count }, () => this.all.send());
  }

  /** Begins to send with acks=1. */
  beginHasty(count: number): readonly Sent[] {
    return Array.from({ length: count }, () => this.one.send());
  }

  /** Asks the administrator for something, and waits for the answer. A refusal is a problem. */
  async asks(what: string, act: (cluster: Cluster) => Promise<unknown>): Promise<void> {
    let isAnswered = false;
    this.stage.cluster.administrator.attempt(what, async (cluster) => {
      try {
        await act(cluster);
      } catch (error) {
        this.stage.problems.add('refused', `${what}: ${String(error)}`);
      }
      isAnswered = true;
      return 'done';
    });
    await this.until(what, () => isAnswered);
  }

  /** Makes a topic of one partition. @param assignment three replicas anywhere unless given */
  async topicIsThere(name: string, assignment?: readonly (readonly number[])[]): Promise<void> {
    const topic =
      assignment === undefined ? { name, partitions: 1, replicationFactor: 3 } : { name, assignment };
    let isThere = false;
    void this.stage.cluster.administrator.createTopic(topic).then(() => (isThere = true));
    await this.until(`${name} is there`, () => isThere);
  }

  /** Writes into the tree as another program does, in one go. */
  writeTree(operations: readonly WriteOperation[]): void {
    this.stage.world.ensemble.write('another program', operations);
  }

  /** Nothing gets from one machine to the other, nor back. */
  separate(a: SimulatedBroker, b: SimulatedBroker | 'zookeeper'): void {
    const other = b === 'zookeeper' ? b : b.host;
    this.stage.world.trace.note(`${a.host} and ${other} are separated`);
    this.stage.world.network.block(a.host, other);
    this.stage.world.network.block(other, a.host);
  }

  join(a: SimulatedBroker, b: SimulatedBroker | 'zookeeper'): void {
    const other = b === 'zookeeper' ? b : b.host;
    this.stage.world.trace.note(`${a.host} and ${other} reach each other again`);
    this.stage.world.network.unblock(a.host, other);
    this.stage.world.network.unblock(other, a.host);
  }

  /** Connections break, with all that is on its way, and there are no new ones. */
  cut(a: SimulatedBroker, b: SimulatedBroker): void {
    this.separate(a, b);
    this.stage.world.network.cut(a.host, b.host);
  }

  /** Where the leader is the controller as well, another broker takes that office. */
  async makeAnotherTheController(): Promise<void> {
    const { leader } = this;
    if (leader !== this.controller) return;
    await this.takeOfficeFrom(leader);
    await this.until('it leads again', () => this.isLeader(leader));
  }

  /** If it is the controller it is restarted, so that it is none. */
  async takeOfficeFrom(broker: SimulatedBroker): Promise<void> {
    if (broker !== this.controller) return;
    broker.kill();
    await this.until('another broker is the controller', () => this.controllerIsNot(broker));
    await this.starts(broker);
    await this.until('it is in sync', () => this.isInSync(broker));
  }

  /** From all brokers and the ensemble; clients still reach it. */
  isolate(broker: SimulatedBroker): void {
    for (const other of this.brokers) if (other !== broker) this.separate(broker, other);
    this.separate(broker, 'zookeeper');
  }

  passes(ms: number): Promise<void> {
    return this.stage.passes(ms);
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    await this.stage.within(what, () => (isSo() ? null : 'not so'), STEP_MS);
  }

  /** A broker comes up and serves. */
  async starts(broker: SimulatedBroker): Promise<void> {
    broker.start();
    await this.until(`broker ${broker.nodeId} serves`, () => broker.broker !== null);
  }

  /** Another broker than this one leads. */
  async leaderChangesFrom(broker: SimulatedBroker): Promise<void> {
    await this.until('another broker leads', () =>
      this.brokers.some((other) => other !== broker && this.isLeader(other)),
    );
  }

  /** All that was begun to be sent has an outcome. */
  async settled(): Promise<void> {
    await this.until('all that was sent has an outcome', () => this.all.isDone && this.one.isDone);
  }
}
