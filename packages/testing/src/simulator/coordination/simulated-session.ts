import type { TreeChange } from '@odradek/broker/adapters/embedded-coordination/tree-write.ts';
import {
  CoordinationError,
  type Coordination,
  type Done,
  type NodeContents,
  type SessionState,
  type Stat,
  type Watch,
  type WriteDone,
  type WriteOperation,
} from '@odradek/core/ports/coordination.ts';
import type { Network } from '../network/network.ts';
import type { Pipe } from '../network/pipe.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import { type Call, OrderedCalls } from './ordered-calls.ts';
import type { SimulatedEnsemble } from './simulated-ensemble.ts';
import { type Firing, WatchList, type WatchOrigin, type WatchTarget } from './watch-list.ts';

/** One connection with the ensemble. What belongs to an earlier one is nobody's any more. */
interface Connection {
  readonly out: Pipe;
  readonly back: Pipe;
  isAttached: boolean;
}

/** Between two tries to connect, milliseconds. */
const RETRY_MS = 50;

/**
 * One session with the simulated ensemble, at its client's side. It does what our ZooKeeper client does: when a
 * connection goes, writes that were sent fail with CONNECTIONLOSS and reads are asked again on the next one, what
 * was not sent waits, and watches fire then for what has changed. The session is over when the ensemble says so, or
 * when the client's own clock says that it may be.
 */
export class SimulatedSession implements Coordination {
  readonly sessionId: string;
  private readonly ensemble: SimulatedEnsemble;
  private readonly network: Network;
  private readonly process: SimulatedProcess;
  private readonly timeoutMs: number;
  private readonly calls = new OrderedCalls();
  private readonly watches = new WatchList();
  private readonly listeners = new Set<(state: SessionState) => void>();
  private connection: Connection | null = null;
  /** Events that the client has not got yet, in their order. */
  private firings: Firing[] = [];
  private provenMs: number;
  private isOver = false;
  private hasBeenAttached = false;
  private closed: (() => void)[] | null = null;

  constructor(ensemble: SimulatedEnsemble, network: Network, process: SimulatedProcess, timeoutMs: number) {
    this.ensemble = ensemble;
    this.network = network;
    this.process = process;
    this.timeoutMs = timeoutMs;
    this.provenMs = process.clock.monotonic();
    this.sessionId = ensemble.openSession(timeoutMs, {
      changed: (change) => this.changed(change),
      ended: () => this.endedAtEnsemble(),
    });
    process.onEnd(() => this.drop());
    this.connect();
    this.watchExpiry();
  }

  write(operations: readonly WriteOperation[], done: WriteDone): void {
    if (operations.length === 0) throw new RangeError('a write needs at least one operation');
    this.submit(
      operations[0]!.path,
      true,
      () => {
        const results = this.ensemble.write(this.sessionId, operations);
        return () => done(null, results);
      },
      (error) => done(error, []),
    );
  }

  read(path: string, watch: Watch | null, done: Done<NodeContents>): void {
    this.ask(path, done, (origin) => {
      const contents = this.ensemble.read(path);
      this.watch('node', path, watch, origin);
      return contents;
    });
  }

  stat(path: string, watch: Watch | null, done: Done<Stat | null>): void {
    this.ask(path, done, (origin) => {
      const stat = this.ensemble.stat(path);
      this.watch('node', path, watch, origin);
      return stat;
    });
  }

  children(path: string, watch: Watch | null, done: Done<readonly string[]>): void {
    this.ask(path, done, (origin) => {
      const names = this.ensemble.children(path);
      this.watch('children', path, watch, origin);
      return names;
    });
  }

  onSession(listener: (state: SessionState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(done: () => void): void {
    if (this.isOver) return void this.soon(done);
    if (this.closed !== null) return void this.closed.push(done);
    this.closed = [done];
    if (this.connection?.isAttached === true) this.sendClose(this.connection);
    // Before its first connection a session has calls that must still be made; later there may be none any more.
    else if (this.hasBeenAttached) this.soon(() => this.end(null));
  }

  private sendClose(connection: Connection): void {
    connection.out.control(() => {
      this.ensemble.endSession(this.sessionId);
      this.toClient(connection, () => this.end(null));
    });
  }

  /** The connection breaks; the client is told, and looks for another. */
  loseConnection(): void {
    const { connection } = this;
    if (connection === null) return;
    this.drop();
    this.soon(() => this.lost());
  }

  // --- calls

  private ask<Value>(path: string, done: Done<Value>, act: (origin: WatchOrigin) => Value): void {
    this.submit(
      path,
      false,
      () => {
        const origin = { isAnswered: false };
        const value = act(origin);
        return () => {
          origin.isAnswered = true;
          done(null, value);
        };
      },
      (error) => done(error, null),
    );
  }

  private submit(
    path: string,
    isWrite: boolean,
    perform: () => () => void,
    fail: (error: CoordinationError) => void,
  ): void {
    const call: Call = { path, isWrite, perform, fail, state: 'unsent', tell: null };
    this.calls.add(call);
    if (this.isOver || this.closed !== null) {
      this.calls.settle(call, () => fail(new CoordinationError('SESSIONEXPIRED', path)));
      this.soon(() => this.calls.deliver());
    } else if (this.isOverdue()) this.soon(() => this.expire());
    else this.pump();
  }

  private pump(): void {
    const { connection } = this;
    if (connection?.isAttached !== true) return;
    for (const call of this.calls.unsent) {
      call.state = 'sent';
      const sentMs = this.process.clock.monotonic();
      connection.out.control(() => this.perform(connection, call, sentMs));
    }
  }

  private perform(connection: Connection, call: Call, sentMs: number): void {
    if (!this.ensemble.heard(this.sessionId)) return;
    let tell: () => void;
    try {
      tell = call.perform();
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
      tell = () => call.fail(error);
    }
    this.toClient(connection, () => {
      if (!this.proven(sentMs)) return;
      this.calls.settle(call, tell);
      this.calls.deliver();
    });
  }

  // --- watches

  private watch(target: WatchTarget, path: string, watch: Watch | null, origin: WatchOrigin): void {
    if (watch !== null) this.watches.add(target, path, watch, origin);
  }

  private changed(change: TreeChange): void {
    for (const firing of this.watches.fire(change)) {
      this.firings.push(firing);
      if (this.connection?.isAttached === true) this.sendFiring(this.connection, firing);
    }
  }

  private sendFiring(connection: Connection, firing: Firing): void {
    this.toClient(connection, () => {
      if (this.isOverdue()) return this.expire();
      this.firings = this.firings.filter((each) => each !== firing);
      for (const [watch, origins] of firing.watchers) {
        if (origins.some(({ isAnswered }) => isAnswered)) watch(firing.event);
      }
    });
  }

  // --- connections

  private connect(): void {
    if (this.isOver || this.connection !== null) return;
    const { process, ensemble, network } = this;
    const connection: Connection = { ...network.channel(process.host, ensemble.host), isAttached: false };
    this.connection = connection;
    const lost = () => {
      if (this.connection === connection) this.loseConnection();
    };
    connection.back.to({ received: () => {}, ended: lost, reset: lost });
    const sentMs = process.clock.monotonic();
    connection.out.control(() => {
      const lives = ensemble.heard(this.sessionId);
      this.toClient(connection, () => (lives ? this.attached(connection, sentMs) : this.expire()));
      if (!lives) return;
      for (const firing of this.firings) this.sendFiring(connection, firing);
      connection.isAttached = true;
    });
    this.keepAlive(connection);
  }

  private attached(connection: Connection, sentMs: number): void {
    if (!this.proven(sentMs)) return;
    this.hasBeenAttached = true;
    for (const listener of this.listeners) listener('connected');
    if (this.connection !== connection) return;
    this.pump();
    if (this.closed !== null) this.sendClose(connection);
  }

  private keepAlive(connection: Connection): void {
    this.process.timers.after(this.timeoutMs / 3, () => {
      if (this.connection !== connection || this.isOver) return;
      const nowMs = this.process.clock.monotonic();
      if (nowMs - this.provenMs >= (this.timeoutMs * 2) / 3) return this.loseConnection();
      connection.out.control(() => {
        if (this.ensemble.heard(this.sessionId)) this.toClient(connection, () => this.proven(nowMs));
      });
      this.keepAlive(connection);
    });
  }

  private lost(): void {
    if (this.isOver) return;
    if (this.isOverdue()) return this.expire();
    this.calls.loseSent();
    for (const listener of this.listeners) listener('disconnected');
    this.calls.deliver();
    this.process.timers.after(RETRY_MS, () => this.connect());
  }

  private drop(): void {
    const { connection } = this;
    this.connection = null;
    connection?.out.close();
    connection?.back.close();
  }

  private toClient(connection: Connection, arrived: () => void): void {
    connection.back.control(() =>
      this.process.deliver(() => {
        if (this.connection === connection && !this.isOver) arrived();
      }),
    );
  }

  // --- the session's end

  /** @returns whether the session may go on */
  private proven(sentMs: number): boolean {
    this.provenMs = Math.max(this.provenMs, sentMs);
    if (this.isOverdue()) this.expire();
    return !this.isOver;
  }

  private isOverdue(): boolean {
    return !this.isOver && this.process.clock.monotonic() >= this.provenMs + this.timeoutMs;
  }

  private watchExpiry(): void {
    if (this.isOver) return;
    const leftMs = this.provenMs + this.timeoutMs - this.process.clock.monotonic();
    if (leftMs <= 0) return this.expire();
    this.process.timers.after(leftMs, () => this.watchExpiry());
  }

  private endedAtEnsemble(): void {
    this.watches.clear();
    const { connection } = this;
    if (connection === null || this.closed !== null) return;
    this.toClient(connection, () => this.expire());
  }

  private expire(): void {
    this.end('expired');
  }

  private end(tell: SessionState | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.drop();
    this.calls.endAll();
    if (tell !== null) for (const listener of [...this.listeners]) listener(tell);
    this.calls.deliver();
    for (const done of this.closed ?? []) done();
  }

  private soon(act: () => void): void {
    this.process.timers.after(0, act);
  }
}
