import { createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { BufferPool } from './buffer-pool.ts';
import { Connection, type ConnectionSurroundings } from './connection.ts';
import type { Dispatcher } from './dispatcher.ts';
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
}

export interface ListenerParts {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: LogSink;
}

const POOLED_BUFFER_BYTES = 256 * 1024;
const POOLED_BUFFERS_IDLE_MAX = 32;

/** One address that clients connect to. */
export class Listener {
  private readonly settings: ListenerSettings;
  private readonly parts: ListenerParts;
  private readonly server: Server;
  private readonly connections = new Set<Connection>();
  private readonly perHost = new Map<string, number>();
  private readonly idle: IdleConnections<Connection>;
  private readonly surroundings: ConnectionSurroundings;
  private nextConnection = 0;

  constructor(settings: ListenerSettings, parts: ListenerParts) {
    this.settings = settings;
    this.parts = parts;
    this.idle = new IdleConnections(parts.clock, parts.timers, settings.idleMaxMs);
    this.surroundings = {
      dispatcher: parts.dispatcher,
      log: parts.log,
      pool: new BufferPool(POOLED_BUFFER_BYTES, POOLED_BUFFERS_IDLE_MAX),
      frameSizeMaxBytes: settings.frameSizeMaxBytes,
      onActivity: (connection) => this.idle.touch(connection),
    };
    this.server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.accept(socket));
  }

  /** Rejects with the system's error when the address cannot be had. @returns the port, also when 0 was asked */
  start(): Promise<number> {
    const { host, port, backlog } = this.settings;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port, backlog, ...(host === '' ? {} : { host }) }, () => {
        this.server.removeListener('error', reject);
        this.server.on('error', (error) => this.parts.log.error('a listener failed', { error }));
        const address = this.server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Takes no further connection or request; resolves when all answers in work were sent, or at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    for (const connection of this.connections) connection.stop();
    const timer = this.parts.timers.after(deadlineMs, () => {
      for (const connection of this.connections) connection.destroy();
    });
    await closed;
    timer.cancel();
    this.idle.stop();
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
    const { connectionsMax, connectionsPerHostMax } = this.settings;
    if (this.connections.size >= connectionsMax) return `max.connections is ${connectionsMax}`;
    const fromHost = this.perHost.get(host) ?? 0;
    if (fromHost >= connectionsPerHostMax) return `max.connections.per.ip is ${connectionsPerHostMax}`;
    return null;
  }

  private forget(connection: Connection, host: string): void {
    this.connections.delete(connection);
    this.idle.remove(connection);
    const left = (this.perHost.get(host) ?? 1) - 1;
    if (left > 0) this.perHost.set(host, left);
    else this.perHost.delete(host);
  }
}
