import { ClosedError, ConnectionError, asError } from '../errors.ts';
import { NO_FEATURES, type FinalizedFeatures } from '../network/api-version-table.ts';
import { Connection } from '../network/connection.ts';
import { DroppableSockets } from '../network/droppable-sockets.ts';
import type { ConnectionOptions } from '../network/negotiation.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address } from '../ports/sockets.ts';
import { backoffMs, delay, type BackoffOptions } from './backoff.ts';

/**
 * What a connection is for. Answers on one connection come in order, so a fetch or a join that waits would hold
 * up everything behind it: each purpose has its own connection.
 */
export type Channel = 'main' | 'fetch' | 'group';

export interface ConnectionPoolOptions extends ConnectionOptions {
  /** After a failed connection, per node; also when requests keep coming. */
  readonly reconnectBackoff: BackoffOptions;
  /** A connection unused for longer is opened anew rather than found dead: brokers close after 10 minutes. */
  readonly idleMaxMs: number;
}

interface Slot {
  readonly address: Address;
  readonly channel: Channel;
  connection: Connection | null;
  opening: Promise<Connection> | null;
  /** Failed attempts in a row. */
  failures: number;
  /** Monotonic time before which no attempt is made. */
  notBeforeMs: number;
}

/** At most one connection per address and channel, opened when needed and reopened with growing pauses. */
export class ConnectionPool {
  private readonly environment: ClientEnvironment;
  private readonly options: ConnectionPoolOptions;
  private readonly sockets: DroppableSockets;
  /** By host: it is looked up for every request, and to make a name of all that tells them apart would cost more. */
  private readonly slotsByHost = new Map<string, Slot[]>();
  private closed = false;
  /** As the newest that any broker told of. */
  features: FinalizedFeatures = NO_FEATURES;

  constructor(environment: ClientEnvironment, options: ConnectionPoolOptions) {
    const { clock, timers, random } = environment;
    this.sockets = new DroppableSockets(environment.sockets);
    this.environment = { clock, timers, random, sockets: this.sockets };
    this.options = options;
  }

  /** The connection, where it is open; null where `connection` has to be waited for. */
  ready(address: Address, channel: Channel): Connection | null {
    const slot = this.slotOf(address, channel);
    return slot === undefined ? null : this.usable(slot);
  }

  /**
   * Opens the connection where it is not. Who waits for it goes on in the order of asking, and before all for whom it
   * is `ready` then.
   *
   * @throws ConnectionError, RequestTimeoutError, BadAnswerError, ClosedError
   */
  connection(address: Address, channel: Channel): Promise<Connection> {
    const slot = this.slot(address, channel);
    const usable = this.usable(slot);
    if (usable !== null) return Promise.resolve(usable);
    return slot.opening ?? this.startOpening(slot);
  }

  /** Closes the connections to addresses that the cluster has no more. */
  retain(addresses: readonly Address[]): void {
    const names = new Set(addresses.map(nameOf));
    for (const [host, slots] of this.slotsByHost) {
      const isKept = ({ address, opening }: Slot): boolean => names.has(nameOf(address)) || opening !== null;
      const kept = slots.filter(isKept);
      for (const slot of slots) {
        if (!kept.includes(slot)) slot.connection?.close(new Error('the broker left the cluster'));
      }
      if (kept.length > 0) this.slotsByHost.set(host, kept);
      else this.slotsByHost.delete(host);
    }
  }

  close(): void {
    this.closed = true;
    for (const slot of [...this.slotsByHost.values()].flat()) {
      slot.connection?.close(new ClosedError('client'));
    }
    this.slotsByHost.clear();
    // Connections that are still being set up would keep the process from ending.
    this.sockets.dropAll();
  }

  private slot(address: Address, channel: Channel): Slot {
    const known = this.slotOf(address, channel);
    if (known !== undefined) return known;
    const slot: Slot = { address, channel, connection: null, opening: null, failures: 0, notBeforeMs: 0 };
    const ofHost = this.slotsByHost.get(address.host);
    if (ofHost === undefined) this.slotsByHost.set(address.host, [slot]);
    else ofHost.push(slot);
    return slot;
  }

  private slotOf({ host, port }: Address, channel: Channel): Slot | undefined {
    return this.slotsByHost.get(host)?.find((slot) => slot.address.port === port && slot.channel === channel);
  }

  private startOpening(slot: Slot): Promise<Connection> {
    const opening = this.open(slot);
    slot.opening = opening;
    const done = (): void => {
      slot.opening = null;
    };
    // The first to be told, and nothing runs between that and telling those who wait.
    opening.then(done, done);
    return opening;
  }

  /** Null while it is being opened, too: others wait for it already. */
  private usable(slot: Slot): Connection | null {
    const { connection } = slot;
    if (connection === null || slot.opening !== null) return null;
    if (connection.isOpen) {
      if (connection.isDue) connection.retire();
      else if (connection.idleMs <= this.options.idleMaxMs) return connection;
      else connection.close(new Error('idle for too long'));
    }
    slot.connection = null;
    return null;
  }

  private async open(slot: Slot): Promise<Connection> {
    if (this.closed) throw new ClosedError('client');
    const waitMs = slot.notBeforeMs - this.environment.clock.monotonic();
    if (waitMs > 0) await delay(this.environment, waitMs);
    try {
      const connection = await Connection.open(this.environment, slot.address, this.options);
      if (this.closed) {
        connection.close(new ClosedError('client'));
        throw new ClosedError('client');
      }
      slot.failures = 0;
      slot.connection = connection;
      const { features } = connection.versions;
      if (features.epoch >= this.features.epoch) this.features = features;
      return connection;
    } catch (error) {
      if (this.closed) throw new ClosedError('client');
      this.noteFailure(slot);
      throw neverSent(error);
    }
  }

  private noteFailure(slot: Slot): void {
    slot.failures++;
    const pauseMs = backoffMs(this.options.reconnectBackoff, slot.failures, this.environment.random);
    slot.notBeforeMs = this.environment.clock.monotonic() + pauseMs;
  }
}

/** A request whose connection could not be set up did not leave, however far the set-up came. */
function neverSent(thrown: unknown): Error {
  const error = asError(thrown);
  if (!(error instanceof ConnectionError) || error.unsent) return error;
  return new ConnectionError(error.message, { cause: error, unsent: true });
}

function nameOf(address: Address): string {
  return `${address.host}:${address.port}`;
}
