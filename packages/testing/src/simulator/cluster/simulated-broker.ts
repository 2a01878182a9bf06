import { UNKNOWN_SPACE } from '@odradek/broker/adapters/disk-space.ts';
import type { BrokerGround } from '@odradek/broker/broker-ground.ts';
import { Broker } from '@odradek/broker/broker.ts';
import type { LoadedBrokerConfig } from '@odradek/broker/config/load-broker-config.ts';
import { loadBrokerConfig } from '@odradek/broker/config/load-broker-config.ts';
import type { Properties } from '@odradek/broker/config/server-properties.ts';
import type { Machine } from '@odradek/broker/machine.ts';
import { BATCH_HEADER_SIZE, type BatchHeader, batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { codecsAtOnce } from '@odradek/core/ports/codecs.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Socket } from 'node:net';
import { SimulatedSession } from '../coordination/simulated-session.ts';
import { SimulatedDisk } from '../../disk/simulated-disk.ts';
import { SimulatedProcess } from '../process/simulated-process.ts';
import { DriftingClock } from '../time/drifting-clock.ts';
import type { World } from './world.ts';

/** Where brokers listen, each on a machine of its own. */
const PORT = 9092;
/** On two disks, as far as the broker knows. */
export const DATA_DIRECTORIES = ['/data-1', '/data-2'];
/** How long the machine's supervisor waits before it starts a broker that ended by itself. */
const RESTART_MS = 1_000;
/** How long a device takes, milliseconds. */
const DISK_MIN_MS = 0.05;
const DISK_MAX_MS = 5;

/**
 * One machine with one broker: its clock and its disk, which outlive the process, and the process, when there is
 * one. The broker is the real one; all it has of the world comes from here.
 */
export class SimulatedBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly clock: DriftingClock;
  disk: SimulatedDisk;
  private readonly world: World;
  private readonly loaded: LoadedBrokerConfig;
  private process: SimulatedProcess | null = null;
  private running: Broker | null = null;
  private session: SimulatedSession | null = null;
  private lives = 0;
  private hasLostDirectory = false;

  constructor(world: World, nodeId: number, properties: Properties) {
    this.world = world;
    this.nodeId = nodeId;
    this.host = `broker-${nodeId}`;
    const random = world.random.fork(100 + nodeId);
    // Clocks of real machines differ by some ten parts per million; a thousandth shows more in less time.
    this.clock = new DriftingClock(world.time, 1 + (random.fraction() - 0.5) / 500);
    this.disk = new SimulatedDisk(() => this.clock.now(), random);
    this.loaded = loadBrokerConfig(properties, {
      'broker.id': String(nodeId),
      'broker.rack': `rack-${nodeId}`,
      listeners: `PLAINTEXT://${this.host}:${PORT}`,
      'log.dirs': DATA_DIRECTORIES.join(),
    });
  }

  get address(): string {
    return `${this.host}:${PORT}`;
  }

  get isUp(): boolean {
    return this.process?.isAlive === true;
  }

  /** Whether its disk came up without some of what had been written: its logs may be shorter than they were. */
  hasLostPower = false;
  /** Called before a process starts on what a loss of power has left. */
  beforePowerReturns: () => void = () => {};

  get isPaused(): boolean {
    return this.process?.isPaused === true;
  }

  /** The broker, once it serves. */
  get broker(): Broker | null {
    return this.isUp ? this.running : null;
  }

  /** What the broker holds, for checkers. */
  get replicas(): readonly Partition[] {
    // The broker does not show its parts to anybody else.
    const services = this.broker?.['services'] ?? null;
    return services === null ? [] : [...services.replicas.partitions()];
  }

  /** A new process on the disk as it is. Starts again by itself when the broker ends by itself. */
  start(): void {
    if (this.isUp) return;
    const { world } = this;
    if (this.hasLostPower) this.beforePowerReturns();
    this.lives += 1;
    this.hasLostDirectory = false;
    this.disk = this.disk.afterProcessCrash();
    const random = world.random.fork(1_000 * this.nodeId + this.lives);
    const life = new SimulatedProcess(this.host, world.time, this.clock, random);
    this.process = life;
    world.network.hostUp(this.host);
    this.serveDisk(life);
    world.trace.note(`broker ${this.nodeId} starts`);
    void Broker.start(this.ground(life)).then(
      (broker) => this.started(life, broker),
      (error: Error) => this.ended(life, `could not start: ${error.message}`),
    );
  }

  private started(life: SimulatedProcess, broker: Broker): void {
    if (this.process !== life || !life.isAlive) return;
    this.running = broker;
    this.world.trace.note(`broker ${this.nodeId} serves`);
    void broker.failed.then((error) => this.ended(life, error.message));
  }

  private ended(life: SimulatedProcess, reason: string): void {
    if (this.process !== life || !life.isAlive) return;
    this.world.trace.note(`broker ${this.nodeId} ended: ${reason}`);
    this.end();
    this.world.time.after(RESTART_MS, () => {
      if (this.process === life) this.start();
    });
  }

  /** `kill -9`: the page cache stays. */
  kill(): void {
    if (!this.isUp) return;
    this.world.trace.note(`broker ${this.nodeId} is killed`);
    this.end();
    this.process = null;
  }

  /** The machine loses its power: what was not synced may be gone, and nobody is told that connections are. */
  losePower(): void {
    this.world.trace.note(`broker ${this.nodeId} loses its power`);
    this.world.network.hostDown(this.host);
    this.end();
    this.process = null;
    this.hasLostPower = true;
    this.disk = this.disk.afterPowerLoss(this.world.random.fork(this.lives).below(2 ** 31));
  }

  /** SIGTERM: the broker hands over and ends. */
  stop(): void {
    const life = this.process;
    const { running } = this;
    if (life === null || running === null || !life.isAlive) return;
    this.world.trace.note(`broker ${this.nodeId} is told to stop`);
    void running.stop().then(() => {
      if (this.process !== life) return;
      this.world.trace.note(`broker ${this.nodeId} has stopped`);
      this.end();
      this.process = null;
    });
  }

  /** Whatever ails it ends. */
  heal(): void {
    this.freeDisk();
    this.misread(0);
    this.disk.before = () => null;
    this.resume();
    // A data directory that has failed is used again by the next process only.
    if (this.hasLostDirectory) this.kill();
    this.start();
  }

  /** From now on the disk takes nothing more, until `freeDisk`. */
  fillDisk(): void {
    this.world.trace.note(`the disk of broker ${this.nodeId} is full`);
    this.disk.capacityBytes = this.disk.usedBytes();
  }

  freeDisk(): void {
    this.disk.capacityBytes = Infinity;
  }

  /** The next sync of its disk fails; what it was to bring to the disk will never be there. */
  failNextSync(): void {
    const { disk } = this;
    disk.before = (io) => {
      if (io.kind !== 'sync') return null;
      this.world.trace.note(`a sync of broker ${this.nodeId} fails`);
      disk.before = () => null;
      this.hasLostDirectory = true;
      return { code: 'EIO' };
    };
  }

  /**
   * From now on reads of records have flipped bits, by this chance; 0: no more. What lies on the disk is whole, and
   * what checkers read, too. A header has a checksum of its records only, so it is the records that are hit.
   */
  misread(chance: number): void {
    if (chance > 0) this.world.trace.note(`the disk of broker ${this.nodeId} misreads`);
    const random = this.world.random.fork(10_000 + this.lives);
    this.disk.afterRead = (path, _position, bytes) => {
      if (chance === 0 || this.world.isObserved || !path.endsWith('.log') || !random.chance(chance)) return;
      const batches = batchesIn(bytes);
      if (batches.length === 0) return;
      const { position, sizeBytes } = random.pick(batches);
      const at = position + BATCH_HEADER_SIZE + random.below(Math.max(1, sizeBytes - BATCH_HEADER_SIZE));
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
    };
  }

  pause(): void {
    this.world.trace.note(`broker ${this.nodeId} is paused`);
    this.process?.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.world.trace.note(`broker ${this.nodeId} goes on`);
    this.process?.resume();
  }

  /** The ensemble ends its session, as if it had heard nothing for too long. */
  expireSession(): void {
    if (this.session === null) return;
    this.world.trace.note(`the session of broker ${this.nodeId} ends`);
    this.world.ensemble.endSession(this.session.sessionId);
  }

  /** Its connection with the ensemble breaks. */
  loseSessionConnection(): void {
    this.world.trace.note(`broker ${this.nodeId} loses its connection with ZooKeeper`);
    this.session?.loseConnection();
  }

  private end(): void {
    this.running = null;
    this.session = null;
    this.process?.end();
    this.disk.forgetLater();
  }

  private ground(life: SimulatedProcess): BrokerGround {
    return {
      loaded: this.loaded,
      disk: this.disk,
      dataDirectories: DATA_DIRECTORIES,
      coordinationFile: 'none: the tree is the ensemble',
      sharedTree: () => this.openSession(life),
      diskSpace: () => UNKNOWN_SPACE,
      log: this.logSink(),
      machine: this.machine(life),
    };
  }

  private openSession(life: SimulatedProcess) {
    const { ensemble, network } = this.world;
    const timeoutMs = this.loaded.config.zookeeperSessionTimeoutMs;
    const session = new SimulatedSession(ensemble, network, life, timeoutMs);
    this.session = session;
    return {
      session,
      close: () =>
        new Promise<void>((resolve) => {
          session.close(resolve);
        }),
    };
  }

  private machine(life: SimulatedProcess): Machine {
    const { network, time } = this.world;
    return {
      clock: life.clock,
      timers: life.timers,
      random: life.random,
      codecs: codecsAtOnce,
      sockets: { connect: (address, events) => network.connect(life, address, events) },
      openFilesMax: () => 10_000,
      acceptor: ({ port }, events) => {
        let close: () => void = () => {};
        return {
          bind: async () => {
            close = network.listen(life, port, (socket) => events.connected(socket as unknown as Socket));
            return port;
          },
          close: (done) => {
            close();
            life.timers.after(0, done);
          },
        };
      },
      nextTurn: () =>
        new Promise<void>((resolve) => {
          time.after(0, () => life.deliver(resolve));
        }),
    };
  }

  /** Operations off the loop are done some time later, in their order. */
  private serveDisk(life: SimulatedProcess): void {
    const { disk } = this;
    const random = life.random.fork(1);
    disk.onLater = () => {
      const delayMs = DISK_MIN_MS + random.fraction() * (DISK_MAX_MS - DISK_MIN_MS);
      this.world.time.after(delayMs, () => life.deliver(() => disk.completeNextLater()));
    };
  }

  private logSink(): LogSink {
    const { trace } = this.world;
    const tell = (level: string) => (message: string, values?: Readonly<Record<string, unknown>>) =>
      trace.log(`broker ${this.nodeId} ${level}: ${message}`, values);
    return { debug: () => {}, info: tell('info'), warn: tell('warn'), error: tell('error') };
  }
}

/** None where the bytes do not begin with one: not every read is of batches. */
function batchesIn(bytes: Buffer): BatchHeader[] {
  try {
    return [...batchesOf(bytes)];
  } catch (error) {
    if (error instanceof MalformedBytesError) return [];
    throw error;
  }
}
