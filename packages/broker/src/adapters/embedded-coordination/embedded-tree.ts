import { CoordinationError, type Coordination } from '@odradek/core/ports/coordination.ts';
import type { Clock } from '@odradek/core/ports/clock.ts';
import { EmbeddedSession, type Delivery, type SessionTree } from './embedded-session.ts';
import { TreeStore } from './tree-store.ts';
import type { TreeChange } from './tree-write.ts';

/**
 * The coordination tree of one process: any number of sessions on one persisted tree, in place of ZooKeeper.
 *
 * Writes of one turn of the event loop are committed together, with one sync, before anybody is told of any of
 * them. The queue of deliveries holds what was asked in one turn, so its bound is that of the callers.
 */
export class EmbeddedTree implements SessionTree {
  private readonly store: TreeStore;
  private readonly clock: Clock;
  private readonly sessions = new Map<string, EmbeddedSession>();
  private deliveries: Delivery[] = [];
  private flushIsDue = false;
  private isClosed = false;

  /**
   * @param location the file of the tree, made when missing, or ':memory:' for one that ends with the process
   * @throws Error when the file cannot be used: held by another process, no tree, disk failing
   */
  constructor(location: string, clock: Clock) {
    this.clock = clock;
    this.store = new TreeStore(location, clock.now());
  }

  /** Opens a session. It ends by its `close`, by `expireSession`, or with the tree. */
  connect(): Coordination {
    if (this.isClosed) throw new Error('the coordination tree is closed');
    this.store.begin();
    const sessionId = this.store.takeZxid().toString(16);
    this.flushLater();
    const session = new EmbeddedSession(this, sessionId);
    this.sessions.set(sessionId, session);
    return session;
  }

  /** Ends a session from outside, as ZooKeeper does when it hears nothing of a client for too long. */
  expireSession(sessionId: string): void {
    this.sessions.get(sessionId)?.expire();
  }

  /** Ends all sessions and releases the file. */
  close(): void {
    if (this.isClosed) return;
    for (const session of this.sessions.values()) session.expire();
    this.flush();
    this.isClosed = true;
    this.store.close();
  }

  read<Value>(query: (store: TreeStore) => Value): Value {
    return query(this.store);
  }

  change<Value>(
    apply: (store: TreeStore, nowMs: number) => { value: Value; changes: readonly TreeChange[] },
  ): Value {
    this.store.begin();
    this.flushLater();
    const { value, changes } = apply(this.store, this.clock.now());
    for (const change of changes) {
      for (const session of this.sessions.values()) session.fireWatches(change);
    }
    return value;
  }

  endSession(sessionId: string): void {
    if (!this.sessions.delete(sessionId)) return;
    this.change((store, nowMs) => ({ value: undefined, changes: store.removeOwnedBy(sessionId, nowMs) }));
  }

  deliverLater(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.flushLater();
  }

  private flushLater(): void {
    if (this.flushIsDue) return;
    this.flushIsDue = true;
    // Not sooner: a long chain of calls must let the sockets have their turns.
    setImmediate(() => {
      if (!this.isClosed) this.flush();
    });
  }

  private flush(): void {
    this.flushIsDue = false;
    const deliveries = this.deliveries;
    this.deliveries = [];
    const failure = this.commit();
    for (const delivery of deliveries) {
      try {
        if (failure === null) delivery.deliver();
        else delivery.undo(failure);
      } catch (error) {
        // A caller's mistake must not keep the others from their answers; it is reported as uncaught.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  private commit(): CoordinationError | null {
    try {
      this.store.commit();
      return null;
    } catch (cause) {
      const message = `the coordination tree could not be written: ${String(cause)}`;
      return new CoordinationError('SYSTEMERROR', '/', { message, cause });
    }
  }
}
