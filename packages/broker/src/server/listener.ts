import type { Socket } from 'node:net';
import type { Clock, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Acceptor, Machine } from '../machine.ts';
import { BufferPool } from './buffer-pool.ts';
import { Connection, type ConnectionSurroundings } from './connection.ts';
import type { Dispatcher } from './dispatcher.ts';
import { FrameBuffers } from './frame-buffers.ts';
import { IdleConnections } from './idle-connections.ts';

export interface ListenerSettings {
  readonly name: string;
  /** Empty: every address of the machine. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly backlog: number;
  readonly frameSizeMaxBytes: number;
  readonly idleMaxMs: number;
  readonly connectionsMax: number;
  readonly connectionsPerHostMax: number;
  /** By address, instead of `connectionsPerHostMax`. */
  readonly connectionsPerHostOverrides: ReadonlyMap<string, number>;
}

export interface ListenerParts {
  readonly acceptor: Machine['acceptor'];
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: LogSink;
}

const POOLED_BUFFER_BYTES = 256 * 1024;
const POOLED_BUFFERS_IDLE_MAX = 32;
const RECEIVE_BUFFER_BYTES = 128 * 1024;
const FRAME_BUFFERS_IDLE_BYTES_MAX = 16 * 1024 * 1024;

/** One address that clients connect to. */
export class Listener {
  private readonly settings: ListenerSettings;
  private readonly parts: ListenerParts;
  private readonly acceptor: Acceptor;
  private readonly connections = new Set<Connection>();
  private readonly perHost = new Map<string, number>();
  private readonly idle: IdleConnections<Connection>;
  private readonly surroundings: ConnectionSurroundings;
  private nextConnection = 0;
  /** Connected before the broker was ready to serve; null once it is. */
  private waiting: Socket[] | null = [];
  /** Is called when the last connection is gone. */
  private onceEmpty: (() => void) | null = null;
  /** Set from the first stop on: all connections are gone. */
  private ended: Promise<void> | null = null;

  constructor(settings: ListenerSettings, parts: ListenerParts) {
    this.settings = settings;
    this.parts = parts;
    this.idle = new IdleConnections(parts.clock, parts.timers, settings.idleMaxMs);
    this.surroundings = {
      dispatcher: parts.dispatcher,
      log: parts.log,
      pool: new BufferPool(POOLED_BUFFER_BYTES, POOLED_BUFFERS_IDLE_MAX),
      receiveBuffer: Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES),
      frameBuffers: new FrameBuffers(FRAME_BUFFERS_IDLE_BYTES_MAX),
      frameSizeMaxBytes: settings.frameSizeMaxBytes,
      onActivity: (connection) => this.idle.touch(connection),
    };
    const { host, port, backlog } = settings;
    this.acceptor = parts.acceptor(
      { host, port, backlog },
      {
        connected: (socket) => this.connected(socket),
        failed: (error) => parts.log.error('a listener failed', { error }),
      },
    );
  }

  /**
   * Takes the address. Who connects waits until `open`, because the address must be known before the broker can
   * tell it to anybody. Rejects with the system's error when it cannot be had.
   *
   * @returns the port, also when 0 was asked
   */
  bind(): Promise<number> {
    return this.acceptor.bind();
  }

  /** Serves those who connected, and all to come. */
  open(): void {
    const waiting = this.waiting ?? [];
    this.waiting = null;
    for (const socket of waiting) this.accept(socket);
  }

  /**
   * Takes no further connection or request; resolves when all answers in work were sent, or at the deadline. While it
   * waits it may be told again, with a nearer deadline.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.ended ??= this.end();
    const timer = this.parts.timers.after(deadlineMs, () => {
      for (const connection of this.connections) connection.destroy();
    });
    await this.ended;
    timer.cancel();
    this.idle.stop();
  }

  private async end(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.acceptor.close(resolve);
    });
    const empty = new Promise<void>((resolve) => {
      if (this.connections.size === 0) resolve();
      else this.onceEmpty = resolve;
    });
    for (const socket of this.waiting ?? []) socket.destroy();
    for (const connection of this.connections) connection.stop();
    await closed;
    await empty;
  }

  private connected(socket: Socket): void {
    if (this.waiting === null) this.accept(socket);
    else this.waiting.push(socket);
  }

  private accept(socket: Socket): void {
    const host = socket.remoteAddress ?? '';
    const refusal = this.refusal(host);
    if (refusal !== null) {
      this.parts.log.warn('refusing a connection', { client: host, reason: refusal });
      socket.destroy();
      return;
    }
    const id = `${this.settings.name}-${this.nextConnection++}`;
    const connection = new Connection(socket, id, this.settings.name, this.surroundings);
    this.connections.add(connection);
    this.perHost.set(host, (this.perHost.get(host) ?? 0) + 1);
    this.idle.touch(connection);
    connection.onClose(() => this.forget(connection, host));
  }

  private refusal(host: string): string | null {
    const { connectionsMax } = this.settings;
    const perHostMax =
      this.settings.connectionsPerHostOverrides.get(host) ?? this.settings.connectionsPerHostMax;
    if (this.connections.size >= connectionsMax) return `max.connections is ${connectionsMax}`;
    const fromHost = this.perHost.get(host) ?? 0;
    if (fromHost >= perHostMax) return `max.connections.per.ip is ${perHostMax}`;
    return null;
  }

  private forget(connection: Connection, host: string): void {
    this.connections.delete(connection);
    this.idle.remove(connection);
    const left = (this.perHost.get(host) ?? 1) - 1;
    if (left > 0) this.perHost.set(host, left);
    else this.perHost.delete(host);
    if (this.connections.size === 0) this.onceEmpty?.();
  }
}
